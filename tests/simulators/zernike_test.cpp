#include "simulators/zernike.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

namespace daohil::simulators {
namespace {

TEST(Zernike, NollsTableOfIndices) {
  // Noll 1976, table 1.
  constexpr int kTable[][3] = {{1, 0, 0},  {2, 1, 1},  {3, 1, 1},  {4, 2, 0},  {5, 2, 2},
                               {6, 2, 2},  {7, 3, 1},  {8, 3, 1},  {9, 3, 3},  {10, 3, 3},
                               {11, 4, 0}, {12, 4, 2}, {13, 4, 2}, {14, 4, 4}, {15, 4, 4},
                               {16, 5, 1}, {17, 5, 1}, {20, 5, 5}, {21, 5, 5}, {22, 6, 0}};
  for (const auto& [noll, n, m] : kTable) {
    EXPECT_EQ(zernike_order(noll).n, n) << noll;
    EXPECT_EQ(zernike_order(noll).m, m) << noll;
  }
  EXPECT_THROW((void)zernike_order(0), std::invalid_argument);
}

TEST(Zernike, PublishedPolynomials) {
  // Noll 1976, table 1, in full.
  const double r = 0.7, a = 0.4;
  const auto s = [](double x) { return std::sqrt(x); };
  EXPECT_NEAR(zernike(1, r, a), 1, 1e-14);
  EXPECT_NEAR(zernike(2, r, a), 2 * r * std::cos(a), 1e-14);
  EXPECT_NEAR(zernike(3, r, a), 2 * r * std::sin(a), 1e-14);
  EXPECT_NEAR(zernike(4, r, a), s(3) * (2 * r * r - 1), 1e-14);
  EXPECT_NEAR(zernike(5, r, a), s(6) * r * r * std::sin(2 * a), 1e-14);
  EXPECT_NEAR(zernike(8, r, a), s(8) * (3 * r * r * r - 2 * r) * std::cos(a), 1e-14);
  EXPECT_NEAR(zernike(11, r, a), s(5) * (6 * std::pow(r, 4) - 6 * r * r + 1), 1e-14);
  EXPECT_NEAR(zernike(17, r, a),
              s(12) * (10 * std::pow(r, 5) - 12 * std::pow(r, 3) + 3 * r) * std::sin(a), 1e-14);
  EXPECT_NEAR(zernike(22, r, a),
              s(7) * (20 * std::pow(r, 6) - 30 * std::pow(r, 4) + 12 * r * r - 1), 1e-14);
}

TEST(Zernike, AHighOrderStaysBounded) {
  // |R| <= 1 on the disc and R(1) = 1; the sum of factorials has lost all its digits by here.
  const int noll = 40 * 41 / 2 + 1;  // n = 40, m = 0
  EXPECT_NEAR(zernike(noll, 1, 0), std::sqrt(41.0), 1e-9);
  for (double r = 0; r < 1; r += 0.01)
    EXPECT_LE(std::abs(zernike(noll, r, 0)), std::sqrt(41.0) * (1 + 1e-12));
}

Wavefront sum_of_modes(const Eigen::VectorXd& a, std::size_t side, double diameter) {
  Wavefront w(side, 1);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x)
      for (int j = 1; j <= a.size(); ++j)
        w.at(x, y) += static_cast<float>(
            a[j - 1] * zernike(j, std::hypot(w.position(x), w.position(y)) * 2 / diameter,
                               std::atan2(w.position(y), w.position(x))));
  return w;
}

TEST(ZernikeFit, FindsTheCoefficientsBehindAnObstructionToo) {
  Eigen::VectorXd a(11);
  a << 3, -1, 0.5, 0.25, -0.125, 2, 0.75, -0.6, 0.3, 0.2, -0.1;
  for (const double obstruction : {0.0, 0.5}) {
    const Pupil pupil = round_pupil(30, 29, obstruction);
    const ZernikeFit fit(pupil, 29, 11);
    const Wavefront w = sum_of_modes(a, 30, 29);
    EXPECT_LT((fit.coefficients(w) - a).norm(), 1e-5);
    const Eigen::VectorXd left = fit.residual_rms(w);
    EXPECT_LT(left[11], 1e-6);
    EXPECT_NEAR(left[1], opd_rms(w, pupil), 1e-6);
    for (int j = 1; j <= 11; ++j) EXPECT_LE(left[j], left[j - 1]);
  }
}

TEST(ZernikeFit, ResidualIsWhatAFitOfFewerModesLeaves) {
  Eigen::VectorXd a(6);
  a << 0, 1, 2, 3, 4, 5;
  const Pupil pupil = round_pupil(24, 24);
  const Wavefront w = sum_of_modes(a, 24, 24);
  const double with_six = ZernikeFit(pupil, 24, 6).residual_rms(w)[3];
  const double with_three = ZernikeFit(pupil, 24, 3).residual_rms(w)[3];
  EXPECT_NEAR(with_six, with_three, 1e-6);
}

TEST(ZernikeFit, RefusesModesThatThePupilDoesNotTellApart) {
  EXPECT_THROW(ZernikeFit(round_pupil(2, 3), 3, 6), std::invalid_argument);
  EXPECT_THROW(ZernikeFit(round_pupil(8, 8), 8, 0), std::invalid_argument);
  EXPECT_THROW((void)ZernikeFit(round_pupil(8, 8), 8, 3).coefficients(Wavefront(9, 1)),
               std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
