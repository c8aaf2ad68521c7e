#include "drivers/stamped/stamped_check.hpp"

#include <fmt/format.h>

#include <vector>

#include "drivers/error.hpp"
#include "drivers/pixel_sum.hpp"
#include "simulators/stamp.hpp"
#include "simulators/test_pattern.hpp"

namespace daohil::drivers {
namespace {

using shm::PixelType;
using simulators::Element;

Element element_of(PixelType type) {
  switch (type) {
    case PixelType::u8:
    case PixelType::i8:
      return Element::int8;
    case PixelType::u16:
    case PixelType::i16:
      return Element::int16;
    case PixelType::u32:
    case PixelType::i32:
      return Element::int32;
    case PixelType::u64:
    case PixelType::i64:
      return Element::int64;
    case PixelType::f32:
    case PixelType::c64:
      return Element::float32;
    case PixelType::f64:
    case PixelType::c128:
      return Element::float64;
  }
  throw Error(fmt::format("camera stamped: unknown pixel type code {}", static_cast<int>(type)));
}

std::size_t row_elements(const FrameFormat& format) {
  const std::size_t columns = format.shape()[format.shape().axes() - 1];
  const bool complex = format.type() == PixelType::c64 || format.type() == PixelType::c128;
  return complex ? 2 * columns : columns;
}

}  // namespace

void render_stamped(const FrameFormat& format, FrameId id, MonotonicTime due,
                    std::span<std::byte> into) {
  simulators::fill_pattern(into, element_of(format.type()), row_elements(format), id.value);
  simulators::stamp(into, id.value, due.since_epoch());
}

ContentCheck::Finding StampedCheck::check(std::span<const std::byte> pixels, FrameId id) const {
  const simulators::Check stamp = simulators::check(pixels);
  const FrameId found{stamp.number};
  if (stamp.verdict != simulators::Verdict::good) return {Verdict::torn, found};
  return {found == id ? Verdict::good : Verdict::wrong_frame, found};
}

std::optional<std::uint32_t> StampedCheck::sum(PixelSum kind, FrameId id, MonotonicTime due) const {
  std::vector<std::byte> frame(format_.bytes());
  render_stamped(format_, id, due, frame);
  return sum_of(kind, frame);
}

}  // namespace daohil::drivers
