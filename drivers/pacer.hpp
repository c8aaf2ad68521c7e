#pragma once

#include <cstdint>
#include <optional>

#include "drivers/camera.hpp"
#include "drivers/rate_profile.hpp"

namespace daohil::drivers {

/// A frame and the time at which it is due.
struct DueFrame {
  FrameId id;
  MonotonicTime at;
};

/// Says which frame comes next and when, for cameras that have no clock of their own. Frame k is
/// due at first + (k - 1) / rate, computed from k: rounding never adds up. Sleeps nowhere and
/// looks at no clock.
class Pacer {
 public:
  /// @param frames after this many there are no more; empty: no end
  Pacer(RateProfile rate, OnLate on_late, std::optional<std::uint64_t> frames = std::nullopt);
  Pacer(Rate rate, OnLate on_late, std::optional<std::uint64_t> frames = std::nullopt)
      : Pacer(RateProfile(rate), on_late, frames) {}

  /// Begin again with frame 1, due at `first`.
  void start(MonotonicTime first);

  /// Move on to the next frame. As long as the host comes before the frame after it is due too,
  /// that is the frame after the last one. When it comes later, whole frames have been missed:
  ///
  ///   skip   the newest frame that is due; the ids between are lost
  ///   burst  the frame after the last one, due as ever
  ///   shift  the frame after the last one, due now, and all later ones with it
  ///
  /// skip never goes past the last frame of a recording.
  /// @returns empty after the last frame
  std::optional<DueFrame> next(MonotonicTime now);

 private:
  RateProfile rate_;
  OnLate on_late_;
  std::optional<std::uint64_t> frames_;
  MonotonicTime first_{};
  std::uint64_t last_ = 0;
};

/// The wait of a camera paced by the host: sleep until the frame is due, or until the deadline if
/// that is earlier. No system call when the frame is due already.
/// @returns frame or timeout
WaitOutcome wait_until_due(const shm::Clock& clock, MonotonicTime due, MonotonicTime deadline);

}  // namespace daohil::drivers
