#include "hil/judge/theory_ring.hpp"

#include <algorithm>

#include "hil/judge/detail/frame_clock.hpp"

namespace daohil::hil::judge {

using detail::FrameClock;
using detail::periods_covering;

Duration age_bound(std::uint64_t depth, Rate rate) { return rate.offset_of(depth); }

std::optional<Duration> intact_for(std::uint64_t depth, std::uint64_t unread, Duration phase,
                                   Duration copy, Rate rate) {
  const bool in_period = phase.count() >= 0 && FrameClock(rate).at(phase) < FrameClock::kPeriod;
  if (unread == 0 || unread > depth || !in_period) return std::nullopt;
  return rate.offset_of(depth - unread + 1) - phase - copy;
}

Duration hold_budget(Duration copy, Rate rate) {
  return std::max(rate.offset_of(1) - copy, Duration{0});
}

std::uint64_t safe_history(std::uint64_t depth, Duration hold, Duration copy, Rate rate) {
  const std::uint64_t used = periods_covering(hold + copy, rate);
  return depth > used ? depth - used : 0;
}

std::uint64_t safe_depth(Duration gap, Duration hold, Duration copy, Rate rate) {
  const std::uint64_t depth = periods_covering(gap, rate) + periods_covering(hold + copy, rate);
  return std::max<std::uint64_t>(1, depth);
}

std::uint64_t least_depth(Duration gap, Duration hold, Duration copy, Rate rate) {
  return std::max<std::uint64_t>(1, periods_covering(gap + hold + copy, rate));
}

std::optional<std::uint64_t> depth_for_burst(std::uint64_t burst, Duration latency,
                                             Duration service, Rate rate) {
  const bool keeps_up =
      service.count() >= 0 && FrameClock(rate).length(service) <= FrameClock::kPeriod;
  if (!keeps_up || latency.count() < 0) return std::nullopt;
  return std::max<std::uint64_t>(1, burst + periods_covering(latency, rate));
}

}  // namespace daohil::hil::judge
