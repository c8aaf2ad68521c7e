#include "drivers/pacer.hpp"

#include <algorithm>
#include <utility>

namespace daohil::drivers {

Pacer::Pacer(RateProfile rate, OnLate on_late, std::optional<std::uint64_t> frames)
    : rate_(std::move(rate)), on_late_(on_late), frames_(frames) {}

void Pacer::start(MonotonicTime first) {
  first_ = first;
  last_ = 0;
}

std::optional<DueFrame> Pacer::next(MonotonicTime now) {
  if (frames_ && last_ >= *frames_) return std::nullopt;
  std::uint64_t number = last_ + 1;
  const std::uint64_t newest_due = rate_.frames_by(now - first_);
  if (newest_due > number) {
    switch (on_late_) {
      case OnLate::skip:
        number = frames_ ? std::min(newest_due, *frames_) : newest_due;
        break;
      case OnLate::burst:
        break;
      case OnLate::shift:
        first_ = now - rate_.offset_of(number - 1);
        break;
    }
  }
  last_ = number;
  return DueFrame{FrameId{number}, first_ + rate_.offset_of(number - 1)};
}

WaitOutcome wait_until_due(const shm::Clock& clock, MonotonicTime due, MonotonicTime deadline) {
  if (clock.now() >= due) return WaitOutcome::frame;
  clock.sleep_until(std::min(due, deadline));
  return clock.now() >= due ? WaitOutcome::frame : WaitOutcome::timeout;
}

}  // namespace daohil::drivers
