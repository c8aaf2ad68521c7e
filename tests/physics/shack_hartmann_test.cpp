#include <gtest/gtest.h>

#include "simulators/validation/spots.hpp"
#include "tests/physics/judge.hpp"

namespace daohil::simulators::validation {
namespace {

// 1e-3 px, of which the smallest displacement is 50 times as much.

TEST(Spots, LieWhereTheIntegratedSpotLies) {
  expect_all_pass(spot_position(PhaseSample::tile), 0.025);
}

TEST(Spots, OfPointsHaveTheirKnownCentres) { expect_all_pass(known_centres(), 0.002); }

TEST(SpotsControl, ABareTransformIsNotASpot) {
  expect_some_fail(spot_position(PhaseSample::point));
}

TEST(Spots, ScatterAsTheirNoiseMakesThem) { expect_all_pass(centroid_noise({4000, 6}), 0.12); }

}  // namespace
}  // namespace daohil::simulators::validation
