#include "hil/judge/delays.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace daohil::hil::judge {
namespace {

TEST(Delays, NoneIsZero) {
  const Delays none;
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.quantile(0.5), 0);
  EXPECT_EQ(none.quantile(1), 0);
  EXPECT_EQ(none.deviation(), 0);
  EXPECT_EQ(none.longer_than(-1), 0U);
}

TEST(Delays, AgreeWithSortedValuesToThreeDigits) {
  std::mt19937_64 chance(20261125);
  std::lognormal_distribution<double> spread(11, 2);
  Delays delays;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    values.push_back(static_cast<std::int64_t>(spread(chance)));
    delays.add(values.back());
  }
  std::sort(values.begin(), values.end());
  ASSERT_EQ(delays.size(), values.size());
  for (const double q : {0.01, 0.5, 0.99, 0.999, 0.9999}) {
    const auto exact = static_cast<double>(
        values[static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))) - 1]);
    const auto found = static_cast<double>(delays.quantile(q));
    EXPECT_GE(found, exact) << q;
    EXPECT_LE(found, exact * 1.001 + 1) << q;
  }
  EXPECT_EQ(delays.quantile(1), values.back());
  // By another formula, in long double.
  long double sum = 0;
  long double squares = 0;
  for (const std::int64_t value : values) sum += static_cast<long double>(value);
  const long double mean = sum / static_cast<long double>(values.size());
  for (const std::int64_t value : values)
    squares += (static_cast<long double>(value) - mean) * (static_cast<long double>(value) - mean);
  const auto deviation =
      static_cast<double>(std::sqrt(squares / static_cast<long double>(values.size() - 1)));
  EXPECT_NEAR(static_cast<double>(delays.deviation()), deviation, 1 + 1e-9 * deviation);
}

TEST(Delays, CountWhatIsLonger) {
  Delays delays;
  for (std::int64_t i = 0; i <= 1000; ++i) delays.add(i);  // where every value has its own bucket
  EXPECT_EQ(delays.longer_than(-1), 1001U);
  EXPECT_EQ(delays.longer_than(0), 1000U);
  EXPECT_EQ(delays.longer_than(998), 2U);
  EXPECT_EQ(delays.longer_than(1000), 0U);
}

TEST(Delays, WhatCannotBeIsTheNearestThatCan) {
  Delays delays;
  delays.add(-5);
  delays.add(INT64_MAX);
  EXPECT_EQ(delays.quantile(0.5), 0);
  EXPECT_EQ(delays.quantile(1), 86'400'000'000'000);
}

}  // namespace
}  // namespace daohil::hil::judge
