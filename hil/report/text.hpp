#pragma once

#include <string>

#include "hil/judge/result.hpp"
#include "hil/report/suite_result.hpp"

namespace daohil::hil::report {

/// One row of the verdict table, with `why:` and `rerun:` lines unless it passed.
[[nodiscard]] std::string case_row(const SuiteResult& suite, const judge::CaseResult& result,
                                   std::size_t number, std::size_t of);
/// One row for many cases of a scenario that all passed.
[[nodiscard]] std::string group_row(const std::vector<judge::CaseResult>& passed,
                                    std::size_t last_number, std::size_t of);
/// "VERDICT PASS   16 pass 1 marginal ...   1m12s   exit 0"
[[nodiscard]] std::string verdict_line(const SuiteResult& suite);
/// verdict.txt: the verdict, the table, what was proved and what was not tested, the host.
[[nodiscard]] std::string verdict_text(const SuiteResult& suite);

/// "1m12s", "3.4s"
[[nodiscard]] std::string duration_text(shm::Duration duration);

}  // namespace daohil::hil::report
