#include "hil/judge/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace daohil::hil::judge {
namespace {

// Computed by summing the binomial distribution with 60 digits and bisecting.
TEST(Statistics, ClopperPearsonEqualsTheExactSum) {
  struct Row {
    std::uint64_t k, n;
    double confidence, bound;
  };
  for (const Row& row :
       {Row{0, 1, 0.95, 0.9500000000000000}, Row{0, 10, 0.95, 0.2588655508930523},
        Row{1, 10, 0.95, 0.3941633024365048}, Row{5, 10, 0.95, 0.7775588989918709},
        Row{9, 10, 0.95, 0.9948838031081763}, Row{3, 1000, 0.95, 0.007735244718479460},
        Row{100, 10000, 0.95, 0.01179723397134762}, Row{2, 50, 0.99, 0.1577040476147948},
        Row{2500, 5000, 0.95, 0.5117286740409437}, Row{4999, 5000, 0.95, 0.9999897413937424}})
    EXPECT_NEAR(clopper_pearson_upper(row.k, row.n, row.confidence), row.bound, 1e-10 * row.bound)
        << row.k << " of " << row.n;
}

// Clopper and Pearson 1934; the "rule of three" of Hanley and Lippman-Hand, JAMA 249 (1983) 1743.
TEST(Statistics, NoneOfManyIsTheRuleOfThree) {
  EXPECT_NEAR(clopper_pearson_upper(0, 59'529'600), 5.0e-8, 0.1e-8);  // 8 h at 2067 Hz
  for (const std::uint64_t n : {1'000U, 36'000U, 1'000'000U}) {
    const double rule = 3.0 / static_cast<double>(n);
    EXPECT_LT(clopper_pearson_upper(0, n), rule);
    EXPECT_GT(clopper_pearson_upper(0, n), 0.997 * rule);
  }
}

TEST(Statistics, BoundsGrowWithTheEventsAndTheConfidence) {
  EXPECT_EQ(clopper_pearson_upper(7, 7), 1);
  double last = 0;
  for (std::uint64_t k = 0; k <= 300; ++k) {
    const double bound = clopper_pearson_upper(k, 300);
    EXPECT_GT(bound, last);
    EXPECT_GE(bound, static_cast<double>(k) / 300);
    EXPECT_LT(bound, k < 300 ? clopper_pearson_upper(k, 300, 0.99) : 1.1);
    last = bound;
  }
}

// A slow reader loses tens of millions of frames in a day: near the normal approximation then, and
// not a sum of as many terms.
TEST(Statistics, ManyEventsOfMany) {
  const double n = 86'400'000;
  for (const double p : {0.001, 0.3, 0.9}) {
    const double normal = p + 1.6448536269514722 * std::sqrt(p * (1 - p) / n);
    EXPECT_NEAR(
        clopper_pearson_upper(static_cast<std::uint64_t>(p * n), static_cast<std::uint64_t>(n)),
        normal, 2e-2 * (normal - p));
  }
}

// ceil(ln(1 - confidence) / ln q) with 50 digits.
TEST(Statistics, SmallestNumberOfSamplesForAQuantile) {
  EXPECT_EQ(samples_for_quantile(0.5), 5U);
  EXPECT_EQ(samples_for_quantile(0.9), 29U);
  EXPECT_EQ(samples_for_quantile(0.99), 299U);
  EXPECT_EQ(samples_for_quantile(0.999), 2'995U);
  EXPECT_EQ(samples_for_quantile(0.9999), 29'956U);
  EXPECT_EQ(samples_for_quantile(0.9999, 0.99), 46'050U);
  // It is the smallest: one sample fewer leaves more than 5 %.
  for (const double q : {0.9, 0.999, 0.9999}) {
    const auto n = static_cast<double>(samples_for_quantile(q));
    EXPECT_LE(std::pow(q, n), 0.05);
    EXPECT_GT(std::pow(q, n - 1), 0.05);
  }
}

}  // namespace
}  // namespace daohil::hil::judge
