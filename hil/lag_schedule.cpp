#include "hil/lag_schedule.hpp"

#include <algorithm>

namespace daohil::hil {

LagSchedule::LagSchedule(const plan::ReaderPlan& reader, shm::Duration period)
    : period_(period), service_(reader.hold) {
  for (const plan::Lag& lag : reader.lag) {
    if (const auto* constant = std::get_if<plan::ConstantLag>(&lag))
      take(*constant);
    else if (const auto* periodic = std::get_if<plan::PeriodicLag>(&lag))
      stalls_.push_back(*periodic);
    else
      unread_ = std::get<plan::UnreadLag>(lag).unread;
  }
}

void LagSchedule::take(const plan::ConstantLag& constant) {
  service_ = std::max(service_, constant.service);
  phase_ = std::max(phase_, constant.phase);
}

shm::Duration LagSchedule::gap_after(std::uint64_t delivered) const {
  shm::Duration gap = delivered == 1 ? service_ + phase_ : service_;
  for (const plan::PeriodicLag& stall : stalls_) {
    if (delivered % stall.every == 0)
      gap = std::max(gap, stall.stall);
    else if (stall.phase == plan::StallPhase::sweep && (delivered + 1) % stall.every == 0)
      gap = std::max(gap, sweep_delay((delivered + 1) / stall.every));
  }
  return gap;
}

// One period, so that the next frame is there, and a share of another. Multiples of the golden
// ratio, modulo 1, fill the interval more evenly than random numbers would: after n stalls no gap
// between phases is wider than 2/n (Steinhaus' three-gap theorem).
shm::Duration LagSchedule::sweep_delay(std::uint64_t stall) const {
  constexpr std::uint64_t kGoldenRatioOf2To64 = 0x9E3779B97F4A7C15;
  const std::uint64_t phase = (stall * kGoldenRatioOf2To64) >> 32;  // 32-bit fraction
  return period_ + shm::Duration{static_cast<std::int64_t>(
                       (static_cast<std::uint64_t>(period_.count()) * phase) >> 32)};
}

std::optional<std::uint64_t> LagSchedule::unread_at(std::uint64_t call) const {
  if (unread_.empty()) return std::nullopt;
  return unread_[call % unread_.size()];
}

shm::Duration LagSchedule::longest_gap() const {
  shm::Duration gap = service_;
  for (const plan::PeriodicLag& stall : stalls_) gap = std::max(gap, stall.stall);
  return gap;
}

}  // namespace daohil::hil
