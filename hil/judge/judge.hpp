#pragma once

#include <string>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// Trace to verdict. Pure: the same trace, judged again, gives the same result.
///
/// A case FAILs when an expectation of tier A or B does not hold, or one of tier C on a bench that
/// was fit to measure. It is INCONCLUSIVE when the bench could not hold its own rate, when over 1 %
/// of the calls are ambiguous, or when a tier C or timing expectation does not hold on a host that
/// stood still meanwhile.
[[nodiscard]] CaseResult judge(const plan::Case& planned, const drivers::CameraDescription& source,
                               const Trace& trace);

/// Results of cases that were not measured to the end.
[[nodiscard]] CaseResult not_run(const plan::Case& planned, Verdict verdict,
                                 const std::string& why);

/// The claims that span the cases of a sweep ("the smallest depth that is lossless"), one result
/// for each, after all cases have been judged.
[[nodiscard]] std::vector<CaseResult> judge_sweeps(const std::vector<CaseResult>& cases);

/// Worst of all. Advisory cases count as at most marginal; no case at all is `skip`.
[[nodiscard]] Verdict overall(const std::vector<CaseResult>& cases);

}  // namespace daohil::hil::judge
