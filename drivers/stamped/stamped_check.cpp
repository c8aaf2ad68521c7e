#include "drivers/stamped/stamped_check.hpp"

#include "simulators/stamp.hpp"

namespace daohil::drivers {

ContentCheck::Finding StampedCheck::check(std::span<const std::byte> pixels, FrameId id) const {
  const simulators::Check stamp = simulators::check(pixels);
  const FrameId found{stamp.number};
  if (stamp.verdict != simulators::Verdict::good) return {Verdict::torn, found};
  return {found == id ? Verdict::good : Verdict::wrong_frame, found};
}

}  // namespace daohil::drivers
