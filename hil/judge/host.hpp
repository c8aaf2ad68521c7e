#pragma once

#include "hil/host/doctor.hpp"
#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"

namespace daohil::hil::judge {

/// The verdict of a case of the host. What could not be measured because its tool is absent makes a
/// case that otherwise passes a SKIP, and what could not for any other reason INCONCLUSIVE; a check
/// that broke makes it an ERROR, a look that was stopped ABORTED.
/// @param planned has `host`
[[nodiscard]] CaseResult judge_host(const plan::Case& planned, const host::Examination& found);

}  // namespace daohil::hil::judge
