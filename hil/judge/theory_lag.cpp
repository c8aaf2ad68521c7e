#include "hil/judge/theory_lag.hpp"

#include <algorithm>

#include "hil/judge/detail/frame_clock.hpp"

namespace daohil::hil::judge {

using detail::FrameClock;
using detail::Ticks;

namespace {

constexpr Ticks kPeriod = FrameClock::kPeriod;

bool is_phase(Duration phase, Rate rate) {
  return phase.count() >= 0 && FrameClock(rate).at(phase) < kPeriod;
}

}  // namespace

std::optional<Totals> constant_lag(const SteadyReader& reader, std::uint64_t depth,
                                   std::uint64_t reads) {
  const FrameClock clock(reader.rate);
  const Ticks service = clock.length(reader.service);
  if (depth == 0 || reads == 0 || service < 0 || service > 2 * kPeriod) return std::nullopt;
  if (!is_phase(reader.phase, reader.rate)) return std::nullopt;
  const Ticks excess = std::max<Ticks>(service - kPeriod, 0);
  const std::uint64_t surplus =
      detail::floor_div(clock.at(reader.phase) + Ticks{reads - 1} * excess, kPeriod);
  return from_surplus(reads + surplus, reads, depth);
}

std::optional<Totals> from_surplus(std::uint64_t written, std::uint64_t reads,
                                   std::uint64_t depth) {
  if (depth == 0 || written < reads) return std::nullopt;
  const std::uint64_t surplus = written - reads;
  const std::uint64_t overwrites = surplus / depth;
  return Totals{.delivered = reads,
                .overwrites = overwrites,
                .lost = depth * overwrites,
                .backlog = surplus % depth};
}

std::optional<Cycle> next_overwrite(const SteadyReader& reader, std::uint64_t depth,
                                    Duration reset) {
  const FrameClock clock(reader.rate);
  const Ticks excess = clock.length(reader.service) - kPeriod;
  if (depth == 0 || excess <= 0 || reset.count() < 0) return std::nullopt;
  const Ticks phase = clock.at(reset) % kPeriod;
  Cycle cycle;
  cycle.reads = detail::ceil_div(Ticks{depth} * kPeriod - phase, excess);
  cycle.lost = detail::floor_div(phase + Ticks{cycle.reads} * excess, kPeriod);
  cycle.overwrite = reset + reader.service * static_cast<std::int64_t>(cycle.reads);
  cycle.phase = cycle.overwrite - reader.rate.offset_of(reader.rate.frames_by(cycle.overwrite) - 1);
  return cycle;
}

std::optional<Totals> constant_lag_by_cycles(const SteadyReader& reader, std::uint64_t depth,
                                             std::uint64_t reads) {
  if (reads == 0 || !is_phase(reader.phase, reader.rate)) return std::nullopt;
  Totals totals{.delivered = reads};
  Duration reset = reader.phase;
  std::uint64_t left = reads - 1;
  for (;;) {
    const auto cycle = next_overwrite(reader, depth, reset);
    if (!cycle) return std::nullopt;
    if (cycle->reads > left) break;
    left -= cycle->reads;
    totals.overwrites += 1;
    totals.lost += cycle->lost;
    reset = cycle->overwrite;
  }
  const Duration last = reset + reader.service * static_cast<std::int64_t>(left);
  totals.backlog = reader.rate.frames_by(last) - totals.delivered - totals.lost;
  return totals;
}

std::optional<Lapse> lapse_of(const Stall& stall) {
  if (stall.depth == 0 || stall.gap.count() < 0 || stall.begin.count() < 0) return std::nullopt;
  Lapse lapse;
  lapse.unread = stall.rate.frames_by(stall.begin + stall.gap) - stall.rate.frames_by(stall.begin);
  if (outcome_of(lapse.unread, stall.depth) != Outcome::overwrite) return lapse;
  lapse.overwrites = 1;
  lapse.lost = lapse.unread - 1;
  return lapse;
}

std::optional<Resync> resync_after(const Stall& stall, Duration pace) {
  const FrameClock clock(stall.rate);
  const auto lapse = lapse_of(stall);
  const Ticks spare = kPeriod - clock.length(pace);
  if (!lapse || lapse->unread == 0 || pace.count() < 0 || spare <= 0) return std::nullopt;
  const std::uint64_t unread = lapse->overwrites > 0 ? 1 : lapse->unread;
  const Ticks phase = clock.at(stall.begin + stall.gap) % kPeriod;
  Resync resync;
  resync.reads = detail::floor_div(Ticks{unread - 1} * kPeriod + phase, spare) + 1;
  resync.time = pace * static_cast<std::int64_t>(resync.reads);
  return resync;
}

std::optional<Resync> resync_at_most(Duration gap, std::uint64_t depth, Duration pace, Rate rate) {
  const FrameClock clock(rate);
  const Ticks spare = kPeriod - clock.length(pace);
  if (depth == 0 || gap.count() < 0 || pace.count() < 0 || spare <= 0) return std::nullopt;
  const Ticks behind = std::min(clock.length(gap), Ticks{depth} * kPeriod);
  Resync resync;
  resync.reads = detail::floor_div(behind, spare) + 1;
  resync.time = pace * static_cast<std::int64_t>(resync.reads);
  return resync;
}

double overwrite_probability(Duration gap, std::uint64_t depth, Rate rate) {
  const double periods = static_cast<double>(gap.count()) * 1e-9 * rate.hertz();
  return std::clamp(periods - static_cast<double>(depth), 0.0, 1.0);
}

}  // namespace daohil::hil::judge
