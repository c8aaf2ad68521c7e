#include "hil/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace daohil::hil {
namespace {

// SplitMix64 as published by Vigna (prng.di.unimi.it/splitmix64.c).
std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

TEST(Random, ADrawIsTwoStepsOfSplitMix64) {
  std::uint64_t known = 1234567;
  ASSERT_EQ(splitmix64(known), 6457827717110365317U);  // its published first numbers
  ASSERT_EQ(splitmix64(known), 3203168211198807973U);
  for (const std::uint64_t stream : {std::uint64_t{0}, std::uint64_t{1234567}, ~std::uint64_t{0}}) {
    std::uint64_t state = stream;
    for (std::uint64_t index = 0; index < 100; ++index) {
      std::uint64_t second = splitmix64(state);
      EXPECT_EQ(draw(stream, index), splitmix64(second));
    }
  }
}

TEST(Random, StreamsDifferBySeedAndByName) {
  std::set<std::uint64_t> streams;
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    for (const char* name : {"", "a", "b", "ab", "ba", "slow"})
      streams.insert(stream_of(seed, name));
  EXPECT_EQ(streams.size(), 6000U);
  EXPECT_EQ(stream_of(7, "slow"), stream_of(7, "slow"));
}

TEST(Random, UniformKeepsOffItsEnds) {
  EXPECT_GT(uniform(0), 0.0);
  EXPECT_LT(uniform(~std::uint64_t{0}), 1.0);
  EXPECT_EQ(uniform(std::uint64_t{1} << 63), 0.5);
  EXPECT_TRUE(std::isfinite(normal(uniform(0))));
  EXPECT_TRUE(std::isfinite(normal(uniform(~std::uint64_t{0}))));
}

// 100 bins of 10 000: each count within 5 standard deviations, the sum of squares as of 99 degrees
// of freedom within 5.
TEST(Random, DrawsAreUniformAndThoseOfTwoStreamsUnrelated) {
  const std::uint64_t a = stream_of(1, "a");
  const std::uint64_t b = stream_of(1, "b");
  constexpr int kDraws = 1'000'000;
  std::vector<int> bins(100, 0);
  double product = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double x = uniform(draw(a, i));
    bins[static_cast<std::size_t>(x * 100)] += 1;
    product += (x - 0.5) * (uniform(draw(b, i)) - 0.5);
  }
  double chi_square = 0;
  for (const int n : bins) {
    EXPECT_NEAR(n, 10'000, 500);
    chi_square += std::pow(n - 10'000, 2) / 10'000;
  }
  EXPECT_NEAR(chi_square, 99, 5 * std::sqrt(2 * 99.0));
  EXPECT_NEAR(product / kDraws, 0, 5.0 / 12 / std::sqrt(double{kDraws}));
}

// The test values of algorithm AS 241 (Wichura 1988), one for each of its three ranges.
TEST(Random, NormalEqualsItsPublishedValues) {
  EXPECT_NEAR(normal(0.25), -0.6744897501960817, 1e-15);
  EXPECT_NEAR(normal(0.001), -3.090232306167814, 1e-14);
  EXPECT_NEAR(normal(1e-20), -9.262340089798408, 1e-13);
  EXPECT_EQ(normal(0.5), 0);
  for (const double p : {0.01, 0.075, 0.3, 0.49}) EXPECT_NEAR(normal(1 - p), -normal(p), 1e-13);
  double last = -100;
  for (int i = 1; i < 10'000; ++i) {
    const double z = normal(i / 10'000.0);
    EXPECT_GT(z, last);
    EXPECT_NEAR(std::erfc(-z / std::sqrt(2.0)) / 2, i / 10'000.0, 1e-14);
    last = z;
  }
}

TEST(Random, ExponentialAndLogarithmEqualTheLibrarys) {
  EXPECT_EQ(exponential(0), 1);
  EXPECT_EQ(logarithm(1), 0);
  for (int i = -7000; i <= 7000; ++i) {
    const double x = i / 10.0;
    EXPECT_NEAR(exponential(x) / std::exp(x), 1, 2e-13) << x;
    if (std::abs(x) <= 5) {
      EXPECT_NEAR(exponential(x) / std::exp(x), 1, 4e-15) << x;
    }
  }
  for (int i = -300; i <= 300; ++i) {
    const double x = 1.7 * std::pow(10.0, i);
    EXPECT_NEAR(logarithm(x), std::log(x), 4e-15 * std::abs(std::log(x))) << x;
  }
  for (int i = 1; i < 2000; ++i) {
    const double x = i / 1000.0;
    EXPECT_NEAR(logarithm(x), std::log(x), 1e-15 + 4e-15 * std::abs(std::log(x))) << x;
  }
}

}  // namespace
}  // namespace daohil::hil
