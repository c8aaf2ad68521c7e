#include "simulators/shack_hartmann.hpp"

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

constexpr unsigned kSeed = 316;
constexpr double kWavelength = 600e-9;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// 5 x 5 lenslets of 0.4 m behind a round pupil with rim lenslets, pixels of wavelength / 2 d.
ShackHartmannSetup sensor(std::size_t samples, std::size_t window, std::size_t oversampling,
                          PhaseSample sample) {
  constexpr std::size_t kLenslets = 5;
  ShackHartmannSetup setup;
  setup.pupil = round_pupil(kLenslets * samples, static_cast<double>(kLenslets * samples), 0.25);
  setup.pitch = 0.4 / static_cast<double>(samples);
  setup.lenslets = kLenslets;
  setup.wavelength = kWavelength;
  setup.pixel_scale = kWavelength / 0.8;
  setup.oversampling = oversampling;
  setup.sample = sample;
  setup.layout = SpotLayout::grid(kLenslets, window);
  setup.photons = 25000;
  return setup;
}

/// Smooth, with steps of some tenths of rad and 2 rad p-v: sines with random phases.
Wavefront waves(const ShackHartmannSetup& setup, unsigned seed = kSeed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> any(0, 6.28);
  Wavefront wavefront(setup.pupil.side, setup.pitch);
  for (int wave = 0; wave < 4; ++wave) {
    const double fx = any(generator) - 3, fy = any(generator) - 3, phase = any(generator);
    for (std::size_t y = 0; y < wavefront.side(); ++y)
      for (std::size_t x = 0; x < wavefront.side(); ++x)
        wavefront.at(x, y) += static_cast<float>(
            3e-8 * std::sin(fx * wavefront.position(x) + fy * wavefront.position(y) + phase));
  }
  return wavefront;
}

std::vector<float> render(const ShackHartmann& sensor, std::span<const SubExposure> exposure) {
  std::vector<float> frame(sensor.pixels(), -1.0F);
  auto workspace = sensor.make_workspace();
  sensor.render(exposure, frame, workspace);
  return frame;
}
std::vector<float> render(const ShackHartmann& sensor, const Wavefront& wavefront) {
  const SubExposure whole{&wavefront, 1};
  return render(sensor, {&whole, 1});
}

/// Largest difference over the largest value.
double largest_difference(const std::vector<float>& got, const std::vector<double>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - expected[i]));
  return worst / *std::max_element(expected.begin(), expected.end());
}

/// Of a field: sine and cosine to 1.2e-7, and two roundings of a phase of up to 2 rad, 1.2e-7; of
/// the light twice that, where all samples of a lenslet err alike. (Seen: 2.7e-7.)
constexpr double kRounding = 4.8e-7;

double total(const std::vector<float>& frame) {
  double sum = 0;
  for (const float pixel : frame) sum += static_cast<double>(pixel);
  return sum;
}

struct Sizes {
  std::size_t samples;
  std::size_t window;
  std::size_t oversampling;
};

class Spots : public testing::TestWithParam<std::tuple<Sizes, PhaseSample>> {
 protected:
  [[nodiscard]] static ShackHartmannSetup setup() {
    const auto [sizes, sample] = GetParam();
    return sensor(sizes.samples, sizes.window, sizes.oversampling, sample);
  }
};

TEST_P(Spots, AreThoseOfTheDirectTransform) {
  const ShackHartmannSetup its = setup();
  const Wavefront wavefront = waves(its);
  const SubExposure whole{&wavefront, 1};
  EXPECT_LT(
      largest_difference(render(ShackHartmann(its), wavefront), slow::spots(its, {&whole, 1})),
      kRounding);
}

TEST_P(Spots, AreTheSameBitsOnEveryInstructionSet) {
  const ShackHartmannSetup its = setup();
  const Wavefront wavefront = waves(its);
  const auto generic = render(ShackHartmann(its, InstructionSet::generic), wavefront);
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    const auto wide = render(ShackHartmann(its, set), wavefront);
    EXPECT_EQ(std::memcmp(wide.data(), generic.data(), generic.size() * sizeof(float)), 0)
        << name(set);
  }
}

