#include "hil/judge/theory_source.hpp"

#include <algorithm>

#include "hil/judge/detail/frame_clock.hpp"

namespace daohil::hil::judge {

using detail::FrameClock;
using detail::Ticks;

std::optional<SkipBounds> skips_per_read(Duration service, Rate rate) {
  if (service.count() < 0) return std::nullopt;
  const Ticks ticks = FrameClock(rate).length(service);
  const auto one_less = [](std::uint64_t n) { return std::max<std::uint64_t>(n, 1) - 1; };
  return SkipBounds{.least = one_less(detail::floor_div(ticks, FrameClock::kPeriod)),
                    .most = one_less(detail::ceil_div(ticks, FrameClock::kPeriod))};
}

std::optional<NewestTotals> newest_totals(const SteadyReader& reader, std::uint64_t reads) {
  if (reads == 0 || reader.service.count() < 0 || reader.phase.count() < 0) return std::nullopt;
  const Duration last = reader.phase + reader.service * static_cast<std::int64_t>(reads - 1);
  const std::uint64_t came = reader.rate.frames_by(last) - reader.rate.frames_by(reader.phase);
  const std::uint64_t steps = reads - 1;
  return NewestTotals{.skipped = came > steps ? came - steps : 0,
                      .duplicates = steps > came ? steps - came : 0};
}

std::optional<std::uint64_t> drops_of_stall(Duration stall, WhileStalled kept, Rate rate) {
  if (stall.count() < 0) return std::nullopt;
  const std::uint64_t due = rate.frames_by(stall) - 1;
  return kept == WhileStalled::newest_kept ? std::max<std::uint64_t>(due, 1) - 1 : due;
}

std::optional<std::uint64_t> unread_in_burst(std::uint64_t burst, Duration spacing,
                                             Duration service) {
  if (burst == 0 || spacing.count() <= 0 || spacing > service) return std::nullopt;
  return burst - detail::ceil_div(Ticks{burst - 1} * spacing.count(), service.count());
}

}  // namespace daohil::hil::judge
