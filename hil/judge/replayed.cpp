#include "hil/judge/replayed.hpp"

#include <algorithm>

namespace daohil::hil::judge {

Totals recursion_over(const LagSchedule& lag, std::uint64_t depth,
                      std::span<const std::int64_t> due, std::span<const std::int64_t> published,
                      Duration start, const Deviation& deviation) {
  const std::uint64_t frames = due.size();
  Totals totals;
  if (frames == 0) return totals;
  const auto visible = [&](std::int64_t time) {
    return static_cast<std::uint64_t>(std::upper_bound(due.begin(), due.end(), time) - due.begin());
  };
  const std::int64_t last = due.back();
  std::int64_t now = start.count();
  // Frame 1 is due at 0, and a reader that is there from the beginning opened before it.
  std::uint64_t read = now == 0 ? 0 : visible(now - 1);
  while (now <= last) {
    std::uint64_t written = visible(now + deviation.call_lateness.count());
    if (written == read) {
      if (written == frames) break;
      now = lag.when_running(Duration{published[written] + deviation.wake_latency.count()}).count();
      written = std::max(visible(now), written + 1);
    }
    const std::uint64_t unread = written - read;
    totals.delivered += 1;
    if (outcome_of(unread, depth) == Outcome::overwrite) {
      totals.overwrites += 1;
      totals.lost += unread - 1;
      read = written;
    } else {
      read += 1;
    }
    now = lag.when_running(Duration{now} + lag.gap_after(totals.delivered)).count();
  }
  totals.backlog = frames - read;
  return totals;
}

std::uint64_t skips_over(const LagSchedule& lag, std::span<const std::int64_t> due,
                         std::span<const std::int64_t> published, Duration start,
                         const Deviation& deviation, Waits waits) {
  if (due.empty()) return 0;
  const auto visible = [&](std::int64_t time) {
    return static_cast<std::uint64_t>(std::upper_bound(due.begin(), due.end(), time) - due.begin());
  };
  std::uint64_t skips = 0;
  std::uint64_t read = start.count() == 0 ? 0 : visible(start.count() - 1);
  std::uint64_t delivered = 0;
  std::int64_t now = start.count();
  if (read == 0) now = std::max(now, published.front() + deviation.wake_latency.count());
  while (now <= due.back()) {
    std::uint64_t newest = visible(now + deviation.call_lateness.count());
    if (newest == read && waits == Waits::for_a_newer_frame) {
      if (newest == due.size()) break;
      now = published[newest] + deviation.wake_latency.count();
      newest = std::max(visible(now), newest + 1);
    }
    if (newest > read + 1) skips += newest - read - 1;
    read = std::max(read, newest);
    delivered += 1;
    now = lag.when_running(Duration{now} + lag.gap_after(delivered)).count();
  }
  return skips;
}

}  // namespace daohil::hil::judge
