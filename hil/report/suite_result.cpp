#include "hil/report/suite_result.hpp"

#include <fmt/format.h>

namespace daohil::hil::report {

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
