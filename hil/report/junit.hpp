#pragma once

#include <string>

#include "hil/report/suite_result.hpp"

namespace daohil::hil::report {

/// JUnit XML: one testcase per attempt; FAIL and FLAKY are failures, ERROR and ABORTED errors,
/// INCONCLUSIVE an error of type "inconclusive", SKIP skipped; measurements are properties.
[[nodiscard]] std::string junit_xml(const SuiteResult& suite);

}  // namespace daohil::hil::report
