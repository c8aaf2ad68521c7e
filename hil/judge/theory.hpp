#pragma once

#include <cstdint>
#include <string>

#include "hil/lag_schedule.hpp"
#include "shm/time.hpp"

/// What a reader of a DAO FIFO must see, computed without a FIFO: pure functions, exact integer
/// nanoseconds. T0 .. T10 are the theorems of hil/README.md, whose table says which function is
/// which. They were checked in lock-step against the reference FIFO before they were written down,
/// and are against a reader that goes from event to event (tests/hil/theory_property_test.cpp).
///
/// Here: the rules of a call, T0, T1, and the exact recursion for any lag (T10). Closed forms:
/// theory_lag.hpp (T2 .. T4), theory_ring.hpp (T5 .. T7), theory_source.hpp (T8, T9). Of
/// publications as they came: replayed.hpp. Statistics: statistics.hpp.
///
/// N depth, T frame period, f = 1/T, p service time, rho = p/T, g gap between two reads, d unread
/// frames (newest counter - counter read last), h hold of an in-place reader, w writer's copy time.
namespace daohil::hil::judge {

using shm::Duration;
using shm::Rate;

/// Outcome of one `next` at d unread frames (section "semantics").
enum class Outcome { not_ready, success, overwrite };
/// 0: not_ready; 1 .. N: success; N+1 ..: overwrite.
[[nodiscard]] Outcome outcome_of(std::uint64_t unread, std::uint64_t depth);

/// Totals of a reader over a run.
struct Totals {
  std::uint64_t delivered = 0;  ///< frames handed out, by success or overwrite
  std::uint64_t overwrites = 0;
  std::uint64_t lost = 0;
  std::uint64_t backlog = 0;  ///< frames still unread at the end

  bool operator==(const Totals&) const = default;
};

/// T0: frames that have passed a reader in order, each exactly once: delivered + lost + backlog. To
/// be compared with the frames published since it opened.
[[nodiscard]] std::uint64_t passed(const Totals& totals);

/// T1: what the call after one that found `unread` (d >= 1) loses if `commits` (a) frames came in
/// between: d + a - 2 if it is an overwrite (d - 1 + a > N), else nothing. `unread` is 1 after an
/// overwrite, which leaves nothing. So an overwrite loses N .. N + a - 2 frames.
/// @returns 0 also for unread = 0, where no frame was taken: T1 does not speak of it
[[nodiscard]] std::uint64_t lost_by_call(std::uint64_t unread, std::uint64_t commits,
                                         std::uint64_t depth);

/// How the bench deviates from the nominal numbers, in the direction under test.
struct Deviation {
  Rate rate;                  ///< of the source
  Duration wake_latency{0};   ///< eps: from commit to the waiting reader's call
  Duration call_lateness{0};  ///< from the intended to the actual time of a planned call
};

/// T1 .. T4 and T10 by the exact recursion: frame k is published at floor((k-1) T); the reader
/// calls by its schedule until the last frame is out. Valid for any lag, not only those with a
/// closed form. Time O(calls).
/// @param frames published in all, >= 1
[[nodiscard]] Totals recursion(const LagSchedule& lag, std::uint64_t depth, std::uint64_t frames,
                               const Deviation& deviation);

}  // namespace daohil::hil::judge
