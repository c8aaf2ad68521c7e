#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "simulators/validation/check.hpp"

namespace daohil::simulators::validation {

/// Prints the table, as a person would want to see when a row fails.
inline void print(const Checks& checks) {
  for (const Check& check : checks)
    std::printf("%-58s expected %-11.5g measured %-11.5g tolerance %-9.3g %s n = %zu%s\n",
                check.name.c_str(), check.expected, check.measured, check.tolerance,
                check.unit.c_str(), check.n, check.passes() ? "" : "  FAILS");
}

/// @param loosest largest tolerance over expected value that still says something: a check whose
/// realisations are too few fails, even if it passes
inline void expect_all_pass(const Checks& checks, double loosest) {
  print(checks);
  EXPECT_FALSE(checks.empty());
  for (const Check& check : checks) {
    EXPECT_TRUE(check.passes()) << check.name;
    EXPECT_LE(check.tolerance, loosest * std::abs(check.expected)) << check.name;
  }
}

/// The negative control: a simulator with a known fault.
inline void expect_some_fail(const Checks& checks) {
  EXPECT_TRUE(std::any_of(checks.begin(), checks.end(), [](const Check& check) {
    return !check.passes();
  })) << "the fault was not noticed";
}

}  // namespace daohil::simulators::validation
