#include "hil/report/suite_result.hpp"

#include <fmt/format.h>

namespace daohil::hil::report {

int exit_code_of(const SuiteResult& suite) {
  const int status = judge::exit_code_of(suite.verdict);
  if (status != 0) return status;
  bool skipped = false;
  for (std::size_t i = 0; i < suite.results.size(); ++i)
    skipped =
        skipped || (suite.results[i].verdict == judge::Verdict::skip && !superseded(suite, i));
  const bool refused = (suite.strictness.marginal == Strictness::Marginal::fails &&
                        suite.verdict == judge::Verdict::marginal) ||
                       (suite.strictness.skipped == Strictness::Skipped::fails && skipped);
  return refused ? judge::exit_code_of(judge::Verdict::fail) : 0;
}

std::string rerun_of(const SuiteResult& suite, const judge::CaseResult& result) {
  if (suite.repeats) return fmt::format("{} -k '{}'", suite.command, result.planned.id);
  return fmt::format("{} --select '{}' --mode {}", suite.command, result.planned.id,
                     plan::name_of(result.planned.mode));
}

bool superseded(const SuiteResult& suite, std::size_t index) {
  const auto& results = suite.results;
  return index + 1 < results.size() && results[index + 1].planned.id == results[index].planned.id &&
         results[index + 1].attempt > results[index].attempt;
}

}  // namespace daohil::hil::report
