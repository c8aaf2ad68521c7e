#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "simulators/shack_hartmann.hpp"

namespace daohil::simulators {
namespace {

/// Five of the 312 spots of a flat wavefront as OOPAO makes them (github.com/cheritier/OOPAO,
/// 84ef7d3), a simulator that nobody here had a hand in, for the system of the frames in
/// scenarios/data: 8 m, obstruction 0.1375, 20 x 20 lenslets of 6 x 6 samples, 6 x 6 pixels of
/// wavelength / 2 d, no noise. One lenslet is fully lit, the others lie on the rims. Photons.
struct Spot {
  std::size_t x;
  std::size_t y;
  std::array<std::array<float, 6>, 6> light;
};
constexpr std::array<Spot, 5> kSpots{{
    {5,
     10,
     {{{0.844938F, 1.43504F, 3.63144F, 31.215F, 31.215F, 3.63144F},
       {1.43504F, 2.43727F, 6.16763F, 53.0154F, 53.0154F, 6.16763F},
       {3.63144F, 6.16763F, 15.6075F, 134.158F, 134.158F, 15.6075F},
       {31.215F, 53.0154F, 134.158F, 1153.19F, 1153.19F, 134.158F},
       {31.215F, 53.0154F, 134.158F, 1153.19F, 1153.19F, 134.158F},
       {3.63144F, 6.16763F, 15.6075F, 134.158F, 134.158F, 15.6075F}}}},
    {7,
     0,
     {{{2.51348F, 4.78148F, 22.082F, 29.4355F, 11.8205F, 0.211235F},
       {2.0092F, 1.28019F, 8.48669F, 26.5077F, 23.7826F, 5.54623F},
       {8.53306F, 12.0062F, 62.4299F, 90.384F, 54.6812F, 15.6075F},
       {13.6F, 26.5077F, 288.298F, 605.719F, 539.979F, 206.675F},
       {11.8205F, 19.9956F, 206.675F, 539.979F, 605.719F, 288.298F},
       {1.36738F, 2.39074F, 15.6075F, 54.6812F, 90.384F, 62.4299F}}}},
    {8,
     0,
     {{{2.70595F, 2.63547F, 6.36829F, 38.2116F, 28.6284F, 1.40765F},
       {0.234606F, 3.72782F, 2.39074F, 48.6224F, 64.8985F, 10.8159F},
       {19.7895F, 6.16763F, 46.8225F, 134.158F, 73.8554F, 15.6075F},
       {57.3268F, 13.0283F, 216.313F, 989.574F, 894.71F, 167.208F},
       {31.908F, 8.66715F, 167.208F, 894.71F, 989.574F, 216.313F},
       {3.63144F, 3.39534F, 15.6075F, 73.8554F, 134.158F, 46.8225F}}}},
    {3,
     2,
     {{{25.207F, 13.3891F, 1.81572F, 24.7501F, 15.6075F, 0.368471F},
       {13.3891F, 32.0915F, 18.2507F, 26.5077F, 26.5077F, 3.08381F},
       {1.81572F, 18.2507F, 136.91F, 189.599F, 67.079F, 1.33891F},
       {24.7501F, 26.5077F, 189.599F, 506.366F, 369.205F, 67.079F},
       {15.6075F, 26.5077F, 67.079F, 369.205F, 506.366F, 189.599F},
       {0.368471F, 3.08381F, 1.33891F, 67.079F, 189.599F, 136.91F}}}},
    {9,
     8,
     {{{2.78748F, 0.707393F, 9.04611F, 27.3807F, 14.4071F, 4.6763F},
       {4.12299F, 8.04064F, 0.903228F, 36.7074F, 52.5478F, 15.5974F},
       {22.2698F, 9.40004F, 78.0374F, 130.926F, 49.3028F, 9.14265F},
       {33.94F, 1.11338F, 269.009F, 808.342F, 677.704F, 169.885F},
       {11.1274F, 15.0603F, 169.885F, 677.704F, 808.342F, 269.009F},
       {0.399025F, 10.3802F, 9.14265F, 49.3028F, 130.926F, 78.0374F}}}},
}};

/// As that simulator has it: samples are points, pixels too, and its spots lie a pixel off the
/// middle of their windows.
ShackHartmannSetup its_sensor() {
  constexpr std::size_t kLenslets = 20;
  ShackHartmannSetup setup;
  setup.pupil = round_pupil(120, 120, 0.1375);
  setup.pitch = 8.0 / 120;
  setup.lenslets = kLenslets;
  setup.least_illumination = 0.5;
  setup.wavelength = 640e-9;
  setup.pixel_scale = setup.wavelength / (2 * 0.4);
  setup.oversampling = 1;
  setup.sample = PhaseSample::point;
  setup.layout = SpotLayout::grid(kLenslets, 6);
  setup.photons = 1;
  return setup;
}

std::vector<float> frame_of_a_tilt(const ShackHartmannSetup& setup, double pixels) {
  Wavefront tilt(setup.pupil.side, setup.pitch);
  for (std::size_t y = 0; y < tilt.side(); ++y)
    for (std::size_t x = 0; x < tilt.side(); ++x)
      // From the middle of every lenslet: what whole waves between lenslets add is not seen.
      tilt.at(x, y) = static_cast<float>(setup.pixel_scale * pixels * setup.pitch *
                                         (static_cast<double>(x % 6 + y % 6) - 5));
  const ShackHartmann sensor(setup);
  auto workspace = sensor.make_workspace();
  std::vector<float> frame(sensor.pixels());
  const SubExposure whole{&tilt, 1};
  sensor.render({&whole, 1}, frame, workspace);
  return frame;
}

/// It exchanges x and y within every window (not between them).
float exchanged(const std::vector<float>& frame, const Spot& spot, std::size_t x, std::size_t y) {
  return frame[(6 * spot.y + x) * 120 + 6 * spot.x + y];
}

double largest_difference(const std::vector<float>& frame) {
  const double unit = static_cast<double>(kSpots[0].light[3][3]) /
                      static_cast<double>(exchanged(frame, kSpots[0], 3, 3));
  double worst = 0;
  for (const Spot& spot : kSpots)
    for (std::size_t y = 0; y < 6; ++y)
      for (std::size_t x = 0; x < 6; ++x)
        worst = std::max(worst, std::abs(static_cast<double>(exchanged(frame, spot, x, y)) * unit -
                                         static_cast<double>(spot.light[y][x])));
  return worst / static_cast<double>(kSpots[0].light[3][3]);
}

TEST(IndependentSimulator, HasTheSameSpots) {
  // Its numbers are given to 6 digits, 5e-7 of the peak and 5e-7 of the unit.
  EXPECT_LT(largest_difference(frame_of_a_tilt(its_sensor(), 1)), 1.5e-6);
}

TEST(IndependentSimulator, WouldNoticeAThousandthOfAPixel) {
  EXPECT_GT(largest_difference(frame_of_a_tilt(its_sensor(), 1.001)), 5e-5);
}

TEST(IndependentSimulator, UsesTheSameLenslets) {
  const ShackHartmann sensor(its_sensor());
  EXPECT_EQ(sensor.subapertures().size(), 312U);
}

}  // namespace
}  // namespace daohil::simulators
