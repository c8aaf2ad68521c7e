#include "drivers/pixel_memory.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <new>

#include "drivers/error.hpp"

namespace daohil::drivers {
namespace {

std::uint64_t installed_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return UINT64_MAX;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
}

}  // namespace

std::vector<std::byte> allocate_pixels(std::string_view owner, const shm::FrameFormat& format,
                                       std::uint64_t frames) {
  const std::uint64_t installed = installed_memory();
  // Division, so that a hostile number of frames cannot overflow the product.
  if (frames <= installed / format.bytes()) try {
      return std::vector<std::byte>(static_cast<std::size_t>(frames) * format.bytes());
    } catch (const std::bad_alloc&) {
    }
  throw Error(
      fmt::format("{}: {} frame(s) of {} do not fit into memory ({} MiB installed); use "
                  "fewer or smaller frames",
                  owner, frames, format.str(), installed >> 20));
}

}  // namespace daohil::drivers
