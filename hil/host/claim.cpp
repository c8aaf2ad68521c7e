#include "hil/host/claim.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace daohil::hil::host {
namespace {

double us(shm::Duration duration) { return static_cast<double>(duration.count()) / 1e3; }

}  // namespace

Claim claim_of(const ClaimEvidence& evidence) {
  using Core = ClaimEvidence::Core;
  if (evidence.cores.empty()) return {ClaimClass::desktop, "no wake-ups were measured"};
  shm::Duration worst{0};
  shm::Duration longest{0};
  bool isolated = true;
  for (const Core& core : evidence.cores) {
    if (core.policy != Core::Policy::fifo)
      return {ClaimClass::desktop, fmt::format("no SCHED_FIFO on core {}", core.cpu)};
    if (!core.p9999)
      return {ClaimClass::desktop,
              fmt::format("too few wake-ups on core {} for a p99.99", core.cpu)};
    worst = std::max(worst, *core.p9999);
    longest = std::max(longest, core.max);
    isolated = isolated && core.isolation == Core::Isolation::isolated;
  }
  const std::string measured =
      fmt::format("p99.99 {:.0f} us, max {:.0f} us", us(worst), us(longest));
  if (evidence.frame_period && longest > *evidence.frame_period / kPeriodsForWorstWakeUp)
    return {ClaimClass::desktop,
            fmt::format("{}, more than a tenth of the frame period of {:.0f} us", measured,
                        us(*evidence.frame_period))};
  if (worst > kRtP9999)
    return {ClaimClass::desktop,
            fmt::format("{}; rt needs p99.99 <= {:.0f} us", measured, us(kRtP9999))};
  if (worst > kSummitP9999)
    return {ClaimClass::rt,
            fmt::format("{}; summit needs p99.99 <= {:.0f} us", measured, us(kSummitP9999))};
  if (!isolated) return {ClaimClass::rt, measured + "; summit needs isolated cores"};
  if (evidence.kernel != ClaimEvidence::Kernel::preempt_rt)
    return {ClaimClass::rt, measured + "; summit needs a PREEMPT_RT kernel"};
  return {ClaimClass::summit, measured + ", on isolated cores of a PREEMPT_RT kernel"};
}

}  // namespace daohil::hil::host
