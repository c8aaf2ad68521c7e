#include "simulators/line_of_sight.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace daohil::simulators {
namespace {

using std::numbers::pi;

TEST(LineOfSight, AnUndampedVibrationIsOneSineOfItsRmsAndDirection) {
  const LineOfSight sight({{50, 2e-7, pi / 6, 0}}, {}, 1);
  double squares = 0;
  for (int k = 0; k < 1000; ++k) {
    const double t = k * 1e-4;  // five periods
    const Tilt tilt = sight.at(t), later = sight.at(t + 0.02), half = sight.at(t + 0.01);
    EXPECT_NEAR(tilt.y, tilt.x * std::tan(pi / 6), 1e-15);
    EXPECT_NEAR(later.x, tilt.x, 1e-15);
    EXPECT_NEAR(half.x, -tilt.x, 1e-15);
    squares += tilt.x * tilt.x + tilt.y * tilt.y;
  }
  EXPECT_NEAR(std::sqrt(squares / 1000), 2e-7, 1e-12);
}

TEST(LineOfSight, ADampedVibrationHasItsRmsAndCoherence) {
  // <s(t) s(t + tau)> = rms^2 cos(2 pi f tau) exp(-pi linewidth tau), averaged over seeds: 64 sines
  // of random phase each, so 300 of them leave 8 % of statistics at most.
  const double frequency = 40, linewidth = 5, lag = 0.05;  // two periods
  double variance = 0, covariance = 0;
  constexpr int kSeeds = 300, kTimes = 20;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const LineOfSight sight({{frequency, 1, 0, linewidth}}, {}, static_cast<std::uint64_t>(seed));
    for (int k = 0; k < kTimes; ++k) {
      const double now = sight.at(k * 0.731).x;
      variance += now * now / (kSeeds * kTimes);
      covariance += now * sight.at(k * 0.731 + lag).x / (kSeeds * kTimes);
    }
  }
  EXPECT_NEAR(variance, 1, 0.08);
  EXPECT_NEAR(covariance, std::exp(-pi * linewidth * lag), 0.08);
}

TEST(LineOfSight, AJumpBeginsEndsAndStays) {
  const LineOfSight sight({}, {{1, 3e-6, pi / 2, 0.2}}, 1);
  EXPECT_EQ(sight.at(1).y, 0);
  EXPECT_NEAR(sight.at(1.1).y, 1.5e-6, 1e-15);
  EXPECT_NEAR(sight.at(1.2).y, 3e-6, 1e-15);
  EXPECT_NEAR(sight.at(1e5).y, 3e-6, 1e-15);
  EXPECT_NEAR(sight.at(1e5).x, 0, 1e-20);
  const LineOfSight step({}, {{1, 3e-6, 0, 0}}, 1);
  EXPECT_EQ(step.at(std::nextafter(1.0, 0.0)).x, 0);
  EXPECT_EQ(step.at(1).x, 3e-6);
}

TEST(LineOfSight, TiltIsAPlaneThroughTheAxis) {
  Wavefront out(4, 0.5);
  add_tilt({2e-6, -1e-6}, out);
  EXPECT_NEAR(out.at(3, 0), 2e-6 * 0.75 - 1e-6 * -0.75, 1e-12);
  EXPECT_NEAR(out.at(0, 0) + out.at(3, 3), 0, 1e-12);
}

}  // namespace
}  // namespace daohil::simulators
