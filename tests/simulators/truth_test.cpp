#include "simulators/truth.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace daohil::simulators {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Pupil square(std::size_t side) { return {side, std::vector<float>(side * side, 1.0F)}; }

template <class Shape>
Wavefront wavefront(std::size_t side, double pitch, const Shape& shape) {
  Wavefront made(side, pitch);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x)
      made.at(x, y) = static_cast<float>(shape(made.position(x), made.position(y)));
  return made;
}

TEST(Truth, ATiltIsTheSameSlopeEverywhere) {
  const Pupil pupil = round_pupil(48, 48, 0.2);
  const auto lenslets = subapertures(pupil, 8, 0);
  const Wavefront tilt = wavefront(48, 0.1, [](double x, double y) { return 3e-7 * x - 1e-7 * y; });
  std::vector<Slope> slopes(lenslets.size());
  true_slopes(tilt, pupil, 8, lenslets, slopes);
  for (const Slope& slope : slopes) {
    // OPDs up to 1e-6 m in float: 6e-14 m over a step of 0.1 m.
    EXPECT_NEAR(slope.x, 3e-7, 1.2e-12);
    EXPECT_NEAR(slope.y, -1e-7, 1.2e-12);
  }
  EXPECT_NEAR(in_pixels(slopes[0], 2e-7).x, 1.5, 1e-5);
}

TEST(Truth, DefocusHasTheGradientAtTheMiddleOfALenslet) {
  const Pupil pupil = square(32);
  const auto lenslets = subapertures(pupil, 4, 0);
  const Wavefront defocus =
      wavefront(32, 0.25, [](double x, double y) { return 1e-8 * (x * x + y * y); });
  std::vector<Slope> slopes(lenslets.size());
  true_slopes(defocus, pupil, 4, lenslets, slopes);
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    const double middle_x = (static_cast<double>(lenslets[i].x) - 1.5) * 2.0;
    EXPECT_NEAR(slopes[i].x, 2e-8 * middle_x, 1e-12);
  }
}

TEST(Truth, DarkSamplesDoNotCount) {
  // A lenslet lit in its left half only: the gradient there, and never the NaN beside it.
  std::vector<float> mask(16, 0.0F);
  for (std::size_t y = 0; y < 4; ++y) mask[4 * y] = mask[4 * y + 1] = 1;
  const Pupil pupil{4, mask};
  Wavefront opd = wavefront(4, 1, [](double x, double y) { return 2 * x + 3 * y; });
  for (std::size_t y = 0; y < 4; ++y) opd.at(2, y) = opd.at(3, y) = kNaN;
  const std::array<Subaperture, 1> whole{{{0, 0, 0.5}}};
  std::array<Slope, 1> slopes{};
  true_slopes(opd, pupil, 1, whole, slopes);
  EXPECT_DOUBLE_EQ(slopes[0].x, 2);
  EXPECT_DOUBLE_EQ(slopes[0].y, 3);
  // x of +-1/2 and y of +-1/2, +-3/2: the variance is 4 * 0.25 + 9 * 1.25.
  EXPECT_NEAR(opd_rms(opd, pupil), std::sqrt(12.25), 1e-12);
}

TEST(Truth, RmsIsWeightedByTheLightAndKnowsNoPiston) {
  const Pupil pupil{2, {1, 1, 0.5F, 0}};
  Wavefront opd(2, 1);
  opd.at(0, 0) = 11;
  opd.at(1, 0) = 9;
  opd.at(0, 1) = 10;
  opd.at(1, 1) = 1000;
  EXPECT_NEAR(opd_rms(opd, pupil), std::sqrt(2 / 2.5), 1e-12);
}

TEST(Truth, ASingleLitColumnHasNoSlopeAcross) {
  const Pupil pupil{2, {1, 0, 1, 0}};
  Wavefront opd(2, 1);
  opd.at(0, 1) = 5;
  opd.at(1, 0) = 7;
  const std::array<Subaperture, 1> whole{{{0, 0, 0.5}}};
  std::array<Slope, 1> slopes{};
  true_slopes(opd, pupil, 1, whole, slopes);
  EXPECT_EQ(slopes[0].x, 0);
  EXPECT_EQ(slopes[0].y, 5);
}

TEST(Truth, RefusesSizesThatDoNotBelongTogether) {
  const Pupil pupil = square(4);
  const auto lenslets = subapertures(pupil, 2, 0);
  std::vector<Slope> slopes(lenslets.size());
  const Wavefront flat(4, 1);
  EXPECT_THROW(true_slopes(Wavefront(5, 1), pupil, 2, lenslets, slopes), std::invalid_argument);
  EXPECT_THROW(true_slopes(flat, pupil, 3, lenslets, slopes), std::invalid_argument);
  EXPECT_THROW(true_slopes(flat, pupil, 1, lenslets, slopes), std::invalid_argument);
  slopes.pop_back();
  EXPECT_THROW(true_slopes(flat, pupil, 2, lenslets, slopes), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(opd_rms(Wavefront(5, 1), pupil)), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
