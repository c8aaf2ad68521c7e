#include "simulators/pupil.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace daohil::simulators {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A rim of circumference c crosses about c / pitch samples, of which each is right to half a
/// sample, with random signs: 5 standard deviations.
double tolerance(double circumference, double pitch) {
  return 5 * std::sqrt(circumference / pitch) * 0.3;
}

TEST(Pupil, AnnulusHasItsArea) {
  constexpr double kPitch = 0.02;
  const Pupil pupil = round_pupil(420, 8.0 / kPitch, 0.3);
  const double area = std::numbers::pi / 4 * 64 * (1 - 0.09);
  EXPECT_NEAR(lit_area(pupil), area / (kPitch * kPitch),
              tolerance(std::numbers::pi * 8 * 1.3, kPitch));
  EXPECT_EQ(pupil.at(209, 209), 0) << "behind the obstruction";
  EXPECT_EQ(pupil.at(0, 0), 0);
  EXPECT_EQ(pupil.at(210, 80), 1);
}

TEST(Pupil, VanesBlockTheirBars) {
  constexpr double kPitch = 0.02;
  const Pupil open = round_pupil(400, 400, 0.25);
  Pupil crossed = open;
  add_vanes(crossed, std::vector<Vane>{{0, 0.12 / kPitch}, {std::numbers::pi / 2, 0.2 / kPitch}});
  EXPECT_NEAR(lit_area(open) - lit_area(crossed), 3.0 * (0.12 + 0.2) / (kPitch * kPitch),
              tolerance(4 * 3.0, kPitch));
  EXPECT_EQ(crossed.at(350, 200), 0) << "towards +x";
  EXPECT_EQ(crossed.at(50, 200), 1) << "a vane is one-sided";
  EXPECT_EQ(crossed.at(200, 350), 0) << "towards +y";
}

TEST(Pupil, TakesAnyMask) {
  const Pupil pupil{2, {0.25F, 0, 1, 0.5F}};
  EXPECT_EQ(lit_area(pupil), 1.75);
  EXPECT_EQ(pupil.at(0, 1), 1);
}

TEST(Pupil, RefusesWhatIsNone) {
  EXPECT_THROW(static_cast<void>(round_pupil(8, 0)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(round_pupil(8, kNaN)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(round_pupil(8, 8, 1)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(round_pupil(8, 0.1)), std::invalid_argument) << "between samples";
  EXPECT_THROW(static_cast<void>(round_pupil(0, 8)), std::invalid_argument);
  Pupil pupil = round_pupil(8, 8);
  EXPECT_THROW(add_vanes(pupil, std::vector<Vane>{{0, kNaN}}), std::invalid_argument);
  EXPECT_THROW(add_vanes(pupil, std::vector<Vane>{{0, -1}}), std::invalid_argument);
  const auto light = [](Pupil mask) { return lit_area(mask); };
  EXPECT_THROW(light({2, {1, 1, 1}}), std::invalid_argument);
  EXPECT_THROW(light({1, {1.5F}}), std::invalid_argument);
  EXPECT_THROW(light({1, {std::numeric_limits<float>::quiet_NaN()}}), std::invalid_argument);
  EXPECT_THROW(light({1, {0}}), std::invalid_argument);
}

TEST(Subapertures, AreThoseLitEnough) {
  // Two lenslets a side of 2 x 2 samples: full, half lit, dark, a quarter lit.
  const Pupil pupil{4,
                    {1, 1, 1, 1,  //
                     1, 1, 0, 0,  //
                     0, 0, 1, 0,  //
                     0, 0, 0, 0}};
  const auto all = subapertures(pupil, 2, 0);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].x, 1U);
  EXPECT_EQ(all[1].y, 0U);
  EXPECT_EQ(all[1].illumination, 0.5);
  EXPECT_EQ(all[2].x, 1U);
  EXPECT_EQ(all[2].y, 1U);
  EXPECT_EQ(subapertures(pupil, 2, 0.5).size(), 2U);
  EXPECT_EQ(subapertures(pupil, 2, 0.51).size(), 1U);
  EXPECT_EQ(subapertures(pupil, 1, 0).size(), 1U);
  EXPECT_THROW(static_cast<void>(subapertures(pupil, 3, 0)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(subapertures(pupil, 0, 0)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(subapertures(pupil, 2, kNaN)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(subapertures(pupil, 1, 0.9)), std::invalid_argument);
}

TEST(Subapertures, OfARoundPupilAreAsManyAsKnown) {
  // 8 m, 20 lenslets a side, obstruction 0.1375, half lit: so many spots have the frames in
  // scenarios/data, from a simulator that counts in the same way.
  const Pupil pupil = round_pupil(120, 120, 0.1375);
  EXPECT_EQ(subapertures(pupil, 20, 0.5).size(), 312U);
}

}  // namespace
}  // namespace daohil::simulators
