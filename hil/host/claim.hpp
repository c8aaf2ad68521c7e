#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hil/host/finding.hpp"
#include "shm/time.hpp"

namespace daohil::hil::host {

/// The class of a host: what timing its results may claim. House limits, of no standard:
///
///   summit   PREEMPT_RT; every core measured is isolated; SCHED_FIFO was granted on each;
///            p99.99 of the wake-ups of the worst core <= 50 us
///   rt       SCHED_FIFO was granted on each core; p99.99 of the worst core <= 200 us
///   desktop  everything else, also a host that was not measured
///
/// Above desktop, p99.99 must be sound on every core (kSamplesForP9999), and, where the frame
/// period is known, no wake-up was later than a tenth of it. Where cyclictest measured too, the
/// worse of both counts.
inline constexpr shm::Duration kSummitP9999 = std::chrono::microseconds(50);
inline constexpr shm::Duration kRtP9999 = std::chrono::microseconds(200);
inline constexpr int kPeriodsForWorstWakeUp = 10;  ///< a period is at least so many of them

struct ClaimEvidence {
  enum class Kernel { ordinary, preempt_rt } kernel = Kernel::ordinary;
  struct Core {
    int cpu = 0;
    enum class Isolation { shared, isolated } isolation = Isolation::shared;
    enum class Policy { other, fifo } policy = Policy::other;
    std::optional<shm::Duration> p9999;  ///< nothing: too few samples
    shm::Duration max{0};
  };
  std::vector<Core> cores;  ///< all that were measured, by every instrument
  std::optional<shm::Duration> frame_period;
};

struct Claim {
  ClaimClass claim = ClaimClass::desktop;
  std::string why;  ///< one line: what it rests on, and what keeps it from the next
};
[[nodiscard]] Claim claim_of(const ClaimEvidence& evidence);

}  // namespace daohil::hil::host