// The common sizes, which have kernels of their own, and odd ones for the kernel of any size.
INSTANTIATE_TEST_SUITE_P(
    Sizes, Spots,
    testing::Combine(testing::Values(Sizes{6, 6, 2}, Sizes{6, 6, 4}, Sizes{8, 6, 4}, Sizes{8, 8, 1},
                                     Sizes{8, 12, 1}, Sizes{8, 6, 2}, Sizes{8, 8, 2},
                                     Sizes{8, 12, 2}, Sizes{12, 12, 1}, Sizes{12, 12, 2},
                                     Sizes{7, 9, 1}, Sizes{7, 6, 3}, Sizes{10, 5, 2},
                                     Sizes{5, 7, 3}, Sizes{2, 2, 2}, Sizes{1, 1, 1}),
                     testing::Values(PhaseSample::point, PhaseSample::tile)));

TEST(ShackHartmann, TheTransformAloneIsAsExactAsItsDesign) {
  // 8 samples -> 12 pixels, no phase: tables and sums only, 1.6e-7 of the peak.
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::point);
  const Wavefront flat(setup.pupil.side, setup.pitch);
  const SubExposure whole{&flat, 1};
  EXPECT_LT(largest_difference(render(ShackHartmann(setup), flat), slow::spots(setup, {&whole, 1})),
            1.6e-7);
}

TEST(ShackHartmann, IsTheSameHoweverManyThreadsShareTheRows) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const Wavefront wavefront = waves(setup);
  const SubExposure whole{&wavefront, 1};
  const ShackHartmann sh(setup);
  const auto expected = render(sh, wavefront);
  for (const std::size_t threads : {1U, 2U, 8U}) {
    std::vector<float> frame(sh.pixels());
    sh.fill_background(frame);
    std::vector<std::thread> crew;
    for (std::size_t i = 0; i < threads; ++i)
      crew.emplace_back([&, i] {
        auto workspace = sh.make_workspace();
        sh.render_rows({&whole, 1}, i * 5 / threads, (i + 1) * 5 / threads, frame, workspace);
      });
    for (std::thread& member : crew) member.join();
    EXPECT_EQ(frame, expected) << threads << " threads";
  }
}

TEST(ShackHartmann, EveryRowMayHaveItsOwnWavefront) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const ShackHartmann sh(setup);
  std::vector<float> rolling(sh.pixels());
  sh.fill_background(rolling);
  auto workspace = sh.make_workspace();
  for (unsigned row = 0; row < 5; ++row) {
    const Wavefront wavefront = waves(setup, row);
    const SubExposure whole{&wavefront, 1};
    sh.render_rows({&whole, 1}, row, row + 1, rolling, workspace);
  }
  for (unsigned row = 0; row < 5; ++row) {
    const auto frame = render(sh, waves(setup, row));
    const std::size_t band = 12 * setup.layout.width;
    EXPECT_TRUE(std::equal(frame.begin() + static_cast<std::ptrdiff_t>(row * band),
                           frame.begin() + static_cast<std::ptrdiff_t>((row + 1) * band),
                           rolling.begin() + static_cast<std::ptrdiff_t>(row * band)))
        << "row " << row;
  }
}

TEST(ShackHartmann, SubExposuresAddTheirLight) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const Wavefront before = waves(setup, 1);
  const Wavefront after = waves(setup, 2);
  const std::array<SubExposure, 2> parts{{{&before, 0.25}, {&after, 0.75}}};
  EXPECT_LT(largest_difference(render(ShackHartmann(setup), parts), slow::spots(setup, parts)),
            kRounding);
  Wavefront mean(setup.pupil.side, setup.pitch);
  for (std::size_t i = 0; i < mean.opd().size(); ++i)
    mean.opd()[i] = 0.25F * before.opd()[i] + 0.75F * after.opd()[i];
  EXPECT_GT(largest_difference(render(ShackHartmann(setup), mean), slow::spots(setup, parts)), 1e-2)
      << "which is something else than the spot of the mean wavefront";
}

