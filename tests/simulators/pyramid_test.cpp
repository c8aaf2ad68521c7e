#include "simulators/pyramid.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/simulators/slow_optics.hpp"

namespace daohil::simulators {
namespace {

constexpr unsigned kSeed = 1996;
constexpr std::size_t kEverything = 1000;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Pupil images of 20 samples in 60, a modulation of 3 wavelength / D.
PyramidSetup sensor() {
  PyramidSetup setup;
  setup.pupil = round_pupil(20, 20, 0.2);
  setup.pitch = 0.4;
  setup.wavelength = 800e-9;
  setup.transform = 60;
  setup.diameter = 8;
  setup.modulation = 3;
  setup.points = 8;
  setup.separation = 15;
  setup.margin = kEverything;
  setup.photons = 1e5;
  return setup;
}

Wavefront noise(const PyramidSetup& setup, unsigned seed = kSeed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Wavefront wavefront(setup.pupil.side, setup.pitch);
  for (float& opd : wavefront.opd()) opd = 50e-9F * normal(generator);
  return wavefront;
}

std::vector<float> render(const Pyramid& pyramid, std::span<const SubExposure> exposure) {
  std::vector<float> frame(pyramid.pixels(), -1.0F);
  auto workspace = pyramid.make_workspace();
  pyramid.render(exposure, frame, workspace);
  return frame;
}
std::vector<float> render(const Pyramid& pyramid, const Wavefront& wavefront) {
  const SubExposure whole{&wavefront, 1};
  return render(pyramid, {&whole, 1});
}

double largest_difference(const std::vector<float>& got, const std::vector<double>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - expected[i]));
  return worst / *std::max_element(expected.begin(), expected.end());
}

double total(const std::vector<float>& frame) {
  double sum = 0;
  for (const float pixel : frame) sum += static_cast<double>(pixel);
  return sum;
}

/// Of a field: sine and cosine to 1.2e-7, two roundings of a phase of up to 2 rad, 1.2e-7; of the
/// light twice that, where all err alike. (Seen: 2.9e-7.)
constexpr double kRounding = 4.8e-7;

class Modulated : public testing::TestWithParam<std::tuple<std::size_t, double>> {};

TEST_P(Modulated, IsTheDirectTransformWithShiftedMasks) {
  PyramidSetup setup = sensor();
  std::tie(setup.points, setup.modulation) = GetParam();
  const Wavefront wavefront = noise(setup);
  const SubExposure whole{&wavefront, 1};
  EXPECT_LT(
      largest_difference(render(Pyramid(setup), wavefront), slow::pyramid(setup, {&whole, 1})),
      kRounding);
}

INSTANTIATE_TEST_SUITE_P(Points, Modulated,
                         testing::Values(std::tuple{1, 0.0}, std::tuple{1, 2.5}, std::tuple{7, 1.3},
                                         std::tuple{8, 3.0}, std::tuple{16, 5.0}));

TEST(Pyramid, PointsOfOneOffsetShareAPart) {
  PyramidSetup setup = sensor();
  EXPECT_EQ(Pyramid(setup).parts(), 4U);
  setup.points = 16;
  EXPECT_EQ(Pyramid(setup).parts(), 8U);
  setup.points = 7;
  EXPECT_EQ(Pyramid(setup).parts(), 4U) << "3 pairs and the point at 180 degrees";
}

TEST(Pyramid, IsTheSameBitsOnEveryInstructionSet) {
  const PyramidSetup setup = sensor();
  const auto generic = render(Pyramid(setup, InstructionSet::generic), noise(setup));
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    const auto wide = render(Pyramid(setup, set), noise(setup));
    EXPECT_EQ(std::memcmp(wide.data(), generic.data(), generic.size() * sizeof(float)), 0)
        << name(set);
  }
}

TEST(Pyramid, IsTheSameHoweverManyThreadsShareTheParts) {
  const PyramidSetup setup = sensor();
  const Pyramid pyramid(setup);
  const Wavefront before = noise(setup, 1);
  const Wavefront after = noise(setup, 2);
  const std::array<SubExposure, 2> exposure{{{&before, 0.3}, {&after, 0.7}}};
  const auto expected = render(pyramid, exposure);
  for (const std::size_t threads : {1U, 2U, 8U}) {
    auto workspace = pyramid.make_workspace();
    std::vector<Pyramid::Focus> focus(2, pyramid.make_focus());
    pyramid.focus(exposure[0], focus[0], workspace);
    pyramid.focus(exposure[1], focus[1], workspace);
    std::vector<Pyramid::Image> images(2 * pyramid.parts(), pyramid.make_image());
    std::vector<std::thread> crew;
    for (std::size_t i = 0; i < threads; ++i)
      crew.emplace_back([&, i] {
        auto own = pyramid.make_workspace();
        for (std::size_t k = i; k < images.size(); k += threads)
          pyramid.image_part(focus[k / pyramid.parts()], k % pyramid.parts(), images[k], own);
      });
    for (std::thread& member : crew) member.join();
    std::vector<float> frame(pyramid.pixels());
    pyramid.sum(images, frame, workspace);
    EXPECT_EQ(frame, expected) << threads << " threads";
  }
}

