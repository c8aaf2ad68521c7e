#include "simulators/validation/fitting.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "tests/physics/judge.hpp"

namespace daohil::simulators::validation {
namespace {

TEST(Fitting, CoefficientHasTheIndependentlyComputedValues) {
  // For an infinite grid and L0 = 60 pitches.
  constexpr std::pair<double, double> kValues[] = {{0.15, 0.265}, {0.20, 0.248}, {0.25, 0.242},
                                                   {0.30, 0.239}, {0.35, 0.237}, {0.40, 0.2355},
                                                   {0.45, 0.234}};
  for (const auto& [coupling, expected] : kValues)
    EXPECT_NEAR(fitting_coefficient(coupling, 60), expected, 0.0008) << coupling;
}

TEST(Fitting, ErrorInTheInnerPupil) {
  expect_all_pass(fitting_error(0.30, 0.30, {8, 90}), 0.05);
  expect_all_pass(fitting_error(0.15, 0.15, {8, 91}), 0.05);
}

TEST(FittingControl, AnotherCouplingIsNoticed) {
  expect_some_fail(fitting_error(0.15, 0.30, {8, 92}));
}

}  // namespace
}  // namespace daohil::simulators::validation
