#pragma once

#include <cstdint>
#include <optional>

#include "hil/judge/theory.hpp"

/// Closed forms for a reader in order that is slow (T2, T3) or that stands still once (T4). Times
/// are whole nanoseconds, counted from the commit of frame 1; arithmetic is exact for any rate.
/// Outside of its range a formula says nothing: the result is empty.
namespace daohil::hil::judge {

/// A reader that makes a call every `service`, the first `phase` after the commit of frame 1. It
/// is slow if service > T; otherwise it waits for each frame.
struct SteadyReader {
  Rate rate;            ///< f = 1/T, of the source
  Duration service{0};  ///< p = rho T, >= 0
  Duration phase{0};    ///< phi T, 0 <= phi < 1
};

/// T2 after R reads, rho <= 2. With the surplus X = floor(phi + (R-1)(rho-1)), the frames that came
/// beyond one a read:
///     overwrites = floor(X / N), lost = N floor(X / N), backlog = X mod N.
/// All 0 for rho <= 1. `backlog` is what the R-th read leaves unread.
/// @param depth N >= 1 @param reads R >= 1
/// @returns empty for rho > 2 (an overwrite may cost more than N then: T3), or a phase outside
[[nodiscard]] std::optional<Totals> constant_lag(const SteadyReader& reader, std::uint64_t depth,
                                                 std::uint64_t reads);

/// T2 where the rate changes or frames are missing at the source (T9), pieces and all: the same
/// with the surplus X = W(s_R) - R, W frames written by the time s_R of the R-th read.
/// @pre one or two frames come between any two reads, and none is waited for
/// @returns empty for written < reads, or a depth of 0
[[nodiscard]] std::optional<Totals> from_surplus(std::uint64_t written, std::uint64_t reads,
                                                 std::uint64_t depth);

/// T3, one turn of the cycle of a slow reader: from a read that leaves nothing unread (its first,
/// or an overwrite) to the next overwrite.
struct Cycle {
  std::uint64_t reads = 0;  ///< J = ceil((N - phi) / (rho - 1))
  std::uint64_t lost = 0;   ///< L = floor(phi + J (rho - 1)), in [N, N + ceil(rho) - 2]
  Duration overwrite{0};    ///< when: `reset` + J p. The `reset` of the next turn
  Duration phase{0};        ///< phi' T there: time since the newest commit
};
/// @param depth N >= 1 @param reset when the first of the two reads is made, >= 0; replaces
///        reader.phase. phi is its distance from the newest commit
/// @returns empty for rho <= 1: such a reader is never lapped
[[nodiscard]] std::optional<Cycle> next_overwrite(const SteadyReader& reader, std::uint64_t depth,
                                                  Duration reset);

/// T3 iterated: totals after R reads, for any rho > 1. Time O(overwrites).
/// @returns empty where next_overwrite is
[[nodiscard]] std::optional<Totals> constant_lag_by_cycles(const SteadyReader& reader,
                                                           std::uint64_t depth,
                                                           std::uint64_t reads);

/// One long gap between two reads of a reader that had nothing left unread before it.
struct Stall {
  Rate rate;
  std::uint64_t depth = 1;  ///< N >= 1
  Duration gap{0};          ///< g >= 0
  Duration begin{0};        ///< the read before it; for one that frame 1 woke, the latency eps
};

/// T4: d = floor((g + eps) / T) unread; overwrite if and only if d >= N + 1, which loses d - 1. K
/// stalls cost K times that if the reader re-syncs between them.
struct Lapse {
  std::uint64_t unread = 0;  ///< d
  std::uint64_t overwrites = 0;
  std::uint64_t lost = 0;
};
/// @returns empty for a negative time or a depth of 0
[[nodiscard]] std::optional<Lapse> lapse_of(const Stall& stall);

/// T4: from the read that ends the stall to the first call that finds nothing, at the pace p0:
///     m = floor((d' - 1 + phi) / (1 - rho0)) + 1 reads, m p0; d' = d, or 1 after an overwrite
struct Resync {
  std::uint64_t reads = 0;
  Duration time{0};
};
/// @returns empty for p0 >= T (it never catches up), for a stall that finds nothing (d = 0: it
///          waits at once), and where lapse_of is
[[nodiscard]] std::optional<Resync> resync_after(const Stall& stall, Duration pace);

/// T4 whatever the phase of the stall: no more than floor(min(g, N T) / (T - p0)) + 1 reads, since
/// d - 1 + phi < g/T, and d' - 1 + phi < N.
/// @returns empty for p0 >= T, a negative time or a depth of 0
[[nodiscard]] std::optional<Resync> resync_at_most(Duration gap, std::uint64_t depth, Duration pace,
                                                   Rate rate);

/// T4 of a reader whose stalls begin at any phase alike: P(overwrite) = clamp(g/T - N, 0, 1).
[[nodiscard]] double overwrite_probability(Duration gap, std::uint64_t depth, Rate rate);

}  // namespace daohil::hil::judge
