#pragma once

#include <cstdint>
#include <span>

#include "hil/judge/theory.hpp"

/// The exact recursion over publications as they really came, for sources with faults, jitter or a
/// changing rate: what a reader of that lag must have seen. Times in ns from frame 1's due time on.
namespace daohil::hil::judge {

/// Publications, in order; as many of one as of the other.
struct Came {
  std::span<const std::int64_t> visible;  ///< from when on a call finds frame 1, 2, ...; ascending
  std::span<const std::int64_t> published;  ///< when a reader that waits for it is woken
};

/// While a reader makes calls. One that is there from 0 on opened the stream before frame 1; one
/// that joins later has its tail at the newest frame then.
struct Presence {
  Duration from{0};
  Duration until{0};  ///< no call is intended later
};

/// T1 .. T4, T9, T10: a reader in order.
[[nodiscard]] Totals recursion_over(const LagSchedule& lag, std::uint64_t depth, const Came& came,
                                    const Presence& presence, const Deviation& deviation);

/// T8: the frames that a reader of the newest frame never sees.
[[nodiscard]] std::uint64_t skips_over(const LagSchedule& lag, const Came& came,
                                       const Presence& presence, const Deviation& deviation);

}  // namespace daohil::hil::judge
