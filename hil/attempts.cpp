#include "hil/attempts.hpp"

#include <fmt/format.h>

namespace daohil::hil {

using judge::Verdict;

bool Attempts::spoiled(Verdict verdict) const {
  return (verdict == Verdict::inconclusive && planned_->retries.inconclusive) ||
         (verdict == Verdict::error && planned_->retries.errors);
}

void Attempts::take(judge::CaseResult& result) {
  ++made_;
  ++verdicts_[result.verdict];
  if (result.verdict == Verdict::aborted) {
    another_ = false;
    return;
  }
  if (failed_) {
    ++probes_;
  } else if (result.verdict == Verdict::fail) {
    failed_ = true;
    first_why_ = result.why;
  }
  another_ =
      failed_ ? probes_ < flaky_probe_ : spoiled(result.verdict) && made_ < planned_->attempts;
  if (another_ || !failed_ || verdicts_.size() == 1) return;

  std::string counts;
  for (const auto& [verdict, n] : verdicts_)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", n, name_of(verdict));
  const bool passed = verdicts_.contains(Verdict::pass) || verdicts_.contains(Verdict::marginal);
  // Attempts that measured nothing contradict no FAIL.
  result.verdict = passed ? Verdict::flaky : Verdict::fail;
  result.why = fmt::format("{} attempts: {}; the first FAIL: {}", made_, counts, first_why_);
}

}  // namespace daohil::hil