TEST(ShackHartmann, WholePeriodsOfPointsHoldAllLightOfTheirLenslets) {
  // Pixels of wavelength / d, as many as samples: one period of the transform.
  ShackHartmannSetup setup = sensor(8, 8, 2, PhaseSample::point);
  setup.pixel_scale *= 2;
  const ShackHartmann sh(setup);
  const auto frame = render(sh, waves(setup));
  // 1600 pixels, each right to kRounding of a peak that holds a tenth of a lenslet's light.
  EXPECT_NEAR(total(frame), setup.photons, setup.photons * 1e-6);
  const double of_a_sample = setup.photons / lit_area(setup.pupil);
  for (const Subaperture& its : sh.subapertures()) {
    double sum = 0;
    for (std::size_t i = 0; i < 64; ++i)
      sum +=
          static_cast<double>(frame[(its.y * 8 + i / 8) * setup.layout.width + its.x * 8 + i % 8]);
    EXPECT_NEAR(sum, its.illumination * 64 * of_a_sample, 1e-6 * 64 * of_a_sample);
  }
}

TEST(ShackHartmann, LensletsBelowTheThresholdTakeTheirLightWithThem) {
  ShackHartmannSetup setup = sensor(8, 8, 2, PhaseSample::point);
  setup.pixel_scale *= 2;
  setup.least_illumination = 0.6;
  const ShackHartmann sh(setup);
  double lit = 0;
  for (const Subaperture& its : sh.subapertures()) lit += its.illumination * 64;
  ASSERT_LT(lit, lit_area(setup.pupil));
  const Wavefront flat(setup.pupil.side, setup.pitch);
  EXPECT_NEAR(total(render(sh, flat)), setup.photons * lit / lit_area(setup.pupil),
              setup.photons * 1e-6);
}

TEST(ShackHartmann, AFiniteWindowLosesTheWingsOfTheSpot) {
  // One open lenslet: the part of sinc^2 in +-3 wavelength / d, (2 / pi) (Si(6 pi) - sin^2(3 pi) /
  // (3 pi)) with Si(6 pi) = 1.5180339, along x and along y.
  ShackHartmannSetup setup = sensor(8, 12, 3, PhaseSample::tile);
  setup.pupil = {8, std::vector<float>(64, 1.0F)};
  setup.lenslets = 1;
  setup.layout = SpotLayout::grid(1, 12);
  const Wavefront flat(8, setup.pitch);
  const double part = 2 / std::numbers::pi * 1.5180339;
  EXPECT_NEAR(total(render(ShackHartmann(setup), flat)) / setup.photons, part * part, 1e-4);
}

TEST(ShackHartmann, LiesOnADetectorThatIsNotSquare) {
  ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const Wavefront wavefront = waves(setup);
  const auto grid = render(ShackHartmann(setup), wavefront);
  setup.layout = SpotLayout::centred(5, 12, 3, 131, 80);
  setup.background = 2.5;
  const auto frame = render(ShackHartmann(setup), wavefront);
  ASSERT_EQ(frame.size(), 131U * 80U);
  const std::size_t left = (131 - 72) / 2, below = (80 - 72) / 2;
  std::vector<float> expected(frame.size(), 2.5F);
  for (std::size_t y = 0; y < 60; ++y)
    for (std::size_t x = 0; x < 60; ++x)
      expected[(below + y / 12 * 15 + y % 12) * 131 + left + x / 12 * 15 + x % 12] =
          grid[y * 60 + x] + 2.5F;
  EXPECT_EQ(frame, expected);
}

TEST(ShackHartmann, PutsSpotsWhereTheyAreAskedFor) {
  ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  setup.layout = SpotLayout::centred(5, 12, 4, 90, 85);
  std::mt19937 generator(kSeed);
  std::uniform_real_distribution<double> within(-1.9, 1.9);
  for (SpotCentre& centre : setup.layout.centres) {
    centre.x += within(generator);
    centre.y += within(generator);
  }
  const Wavefront wavefront = waves(setup);
  const SubExposure whole{&wavefront, 1};
  EXPECT_LT(
      largest_difference(render(ShackHartmann(setup), wavefront), slow::spots(setup, {&whole, 1})),
      kRounding);
}

