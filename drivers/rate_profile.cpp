#include "drivers/rate_profile.hpp"

namespace daohil::drivers {

using shm::Duration;
using shm::Rate;

RateProfile::RateProfile(Rate rate, const std::vector<RateStep>& steps) {
  pieces_.push_back({0, Duration{0}, rate});
  for (const RateStep& step : steps) {
    const Piece& before = pieces_.back();
    const Duration into = step.at - before.begin;
    // The first frame not due before the step: frames_by counts those due at or before a time.
    const std::uint64_t n = into.count() > 0 ? before.rate.frames_by(into - Duration{1}) : 0;
    pieces_.push_back({before.first + n, before.begin + before.rate.offset_of(n), step.to});
  }
}

Duration RateProfile::offset_of(std::uint64_t k) const {
  std::size_t i = pieces_.size() - 1;
  while (pieces_[i].first > k) --i;
  return pieces_[i].begin + pieces_[i].rate.offset_of(k - pieces_[i].first);
}

std::uint64_t RateProfile::frames_by(Duration elapsed) const {
  if (elapsed.count() < 0) return 0;
  std::size_t i = pieces_.size() - 1;
  while (pieces_[i].begin > elapsed) --i;
  return pieces_[i].first + pieces_[i].rate.frames_by(elapsed - pieces_[i].begin);
}

}  // namespace daohil::drivers