TEST(Pyramid, AWorkspaceRemembersNothing) {
  const PyramidSetup setup = sensor();
  const Pyramid pyramid(setup);
  const auto expected = render(pyramid, noise(setup, 2));
  auto workspace = pyramid.make_workspace();
  std::vector<float> frame(pyramid.pixels());
  for (const unsigned seed : {1U, 2U}) {
    const Wavefront wavefront = noise(setup, seed);
    const SubExposure whole{&wavefront, 1};
    pyramid.render({&whole, 1}, frame, workspace);
  }
  EXPECT_EQ(frame, expected);
}

TEST(Pyramid, SubExposuresAddTheirLight) {
  const PyramidSetup setup = sensor();
  const Wavefront before = noise(setup, 1);
  const Wavefront after = noise(setup, 2);
  const std::array<SubExposure, 2> exposure{{{&before, 0.25}, {&after, 0.75}}};
  EXPECT_LT(largest_difference(render(Pyramid(setup), exposure), slow::pyramid(setup, exposure)),
            kRounding);
}

TEST(Pyramid, AMarginCutsOffAndChangesNothingInside) {
  PyramidSetup setup = sensor();
  const auto whole = render(Pyramid(setup), noise(setup));
  setup.margin = 2;
  setup.background = 0.5;
  const auto cut = render(Pyramid(setup), noise(setup));
  const auto inside = [](std::size_t i) {
    const double from_centre = std::abs(std::abs(static_cast<double>(i) - 29.5) - 15);
    return from_centre < 12;
  };
  for (std::size_t y = 0; y < 60; ++y)
    for (std::size_t x = 0; x < 60; ++x)
      ASSERT_EQ(cut[y * 60 + x], 0.5F + (inside(x) && inside(y) ? whole[y * 60 + x] : 0.0F))
          << x << ", " << y;
}

TEST(Pyramid, PixelsSumTheirSamples) {
  PyramidSetup setup = sensor();
  const Wavefront wavefront = noise(setup);
  const SubExposure whole{&wavefront, 1};
  const auto fine = slow::pyramid(setup, {&whole, 1});
  setup.binning = 2;
  setup.separation = 7.5;
  std::vector<double> binned(900);
  for (std::size_t i = 0; i < 3600; ++i) binned[i / 120 * 30 + i % 60 / 2] += fine[i];
  const auto frame = render(Pyramid(setup), wavefront);
  ASSERT_EQ(frame.size(), 900U);
  EXPECT_LT(largest_difference(frame, binned), kRounding);
}

TEST(Pyramid, LiesInTheMiddleOfItsDetector) {
  PyramidSetup setup = sensor();
  const auto image = render(Pyramid(setup), noise(setup));
  setup.width = 80;
  setup.height = 54;
  setup.background = 1;
  const auto frame = render(Pyramid(setup), noise(setup));
  ASSERT_EQ(frame.size(), 80U * 54U);
  for (std::size_t y = 0; y < 54; ++y)
    for (std::size_t x = 0; x < 80; ++x)
      ASSERT_EQ(frame[y * 80 + x], x >= 10 && x < 70 ? 1 + image[(y + 3) * 60 + x - 10] : 1.0F);
}

TEST(Pyramid, TheWholeImageHoldsAllPhotons) {
  const PyramidSetup setup = sensor();
  // 3600 pixels, each right to kRounding of a peak of some 200 photons, with random signs.
  EXPECT_NEAR(total(render(Pyramid(setup), noise(setup))), 1e5, 0.03);
}

TEST(Pyramid, NoLightGivesTheBackground) {
  PyramidSetup setup = sensor();
  setup.photons = 0;
  setup.background = 3;
  const auto frame = render(Pyramid(setup), noise(setup));
  EXPECT_TRUE(std::all_of(frame.begin(), frame.end(), [](float pixel) { return pixel == 3; }));
}

TEST(Pyramid, AFlatWavefrontMakesFourEqualImages) {
  const PyramidSetup setup = sensor();
  const auto frame = render(Pyramid(setup), Wavefront(20, 0.4));
  const float peak = *std::max_element(frame.begin(), frame.end());
  for (std::size_t y = 0; y < 60; ++y)
    for (std::size_t x = 0; x < 60; ++x) {
      EXPECT_NEAR(frame[y * 60 + x], frame[y * 60 + 59 - x],
                  2 * static_cast<float>(kRounding) * peak);
      EXPECT_NEAR(frame[y * 60 + x], frame[(59 - y) * 60 + x],
                  2 * static_cast<float>(kRounding) * peak);
      EXPECT_NEAR(frame[y * 60 + x], frame[x * 60 + y], 2 * static_cast<float>(kRounding) * peak);
    }
}

