#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// Looks at what happened while it happens, in memory that does not grow with the length of the
/// run, and judges in the end. One thread.
///
/// Order: the publications up to the end of a call come before that call.
class Examination final : public Observer {
 public:
  /// Both must outlive it.
  Examination(const plan::Case& planned, const drivers::CameraDescription& source);
  ~Examination() override;
  Examination(const Examination&) = delete;
  Examination& operator=(const Examination&) = delete;

  void published(std::span<const SourceEvent> events) override;
  void called(std::size_t reader, std::span<const CallEvent> calls,
              const ReaderSummary& summary) override;
  /// @param trace of what it says only the summaries, the losses and the scheduling are looked at
  [[nodiscard]] CaseResult conclude(const Trace& trace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

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
