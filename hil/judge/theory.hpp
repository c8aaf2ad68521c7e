#pragma once

#include <cstdint>
#include <string>

#include "hil/lag_schedule.hpp"
#include "shm/time.hpp"

/// What a reader of a DAO FIFO must see, computed without a FIFO: pure functions, exact integer
/// nanoseconds. T0 .. T8 are the theorems of hil/README.md; they were checked in lock-step against
/// the reference FIFO before they were written down.
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

/// T2, constant lag with 1 < rho <= 2: after R frames delivered, X = floor(phi + (R-1)(rho-1));
/// overwrites floor(X/N), lost N * overwrites, backlog X mod N.
/// @param reads R >= 1 @param depth N >= 1
/// @param excess_num, excess_den rho - 1 = num/den, 0 < rho - 1 <= 1
/// @param phase_num phi = phase_num/excess_den in [0, 1): phase of the first read after its commit
[[nodiscard]] Totals constant_lag_closed_form(std::uint64_t reads, std::uint64_t depth,
                                              std::uint64_t excess_num, std::uint64_t excess_den,
                                              std::uint64_t phase_num);

/// T3, constant lag, integer rho = m >= 2: reads from a reset to the next overwrite,
/// J = ceil(N / (m-1)), each losing L = J (m-1).
struct Cycle {
  std::uint64_t reads = 0;
  std::uint64_t lost = 0;
};
[[nodiscard]] Cycle constant_lag_cycle(std::uint64_t depth, std::uint64_t rho);

/// T4: unread frames a caught-up waiting reader finds after a gap: d = floor((g + eps) / T).
/// It is lapped exactly if d >= N + 1, and then loses d - 1.
[[nodiscard]] std::uint64_t unread_after_stall(Duration gap, Duration wake_latency, Rate rate);

/// T5: a frame delivered by success is younger than N * T (plus the wake-up latency).
[[nodiscard]] Duration age_bound(std::uint64_t depth, Rate rate);

/// T7: the depth that loses and tears nothing for a worst gap g, whatever its phase:
/// N >= ceil(g f) + ceil((h + w) f).
[[nodiscard]] std::uint64_t safe_depth(Duration gap, Duration hold, Duration copy, Rate rate);

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