TEST(Pyramid, ABadPhaseIsNamedUnlessItIsInTheDark) {
  const PyramidSetup setup = sensor();
  const Pyramid pyramid(setup);
  Wavefront wavefront = noise(setup);
  const auto expected = render(pyramid, wavefront);
  ASSERT_EQ(setup.pupil.at(0, 0), 0);
  wavefront.at(0, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(render(pyramid, wavefront), expected);
  wavefront.at(4, 7) = std::numeric_limits<float>::infinity();
  try {
    static_cast<void>(render(pyramid, wavefront));
    ADD_FAILURE() << "accepted";
  } catch (const std::domain_error& error) {
    EXPECT_NE(std::string(error.what()).find("sample (4, 7)"), std::string::npos) << error.what();
  }
}

template <class Change>
std::string refusal(const Change& change) {
  PyramidSetup setup = sensor();
  change(setup);
  try {
    static_cast<void>(Pyramid(setup));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Pyramid, RefusesSetUpsThatCannotBe) {
  const auto expect = [](const char* what, auto change) {
    const std::string message = refusal(change);
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  using Setup = PyramidSetup;
  expect("transform is 0", [](Setup& s) { s.transform = 0; });
  expect("transform is 62", [](Setup& s) { s.transform = 62; });
  expect("transform is 75", [](Setup& s) { s.transform = 75; });
  expect("a pupil of 20", [](Setup& s) { s.transform = 16; });
  expect("a pupil of 21", [](Setup& s) { s.pupil = round_pupil(21, 21); });
  expect("binning is 7", [](Setup& s) { s.binning = 7; });
  expect("binning is 0", [](Setup& s) { s.binning = 0; });
  expect("separation is 9", [](Setup& s) { s.separation = 9; });
  expect("separation is 21", [](Setup& s) { s.separation = 21; });
  expect("separation is nan", [](Setup& s) { s.separation = kNaN; });
  expect("a detector of 48 x 60", [](Setup& s) { s.width = 48; });
  expect("points is 0", [](Setup& s) { s.points = 0; });
  expect("8 points without", [](Setup& s) { s.modulation = 0; });
  expect("modulation is nan", [](Setup& s) { s.modulation = kNaN; });
  expect("wavelength is 0", [](Setup& s) { s.wavelength = 0; });
  expect("diameter is 0", [](Setup& s) { s.diameter = 0; });
  expect("pitch is nan", [](Setup& s) { s.pitch = kNaN; });
  expect("photons is -1", [](Setup& s) { s.photons = -1; });
  expect("background is nan", [](Setup& s) { s.background = kNaN; });
  expect("no sample lets light", [](Setup& s) { s.pupil.transmission.assign(400, 0.0F); });
}

TEST(Pyramid, RefusesWavefrontsAndFramesOfAnotherSize) {
  const PyramidSetup setup = sensor();
  const Pyramid pyramid(setup);
  auto workspace = pyramid.make_workspace();
  std::vector<float> frame(pyramid.pixels());
  const Wavefront good(20, 0.4);
  const Wavefront small(19, 0.4);
  const Wavefront coarse(20, 0.5);
  const auto refuses = [&](const SubExposure& part) {
    EXPECT_THROW(pyramid.render({&part, 1}, frame, workspace), std::invalid_argument);
  };
  refuses({&small, 1});
  refuses({&coarse, 1});
  refuses({nullptr, 1});
  refuses({&good, -1});
  EXPECT_THROW(pyramid.render({}, frame, workspace), std::invalid_argument);
  auto image = pyramid.make_image();
  const auto focus = pyramid.make_focus();
  EXPECT_THROW(pyramid.image_part(focus, 4, image, workspace), std::invalid_argument);
  EXPECT_THROW(pyramid.sum({&image, 1}, frame, workspace), std::invalid_argument);
  PyramidSetup larger = setup;
  larger.transform = 64;
  const Pyramid other(larger);
  auto others = other.make_workspace();
  auto others_focus = other.make_focus();
  auto others_image = other.make_image();
  const SubExposure part{&good, 1};
  EXPECT_THROW(pyramid.render({&part, 1}, frame, others), std::invalid_argument);
  EXPECT_THROW(pyramid.focus(part, others_focus, workspace), std::invalid_argument);
  EXPECT_THROW(pyramid.image_part(focus, 0, others_image, workspace), std::invalid_argument);
  EXPECT_THROW(pyramid.image_part(others_focus, 0, image, workspace), std::invalid_argument);
  const std::vector<Pyramid::Image> others_images(pyramid.parts(), others_image);
  EXPECT_THROW(pyramid.sum(others_images, frame, workspace), std::invalid_argument);
  frame.pop_back();
  EXPECT_THROW(pyramid.render({&part, 1}, frame, workspace), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
