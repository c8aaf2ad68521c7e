#pragma once

#include <cstdint>
#include <vector>

#include "shm/time.hpp"

namespace daohil::drivers {

/// A change of the frame rate: frames that would be due at or after `at` (counted from frame 1)
/// come at the new rate, the first of them when it would have come anyway.
struct RateStep {
  shm::Duration at{0};
  shm::Rate to;
};

/// When frames are due if the rate changes on the way. Exact: computed from the frame's number
/// within its piece, so that rounding never adds up. Immutable.
class RateProfile {
 public:
  /// @param steps in the order of time
  explicit RateProfile(shm::Rate rate, const std::vector<RateStep>& steps = {});

  /// Due time of frame k + 1, from that of frame 1 on. Monotonic in k.
  [[nodiscard]] shm::Duration offset_of(std::uint64_t k) const;
  /// Frames due at or before `elapsed`, counting frame 1 (due at 0). 0 for a negative time.
  [[nodiscard]] std::uint64_t frames_by(shm::Duration elapsed) const;

 private:
  struct Piece {
    std::uint64_t first = 0;  // its first frame, as k
    shm::Duration begin{0};   // due time of that
    shm::Rate rate;
  };
  std::vector<Piece> pieces_;
};

}  // namespace daohil::drivers
