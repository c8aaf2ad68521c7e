// The distributions of photon, gain and read noise. Seeds are fixed; a tolerance is 5 standard
// deviations of what is estimated from so many draws, unless said otherwise.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "simulators/photon_noise.hpp"
#include "tests/physics/statistics.hpp"

namespace daohil::simulators {
namespace {

using physics::chi_square;
using physics::moments;

constexpr std::size_t kRow = 4096;
constexpr std::uint64_t kSeed = 20260101;

/// `rows` rows of kRow draws, each row from all steps that `draw` makes.
template <class Draw>
std::vector<float> draws(std::uint32_t rows, float start, const Draw& draw) {
  std::vector<float> values(rows * kRow, start);
  for (std::uint32_t row = 0; row < rows; ++row) {
    RowNoise noise(Random(kSeed, Stream::test), 7, row);
    draw(noise, std::span(values).subspan(row * kRow, kRow));
  }
  return values;
}

std::vector<float> poisson_draws(float mean, std::uint32_t rows) {
  return draws(rows, mean, [](RowNoise& noise, std::span<float> row) { noise.poisson(row); });
}

double poisson_probability(double mean, double k) {
  return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
}

class Poisson : public testing::TestWithParam<float> {};

// The reference values of a good generator are 0.4 to 1.8 of chi-square per degree of freedom.
TEST_P(Poisson, ChiSquareOver4MillionDraws) {
  const double mean = GetParam();
  const auto values = poisson_draws(GetParam(), 1025);
  const double reach = 8 * std::sqrt(mean) + 12;
  const double first = std::max(0.0, std::floor(mean - reach));
  std::vector<double> counts(static_cast<std::size_t>(2 * reach) + 2);
  std::vector<double> probability(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    probability[i] = poisson_probability(mean, first + static_cast<double>(i));
  for (const float value : values) {
    ASSERT_EQ(value, std::floor(value));
    const double cell = double{value} - first;
    ASSERT_TRUE(cell >= 0 && cell < static_cast<double>(counts.size())) << value;
    ++counts[static_cast<std::size_t>(cell)];
  }
  const auto chi2 = chi_square(counts, probability);
  RecordProperty("chi2_per_degree", std::to_string(chi2.value / chi2.degrees));
  EXPECT_GE(chi2.degrees, 1);
  EXPECT_LT(std::abs(chi2.sigmas()), 5)
      << "chi2 " << chi2.value << " with " << chi2.degrees << " degrees of freedom";
  const auto m = moments(values);
  EXPECT_NEAR(m.mean, mean, 5 * std::sqrt(mean / m.n));
  EXPECT_NEAR(m.variance, mean, 5 * m.variance_error());
}

INSTANTIATE_TEST_SUITE_P(AllRungs, Poisson,
                         testing::Values(0.003F, 0.03F, 0.0624F, 0.0625F, 0.3F, 0.5F, 1.0F, 3.0F,
                                         7.97F, 12.0F, 15.99F, 16.0F, 50.0F, 100.0F, 255.99F,
                                         256.0F, 500.0F, 1000.0F, 4096.3F, 70000.5F));

TEST(PoissonNumbers, MeanAndVarianceUpToAMillion) {
  for (const float mean : {1e4F, 123456.7F, 999999.9F}) {
    const auto m = moments(poisson_draws(mean, 64));
    EXPECT_NEAR(m.mean, double{mean}, 5 * std::sqrt(double{mean} / m.n));
    EXPECT_NEAR(m.variance, double{mean}, 5 * m.variance_error());
    EXPECT_NEAR(m.skewness, 1 / std::sqrt(double{mean}), 5 * std::sqrt(6 / m.n));
  }
}

TEST(PoissonNumbers, OddMeans) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> means = {0.0F, -0.0F, -1.0F, nan, -infinity, infinity, 1e30F, 1e-30F};
  RowNoise(Random(kSeed, Stream::test), 1, 1).poisson(means);
  for (const std::size_t i : {0, 1, 2, 3, 4, 7}) EXPECT_EQ(means[i], 0) << i;
  for (const std::size_t i : {5, 6}) EXPECT_NEAR(means[i], 1048576, 6000) << i;
}

TEST(PoissonNumbers, IndependentOfOtherPixelsRowsAndFrames) {
  const auto row = [](std::uint64_t frame, std::uint32_t number) {
    std::vector<float> values(1 << 18, 3.0F);
    RowNoise(Random(kSeed, Stream::test), frame, number).poisson(values);
    return values;
  };
  const auto here = row(10, 20);
  const double bound = 5 / std::sqrt(static_cast<double>(here.size()));
  const std::span<const float> a(here);
  for (const std::size_t shift : {1, 2, 3, 8, 15, 16, 17, 31, 32, 64}) {
    const std::size_t n = a.size() - shift;
    EXPECT_LT(std::abs(physics::correlation(a.first(n), a.last(n))), bound) << shift << " pixels";
  }
  const auto next_frame = row(11, 20);
  const auto next_row = row(10, 21);
  const auto swapped = row(20, 10);
  for (const auto* other : {&next_frame, &next_row, &swapped})
    EXPECT_LT(std::abs(physics::correlation(a, std::span<const float>(*other))), bound);
}

std::vector<float> multiplied(float electrons, const AvalancheGain& gain, std::uint32_t rows) {
  return draws(rows, electrons,
               [&](RowNoise& noise, std::span<float> row) { noise.multiply(row, gain); });
}

/// Regularised lower incomplete gamma function of a whole number: P(gamma(n) <= x).
double gamma_cdf(int n, double x) {
  double term = 1, sum = 1;
  for (int k = 1; k < n; ++k) sum += term *= x / k;
  return 1 - std::exp(-x) * sum;
}

// gamma(n, g), exactly: Basden et al. 2003, eq. 1. Kolmogorov-Smirnov at a probability of 1e-6.
TEST(EmccdGain, OutputOfNElectronsIsGamma) {
  constexpr double kGain = 600;
  for (const int n : {1, 2, 3, 5, 10, 30, 100}) {
    auto values = multiplied(static_cast<float>(n), AvalancheGain(kGain, 2), 64);
    const auto m = moments(values);
    EXPECT_NEAR(m.mean, n * kGain, 5 * kGain * std::sqrt(n / m.n)) << n;
    EXPECT_NEAR(m.variance, n * kGain * kGain, 5 * m.variance_error()) << n;
    EXPECT_NEAR(m.skewness, 2 / std::sqrt(n), 0.1) << n;
    std::sort(values.begin(), values.end());
    double distance = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      distance = std::max(distance, std::abs(gamma_cdf(n, double{values[i]} / kGain) -
                                             (static_cast<double>(i) + 0.5) / m.n));
    EXPECT_LT(distance, 2.7 / std::sqrt(m.n)) << n;
  }
}

TEST(EmccdGain, NothingBecomesNothing) {
  for (const float value : multiplied(0, AvalancheGain(1000, 2), 1)) ASSERT_EQ(value, 0);
}

// With photon noise before it: mean g N, variance 2 N g^2, P(0) = exp(-N). A scaled Poisson number
// would have only multiples of the gain, and P(0) of a Poisson-distributed gain 0.531 at N = 1.
TEST(EmccdGain, IsNoScaledPoisson) {
  constexpr double kGain = 300;
  for (const double photons : {0.1, 1.0, 4.0, 30.0}) {
    const auto values =
        draws(256, static_cast<float>(photons), [](RowNoise& noise, std::span<float> row) {
          noise.poisson(row);
          noise.multiply(row, AvalancheGain(kGain, 2));
        });
    const auto m = moments(values);
    EXPECT_NEAR(m.mean, photons * kGain, 5 * m.mean_error());
    EXPECT_NEAR(m.variance, 2 * photons * kGain * kGain, 5 * m.variance_error());
    const double p0 = std::exp(-photons);
    const auto zeros = std::count(values.begin(), values.end(), 0.0F);
    EXPECT_NEAR(static_cast<double>(zeros) / m.n, p0, 5 * std::sqrt(p0 * (1 - p0) / m.n) + 1e-12);
    const auto multiples = std::count_if(values.begin(), values.end(), [](float value) {
      return value > 0 && std::fmod(double{value}, kGain) < 1e-3;
    });
    EXPECT_LT(static_cast<double>(multiples) / m.n, 1e-4);
  }
}

// Reference values computed from Robbins & Hadwen 2003, eq. 12, with 604 stages.
TEST(EmccdGain, ExcessNoiseOfAFiniteRegister) {
  const std::array<std::array<double, 2>, 4> reference = {
      {{10, 1.893}, {20, 1.941}, {100, 1.975}, {1000, 1.976}}};
  for (const auto [gain, excess] : reference)
    EXPECT_NEAR(AvalancheGain::emccd(gain, 604).excess_noise(), excess, 5e-4) << gain;
}

// A register, stage by stage: every electron is doubled with the probability p, (1 + p)^S = g.
TEST(EmccdGain, HasMeanAndVarianceOfARegisterSimulatedStageByStage) {
  constexpr int kStages = 100;
  constexpr double kGain = 50;
  const double p = std::pow(kGain, 1.0 / kStages) - 1;
  std::mt19937_64 random(kSeed);
  std::vector<double> output(40'000);
  for (double& electrons : output) {
    int n = 3;
    for (int stage = 0; stage < kStages; ++stage)
      n += std::binomial_distribution<int>(n, p)(random);
    electrons = n;
  }
  const auto expected = moments(output);
  const auto m = moments(multiplied(3, AvalancheGain::emccd(kGain, kStages), 64));
  EXPECT_NEAR(m.mean, expected.mean, 5 * std::hypot(m.mean_error(), expected.mean_error()));
  EXPECT_NEAR(m.variance, expected.variance,
              5 * std::hypot(m.variance_error(), expected.variance_error()));
}

TEST(EapdGain, ExcessNoiseFactor) {
  for (const double excess : {1.05, 1.25, 1.5}) {
    const auto values = draws(256, 5, [&](RowNoise& noise, std::span<float> row) {
      noise.poisson(row);
      noise.multiply(row, AvalancheGain(21.7, excess));
    });
    const auto m = moments(values);
    EXPECT_NEAR(m.mean, 5 * 21.7, 5 * m.mean_error());
    EXPECT_NEAR(m.variance, excess * 5 * 21.7 * 21.7, 5 * m.variance_error()) << excess;
  }
}

TEST(AvalancheGain, RefusesWhatIsNone) {
  EXPECT_THROW(AvalancheGain(0, 2), std::invalid_argument);
  EXPECT_THROW(AvalancheGain(-5, 2), std::invalid_argument);
  EXPECT_THROW(AvalancheGain(std::nan(""), 2), std::invalid_argument);
  EXPECT_THROW(AvalancheGain(100, 1), std::invalid_argument);
  EXPECT_THROW(AvalancheGain(100, 2.5), std::invalid_argument);
  EXPECT_THROW(AvalancheGain(100, std::nan("")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(AvalancheGain::emccd(1, 600)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(AvalancheGain::emccd(1000, 5)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(AvalancheGain::emccd(1000, 0)), std::invalid_argument);
}

std::vector<std::uint16_t> read_out(float charge, const ReadOut& how, std::uint32_t rows) {
  std::vector<std::uint16_t> values(rows * kRow);
  const std::vector<float> line(kRow, charge);
  for (std::uint32_t row = 0; row < rows; ++row)
    RowNoise(Random(kSeed, Stream::test), 3, row)
        .read(line, how, std::span(values).subspan(row * kRow, kRow));
  return values;
}

// Noise of sigma, then rounding, which adds 1/12: sd sqrt(1 + 1/12) = 1.0408 ADU at K = 1. Rounding
// the noise and then the sum would still give 1.0408, so it is looked at in steps of 0.05 e-, where
// rounded electrons would show as gaps and as 1.040 instead of 1.000 e-.
TEST(ReadNoise, IsNotRoundedToElectrons) {
  const ReadOut fine{0.05F, 1000.0F, 1.0F / 0.05F};
  const auto values = read_out(100, fine, 256);
  const auto m = moments(values);
  const double electron = 1 / 0.05;
  EXPECT_NEAR(std::sqrt(m.variance - 1.0 / 12) / electron, 1.000, 5 * 0.5 * std::sqrt(2 / m.n));
  EXPECT_NEAR(m.kurtosis, 3, 5 * std::sqrt(24 / m.n));
  const auto whole = std::count_if(values.begin(), values.end(),
                                   [](std::uint16_t value) { return value % 20 == 0; });
  EXPECT_NEAR(static_cast<double>(whole) / m.n, 0.05, 5 * std::sqrt(0.05 * 0.95 / m.n));
}

// Unbiased where the noise is wide enough to smooth the steps; 1/12 ADU^2 more variance.
TEST(ReadNoise, QuantisationAddsOneTwelfth) {
  for (const float charge : {100.0F, 100.25F, 100.5F}) {
    const auto m = moments(read_out(charge, {1.0F, 50.0F, 1.0F}, 256));
    EXPECT_NEAR(m.mean, double{charge} + 50, 5 * m.mean_error());
    EXPECT_NEAR(m.variance, 1 + 1.0 / 12, 5 * m.variance_error());
  }
}

TEST(ReadNoise, WithoutNoiseRoundsToTheNearest) {
  EXPECT_EQ(read_out(10.4F, {1.0F, 5.0F}, 1).front(), 15);
  EXPECT_EQ(read_out(10.6F, {1.0F, 5.0F}, 1).back(), 16);
  EXPECT_EQ(read_out(1000.0F, {1.0F, 5.0F, 0.0F, 1e9F, 255.0F}, 1).front(), 255);
  EXPECT_EQ(read_out(1000.0F, {1.0F, 5.0F, 0.0F, 200.0F, 255.0F}, 1).front(), 205);
}

}  // namespace
}  // namespace daohil::simulators
