#include "hil/lag_schedule.hpp"

#include <algorithm>

#include "hil/random.hpp"

namespace daohil::hil {
namespace {

// A polling reader without spacing would stand still in virtual time.
constexpr shm::Duration kShortestPoll = std::chrono::microseconds(1);

}  // namespace

LagSchedule::LagSchedule(const plan::ReaderPlan& reader, shm::Duration period, std::uint64_t seed)
    : period_(period), service_(reader.hold), chance_(stream_of(seed, reader.name)) {
  if (reader.on_empty == plan::OnEmpty::poll) {
    poll_ = std::max(reader.poll, kShortestPoll);
    const bool in_order =
        reader.mode == plan::ReadMode::next || reader.mode == plan::ReadMode::mixed;
    if (!in_order) least_gap_ = *poll_;
  }
  for (const plan::Lag& lag : reader.lag) std::visit([this](const auto& kind) { take(kind); }, lag);
}

void LagSchedule::take(const plan::ConstantLag& constant) {
  service_ = std::max(service_, constant.service);
  phase_ = std::max(phase_, constant.phase);
}

shm::Duration LagSchedule::gap_after(std::uint64_t delivered) const {
  shm::Duration gap = std::max(least_gap_, delivered == 1 ? service_ + phase_ : service_);
  for (const plan::PeriodicLag& stall : stalls_) {
    if (delivered % stall.every == 0)
      gap = std::max(gap, stall.stall);
    else if (stall.phase == plan::StallPhase::sweep && (delivered + 1) % stall.every == 0)
      gap = std::max(gap, sweep_delay((delivered + 1) / stall.every));
  }
  for (const plan::BurstLag& burst : bursts_)
    if (delivered % burst.reads == 0) gap = std::max(gap, burst.idle);
  for (const plan::TraceLag& trace : traces_)
    gap = std::max(gap, trace.gaps[(delivered - 1) % trace.gaps.size()]);
  return std::max(gap, pause_after(delivered));
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

// Two draws for each frame: whether a pause begins, and how long it is.
shm::Duration LagSchedule::pause_after(std::uint64_t delivered) const {
  constexpr double kSecond = 1e9;
  shm::Duration longest{0};
  for (std::size_t i = 0; i < pauses_.size(); ++i) {
    const plan::PauseLag& pause = pauses_[i];
    const std::uint64_t n = (delivered * pauses_.size() + i) * 2;
    const double probability = pause.rate_hz * static_cast<double>(period_.count()) / kSecond;
    if (uniform(draw(chance_, n)) >= probability) continue;
    const double z = normal(uniform(draw(chance_, n + 1)));
    const double ns = static_cast<double>(pause.median.count()) * exponential(pause.sigma * z);
    const double capped = std::min(ns, static_cast<double>(pause.cap.count()));
    longest = std::max(longest, shm::Duration{static_cast<std::int64_t>(capped)});
  }
  return longest;
}

shm::Duration LagSchedule::when_running(shm::Duration intended) const {
  for (const plan::StopLag& stop : stops_)
    if (intended >= stop.at && intended < stop.at + stop.span) intended = stop.at + stop.span;
  return intended;
}

shm::Duration LagSchedule::longest_gap() const {
  shm::Duration gap = service_;
  for (const plan::PeriodicLag& stall : stalls_) gap = std::max(gap, stall.stall);
  for (const plan::BurstLag& burst : bursts_) gap = std::max(gap, burst.idle);
  for (const plan::PauseLag& pause : pauses_) gap = std::max(gap, pause.cap);
  for (const plan::TraceLag& trace : traces_)
    gap = std::max(gap, *std::max_element(trace.gaps.begin(), trace.gaps.end()));
  for (const plan::StopLag& stop : stops_) gap = std::max(gap, stop.span + service_);
  return gap;
}

}  // namespace daohil::hil
