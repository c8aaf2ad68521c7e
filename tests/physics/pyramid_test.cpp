#include <gtest/gtest.h>

#include "simulators/validation/facets.hpp"
#include "tests/physics/judge.hpp"

namespace daohil::simulators::validation {
namespace {

// The smallest answers are 0.03, the tolerance 0.004 to 0.008.
TEST(Facets, AnswerATiltAsGeometricOptics) { expect_all_pass(tilt_response(), 0.2); }

TEST(Facets, KeepAllLight) { expect_all_pass(energy(), 1e-5); }

TEST(Facets, AreLinearOverTheModulation) { expect_all_pass(linear_range(), 0.06); }

TEST(FacetsControl, AnotherModulationIsNoticed) { expect_some_fail(tilt_response(1.1)); }

}  // namespace
}  // namespace daohil::simulators::validation
