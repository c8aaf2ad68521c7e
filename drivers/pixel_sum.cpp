#include "drivers/pixel_sum.hpp"

#include <zlib.h>

#include "simulators/crc32c.hpp"

namespace daohil::drivers {

std::uint32_t sum_of(PixelSum kind, std::span<const std::byte> bytes) {
  if (kind == PixelSum::crc32c) return simulators::crc32c(bytes);
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<std::uint32_t>(::crc32_z(0, data, bytes.size()));
}

}  // namespace daohil::drivers
