#pragma once

#include <cstdint>
#include <optional>

#include "hil/judge/theory_lag.hpp"

/// What a reader of the newest frame never sees (T8), and what a source that stands still does to
/// readers (T9). Pure; exact for any rate.
namespace daohil::hil::judge {

/// T8: what lies between two reads of the newest frame, floor(rho) - 1 or ceil(rho) - 1 frames;
/// 0 for rho <= 1, where each frame is seen at least once.
struct SkipBounds {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};
/// @returns empty for a negative service time
[[nodiscard]] std::optional<SkipBounds> skips_per_read(Duration service, Rate rate);

/// T8: frames never seen and frames seen again in R reads at s_1 .. s_R, p apart, never waiting:
///     skipped - duplicates = W(s_R) - W(s_1) - (R - 1),
/// W frames written. Nothing is skipped for rho <= 1, nothing seen again for rho >= 1.
struct NewestTotals {
  std::uint64_t skipped = 0;
  std::uint64_t duplicates = 0;
  bool operator==(const NewestTotals&) const = default;
};
/// @param reads R >= 1 @returns empty for R = 0 or a negative time
[[nodiscard]] std::optional<NewestTotals> newest_totals(const SteadyReader& reader,
                                                        std::uint64_t reads);

/// What has become of the frames that fell due while their writer stood still.
enum class WhileStalled {
  all_gone,     ///< the device has no memory
  newest_kept,  ///< it keeps the newest and delivers it late: drivers::OnLate::skip
};
/// T9: frames that a source loses in a stall of tau from just after a commit: floor(tau f), one
/// fewer if the newest is kept. A reader loses none of these: they never were in the ring.
/// @returns empty for a negative time
[[nodiscard]] std::optional<std::uint64_t> drops_of_stall(Duration stall, WhileStalled kept,
                                                          Rate rate);

/// T9: how far behind a waiting reader falls in a burst of b frames `spacing` (t_w) apart, taking
/// p for each: b - ceil((b - 1) t_w / p) unread at most. It is lapped exactly if that is over N.
/// (b - floor(b t_w / p) is never less for t_w < p, and is sufficient only.)
/// @param burst b >= 1 @param spacing 0 < t_w <= p
/// @returns empty outside of these
[[nodiscard]] std::optional<std::uint64_t> unread_in_burst(std::uint64_t burst, Duration spacing,
                                                           Duration service);

}  // namespace daohil::hil::judge
