#pragma once

#include <string>

#include "hil/judge/result.hpp"
#include "hil/report/suite_result.hpp"

namespace daohil::hil::report {

/// run.json, as described by hil/report/run.schema.json: the whole result for machines.
[[nodiscard]] std::string run_json(const SuiteResult& suite);
/// cases/<id>/result.json: one element of run.json's `cases`.
[[nodiscard]] std::string case_json(const SuiteResult& suite, const judge::CaseResult& result);
/// host.json
[[nodiscard]] std::string host_json(const SuiteResult& suite);

}  // namespace daohil::hil::report
