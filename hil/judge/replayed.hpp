#pragma once

#include <cstdint>
#include <span>

#include "hil/judge/theory.hpp"

namespace daohil::hil::judge {

/// The exact recursion (T1 .. T4, T9, T10) over publications as they really came, for sources with
/// faults, jitter or a changing rate: what a reader of that lag must have seen.
///
/// A reader in order that joins at `start`, its tail at the newest frame; it waits when nothing is
/// unread. Publications become visible to a call at their due time, and to a waiting reader at
/// their published time, as in virtual time.
/// @param due, published of frame 1, 2, ...; ns, ascending; as many of one as of the other
[[nodiscard]] Totals recursion_over(const LagSchedule& lag, std::uint64_t depth,
                                    std::span<const std::int64_t> due,
                                    std::span<const std::int64_t> published, Duration start,
                                    const Deviation& deviation);

/// What a reader of the newest frame does when it has that one already.
enum class Waits { for_a_newer_frame, never };

/// T8: the frames that a reader of the newest frame never sees, over publications as they came: its
/// calls go by its lag alone, since after the first frame there always is a newest one.
[[nodiscard]] std::uint64_t skips_over(const LagSchedule& lag, std::span<const std::int64_t> due,
                                       std::span<const std::int64_t> published, Duration start,
                                       const Deviation& deviation, Waits waits);

}  // namespace daohil::hil::judge
