#pragma once

#include <cstdint>

#include "shm/time.hpp"

namespace daohil::hil::judge::detail {

__extension__ using Ticks = __int128;

/// Time in fractions of a frame period, without rounding for any rate: one period is 10^12 ticks
/// and one nanosecond as many as the rate has millihertz.
///
/// Frame k (from 0) is there from floor(k T) ns on (Rate::offset_of); a clock of whole ns has
/// reached that at t exactly when k T < t + 1, so t stands at the tick before t + 1.
class FrameClock {
 public:
  static constexpr Ticks kPeriod = 1'000'000'000'000;

  explicit FrameClock(shm::Rate rate) : per_ns_(rate.millihertz()) {}

  [[nodiscard]] Ticks at(shm::Duration since_first) const {
    return (Ticks{since_first.count()} + 1) * per_ns_ - 1;
  }
  [[nodiscard]] Ticks length(shm::Duration span) const { return Ticks{span.count()} * per_ns_; }

 private:
  Ticks per_ns_;
};

/// For a >= 0 and b > 0.
[[nodiscard]] constexpr std::uint64_t floor_div(Ticks a, Ticks b) {
  return static_cast<std::uint64_t>(a / b);
}
[[nodiscard]] constexpr std::uint64_t ceil_div(Ticks a, Ticks b) {
  return static_cast<std::uint64_t>((a + b - 1) / b);
}

/// ceil(t f): whole periods needed to cover a time; 0 for one that is not positive.
[[nodiscard]] inline std::uint64_t periods_covering(shm::Duration time, shm::Rate rate) {
  if (time.count() <= 0) return 0;
  return ceil_div(FrameClock(rate).length(time), FrameClock::kPeriod);
}

}  // namespace daohil::hil::judge::detail