TEST(ShackHartmann, MayBeASingleLenslet) {
  ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  setup.pupil = round_pupil(8, 8);
  setup.lenslets = 1;
  setup.layout = SpotLayout::grid(1, 12);
  const Wavefront wavefront = waves(setup);
  const SubExposure whole{&wavefront, 1};
  const auto frame = render(ShackHartmann(setup), wavefront);
  ASSERT_EQ(frame.size(), 144U);
  EXPECT_LT(largest_difference(frame, slow::spots(setup, {&whole, 1})), kRounding);
}

TEST(ShackHartmann, ATiltOfAPixelMovesASpotByOne) {
  // The theorem, exact for points in a whole period; towards +x and +y as the wavefront rises.
  ShackHartmannSetup setup = sensor(8, 8, 1, PhaseSample::point);
  setup.pixel_scale *= 2;
  Wavefront tilt(setup.pupil.side, setup.pitch);
  for (std::size_t y = 0; y < tilt.side(); ++y)
    for (std::size_t x = 0; x < tilt.side(); ++x)
      tilt.at(x, y) =
          static_cast<float>(setup.pixel_scale * (tilt.position(x) + 2 * tilt.position(y)));
  const ShackHartmann sh(setup);
  const auto flat = render(sh, Wavefront(setup.pupil.side, setup.pitch));
  const auto moved = render(sh, tilt);
  const float peak = *std::max_element(flat.begin(), flat.end());
  for (std::size_t y = 2; y < 8; ++y)
    for (std::size_t x = 1; x < 8; ++x)
      EXPECT_NEAR(moved[(16 + y) * 40 + 8 + x], flat[(16 + y - 2) * 40 + 8 + x - 1], peak * 4e-6F)
          << "phases up to 30 rad";
}

TEST(ShackHartmann, ChoosesItsOversamplingByThePixelScale) {
  ShackHartmannSetup setup = sensor(8, 6, 0, PhaseSample::tile);
  EXPECT_EQ(ShackHartmann(setup).setup().oversampling, 2U) << "wavelength / 2 d";
  setup.pixel_scale *= 2;
  EXPECT_EQ(ShackHartmann(setup).setup().oversampling, 4U);
  setup.pixel_scale /= 16;
  EXPECT_EQ(ShackHartmann(setup).setup().oversampling, 2U);
}

TEST(ShackHartmann, NoLightGivesTheBackground) {
  ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  setup.photons = 0;
  setup.background = 3;
  const auto frame = render(ShackHartmann(setup), waves(setup));
  EXPECT_TRUE(std::all_of(frame.begin(), frame.end(), [](float pixel) { return pixel == 3; }));
}

TEST(ShackHartmann, ABadPhaseIsNamed) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const ShackHartmann sh(setup);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 1.0F}) {
    Wavefront wavefront = waves(setup);
    wavefront.at(9, 17) = bad;
    try {
      static_cast<void>(render(sh, wavefront));
      ADD_FAILURE() << bad << " m was accepted";
    } catch (const std::domain_error& error) {
      EXPECT_NE(std::string(error.what()).find("sample (9, 17) (lenslet (1, 2))"),
                std::string::npos)
          << error.what();
    }
  }
}

TEST(ShackHartmann, ABadPhaseInTheDarkDoesNotMatter) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const ShackHartmann sh(setup);
  Wavefront wavefront = waves(setup);
  const auto expected = render(sh, wavefront);
  for (std::size_t i = 0; i < wavefront.opd().size(); ++i)
    if (setup.pupil.transmission[i] == 0)
      wavefront.opd()[i] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(render(sh, wavefront), expected);
}

