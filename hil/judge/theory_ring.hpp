#pragma once

#include <cstdint>
#include <optional>

#include "hil/judge/theory.hpp"

/// What the depth of a ring is good for: how old a frame can be (T5), how long it stays whole under
/// a reader's hands (T6), how deep the ring must be (T7). Pure; exact for any rate unless said.
///
/// w is how long the writer has a slot claimed before the frame in it is published: the copy, or
/// the readout of a detector that delivers in packets.
namespace daohil::hil::judge {

/// T5: a frame delivered by success is younger than N T (plus the wake-up latency), one delivered
/// by overwrite or as the newest younger than T: age_bound(1).
[[nodiscard]] Duration age_bound(std::uint64_t depth, Rate rate);

/// T6: how long a frame read at d unread stays whole, H(d) = (N - d + 1 - phi) T - w. Negative if
/// its slot is being rewritten already, which happens at d = N only, with the probability w/T.
/// @param unread 1 <= d <= N @param phase phi T since the newest commit, 0 <= phi < 1
/// @returns empty outside of these; below by less than 1 ns where T is no whole number of ns
[[nodiscard]] std::optional<Duration> intact_for(std::uint64_t depth, std::uint64_t unread,
                                                 Duration phase, Duration copy, Rate rate);

/// T6: a hold h < T - w needs no check afterwards if at most N - 1 frames are unread, at any phase.
/// 0 where w >= T: nothing is safe.
[[nodiscard]] Duration hold_budget(Duration copy, Rate rate);

/// T6: the longest history that is whole after h, at any phase: n = N - ceil((h + w) / T). Never N,
/// as no reading takes no time; 0: none.
[[nodiscard]] std::uint64_t safe_history(std::uint64_t depth, Duration hold, Duration copy,
                                         Rate rate);

/// T7: a depth that loses and tears nothing for a worst gap g, at any phase:
/// N = ceil(g f) + ceil((h + w) f), at least 1. At most one more than least_depth.
[[nodiscard]] std::uint64_t safe_depth(Duration gap, Duration hold, Duration copy, Rate rate);

/// T7, sharpened: the least such depth, N = ceil((g + h + w) f), at least 1. The frame that a stall
/// leaves to be read first is lost or torn exactly if N + 1 frames are committed from the read
/// before the stall to w after the end of the hold, and as many as ceil((g + h + w) f) can be.
[[nodiscard]] std::uint64_t least_depth(Duration gap, Duration hold, Duration copy, Rate rate);

/// T7 by network calculus (Le Boudec and Thiran 2001, theorem 1.4.1: backlog of a rate-latency
/// server): frames come as at most `burst` + f t in any time t; the reader takes one every p after
/// a first latency tau. Nothing is lost with N = ceil(burst + f tau); one slot more keeps the frame
/// in use from being rewritten.
/// @param service p <= T @returns empty for p > T (the backlog has no bound), or a negative time
[[nodiscard]] std::optional<std::uint64_t> depth_for_burst(std::uint64_t burst, Duration latency,
                                                           Duration service, Rate rate);

}  // namespace daohil::hil::judge
