#include "simulators/von_karman.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace daohil::simulators {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// Published and independently computed values, r0 = 0.15 m.
struct Value {
  double outer_scale, distance, expected;
};
constexpr Value kValues[] = {
    {25, 0.1, 2.677},          {25, 0.15, 5.027},
    {25, 0.3, 14.437},         {25, 1, 80.845},
    {25, 2, 194.81},           {25, 4, 404.95},
    {25, 8, 670.35},           {10, 0.1, 2.383},
    {10, 0.15, 4.369},         {10, 0.3, 11.838},
    {10, 1, 54.603},           {10, 2, 106.46},
    {10, 4, 161.22},           {10, 8, 186.46},
    {kInfinite, 0.15, 6.8839}, {kInfinite, 1.5, 6.8839 * 46.415888},
};

TEST(VonKarman, StructureFunctionHasThePublishedValues) {
  for (const auto& [outer_scale, distance, expected] : kValues)
    EXPECT_NEAR(von_karman::structure_function(distance, 0.15, outer_scale), expected,
                3e-4 * expected)
        << distance << " m, L0 = " << outer_scale << " m";
}

TEST(VonKarman, StructureFunctionReachesItsPlateau) {
  const double plateau = 0.17263 * std::pow(25 / 0.15, 5.0 / 3);
  EXPECT_NEAR(von_karman::structure_function(1e3, 0.15, 25), plateau, 1e-4 * plateau);
  EXPECT_NEAR(von_karman::structure_function(1e9, 0.15, 25), plateau, 1e-4 * plateau);
  EXPECT_EQ(von_karman::structure_function(0, 0.15, 25), 0);
}

TEST(VonKarman, StructureFunctionIsKolmogorovsFarBelowTheOuterScale) {
  const double r = 1e-3;
  const double kolmogorov = von_karman::structure_function(r, 0.15, kInfinite);
  // Next term of the series: 1 - 1.485 (r / L0)^(1/3).
  EXPECT_NEAR(von_karman::structure_function(r, 0.15, 1e9) / kolmogorov, 1, 2e-4);
  EXPECT_NEAR(von_karman::structure_function(r, 0.15, 1e3) / kolmogorov, 1 - 1.485e-2, 1e-3);
}

TEST(VonKarman, SpectrumHasTheConstantAndTheKnee) {
  EXPECT_NEAR(von_karman::spectrum(10, 1, kInfinite), 0.022896 * std::pow(10, -11.0 / 3), 1e-8);
  EXPECT_NEAR(von_karman::spectrum(0, 1, 2), 0.022896 * std::pow(2, 11.0 / 3), 1e-5);
  EXPECT_NEAR(von_karman::spectrum(1, 0.5, 1) / von_karman::spectrum(1, 1, 1), std::pow(2, 5.0 / 3),
              1e-12);
}

TEST(VonKarman, VarianceIsTheIntegralOfTheSpectrum) {
  const double outer_scale = 25, r0 = 0.15;
  double integral = 0;
  const double step = 1e-3;  // of ln f: the trapezoidal rule converges exponentially here
  for (double log_f = -20; log_f < 12; log_f += step) {
    const double f = std::exp(log_f);
    integral += 2 * std::numbers::pi * f * f * von_karman::spectrum(f, r0, outer_scale) * step;
  }
  EXPECT_NEAR(von_karman::variance(r0, outer_scale), integral, 1e-6 * integral);
  const double published = 0.08631 * std::pow(outer_scale / r0, 5.0 / 3);
  EXPECT_NEAR(von_karman::variance(r0, outer_scale), published, 1e-4 * published);
}

TEST(VonKarman, ZernikeVariancesWithoutOuterScaleHaveTheClosedForm) {
  // 8 W0 pi^(8/3) (n+1) Gamma(14/3) Gamma(n-5/6) / (2^(14/3) Gamma(17/6)^2 Gamma(n+23/6))
  for (int n = 1; n <= 8; ++n) {
    const double closed =
        8 * 0.0228955 * std::pow(std::numbers::pi, 8.0 / 3) * (n + 1) * std::tgamma(14.0 / 3) *
        std::tgamma(n - 5.0 / 6) /
        (std::pow(2, 14.0 / 3) * std::pow(std::tgamma(17.0 / 6), 2) * std::tgamma(n + 23.0 / 6));
    EXPECT_NEAR(von_karman::zernike_variance(n, 3, 3, kInfinite) / closed, 1, 1e-4)
        << n;
  }
}

TEST(VonKarman, ResidualsWithoutOuterScaleAreNolls) {
  constexpr std::pair<int, double> kNoll[] = {{3, 0.134},   {4, 0.111},   {6, 0.0648},
                                              {10, 0.0401}, {15, 0.0279}, {21, 0.0208}};
  for (const auto& [removed, expected] : kNoll)
    EXPECT_NEAR(von_karman::residual_variance(removed, 3, 3, kInfinite), expected, 6e-3 * expected)
        << removed;
  EXPECT_NEAR(von_karman::residual_variance(1, 3, 3, kInfinite), 1.0324, 4e-4);
  const double scaled = von_karman::residual_variance(3, 4, 0.5, kInfinite);
  EXPECT_NEAR(scaled, 0.134 * std::pow(8, 5.0 / 3), 6e-3 * scaled);
}

TEST(VonKarman, ZernikeVariancesWithOuterScaleHaveTheIndependentlyComputedValues) {
  const double diameter = 8, outer_scale = 25;
  EXPECT_NEAR(von_karman::zernike_variance(1, diameter, 8, outer_scale), 0.06315, 2e-5);
  EXPECT_NEAR(von_karman::zernike_variance(2, diameter, 8, outer_scale), 0.01562, 1e-5);
  EXPECT_NEAR(von_karman::zernike_variance(3, diameter, 8, outer_scale), 0.00528, 1e-5);
  constexpr struct {
    double ratio, piston_removed, tilt_removed;
  } kTotals[] = {{1, 0.0695, 0.0519}, {3.125, 0.2328, 0.1065}, {10, 0.4509, 0.1295}};
  for (const auto& [ratio, piston_removed, tilt_removed] : kTotals) {
    EXPECT_NEAR(von_karman::residual_variance(1, 1, 1, ratio), piston_removed, 1.5e-4) << ratio;
    EXPECT_NEAR(von_karman::residual_variance(3, 1, 1, ratio), tilt_removed, 1.5e-4) << ratio;
  }
}

}  // namespace
}  // namespace daohil::simulators