TEST(ShackHartmann, ABadPhaseOfAnotherRowDoesNotMatter) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const ShackHartmann sh(setup);
  Wavefront wavefront = waves(setup);
  wavefront.at(20, 16) = std::numeric_limits<float>::quiet_NaN();
  ASSERT_EQ(setup.pupil.at(20, 12), 1);
  wavefront.at(20, 12) = std::numeric_limits<float>::quiet_NaN();
  const SubExposure whole{&wavefront, 1};
  std::vector<float> frame(sh.pixels());
  auto workspace = sh.make_workspace();
  EXPECT_NO_THROW(sh.render_rows({&whole, 1}, 0, 1, frame, workspace));
  EXPECT_THROW(sh.render_rows({&whole, 1}, 1, 2, frame, workspace), std::domain_error);
}

template <class Change>
std::string refusal(const Change& change) {
  ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  change(setup);
  try {
    static_cast<void>(ShackHartmann(setup));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ShackHartmann, RefusesSetUpsThatCannotBe) {
  const auto expect = [](const char* what, auto change) {
    const std::string message = refusal(change);
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  using Setup = ShackHartmannSetup;
  expect("pixel_scale is 0", [](Setup& s) { s.pixel_scale = 0; });
  expect("pixel_scale is nan", [](Setup& s) { s.pixel_scale = kNaN; });
  expect("wavelength is -", [](Setup& s) { s.wavelength = -1; });
  expect("pitch is 0", [](Setup& s) { s.pitch = 0; });
  expect("photons is -", [](Setup& s) { s.photons = -1; });
  expect("background is nan", [](Setup& s) { s.background = kNaN; });
  expect("oversampling is 17", [](Setup& s) { s.oversampling = 17; });
  expect("window is 0", [](Setup& s) { s.layout.window = 0; });
  expect("24 entries", [](Setup& s) { s.layout.centres.pop_back(); });
  expect("0 lenslets", [](Setup& s) { s.lenslets = 0; });
  expect("no sample lets light", [](Setup& s) { s.pupil.transmission.assign(1600, 0.0F); });
  expect("leaves the detector", [](Setup& s) { s.layout.centres[2].x = 4; });
  expect("covers a pixel of another", [](Setup& s) { s.layout.centres[7].x -= 1; });
  expect("a place on the detector", [](Setup& s) { s.layout.centres[7].x = kNaN; });
  expect("a finer pupil", [](Setup& s) { s.pixel_scale *= 2; });
  EXPECT_THROW(static_cast<void>(SpotLayout::centred(5, 12, 1, 63, 64)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(SpotLayout::grid(5, 0)), std::invalid_argument);
}

TEST(ShackHartmann, RefusesWavefrontsAndFramesOfAnotherSize) {
  const ShackHartmannSetup setup = sensor(8, 12, 1, PhaseSample::tile);
  const ShackHartmann sh(setup);
  auto workspace = sh.make_workspace();
  std::vector<float> frame(sh.pixels());
  const Wavefront good(40, setup.pitch);
  const Wavefront small(39, setup.pitch);
  const Wavefront coarse(40, 2 * setup.pitch);
  const auto refuses = [&](const SubExposure& part) {
    EXPECT_THROW(sh.render({&part, 1}, frame, workspace), std::invalid_argument);
  };
  refuses({&small, 1});
  refuses({&coarse, 1});
  refuses({nullptr, 1});
  refuses({&good, -0.5});
  refuses({&good, kNaN});
  const SubExposure part{&good, 1};
  EXPECT_THROW(sh.render({}, frame, workspace), std::invalid_argument);
  EXPECT_THROW(sh.render_rows({&part, 1}, 0, 6, frame, workspace), std::invalid_argument);
  EXPECT_THROW(sh.render_rows({&part, 1}, 3, 2, frame, workspace), std::invalid_argument);
  const ShackHartmann other(sensor(8, 11, 1, PhaseSample::tile));
  auto others = other.make_workspace();
  EXPECT_THROW(sh.render({&part, 1}, frame, others), std::invalid_argument);
  frame.pop_back();
  EXPECT_THROW(sh.render({&part, 1}, frame, workspace), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
