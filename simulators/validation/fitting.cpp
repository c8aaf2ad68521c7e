#include "simulators/validation/fitting.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "simulators/influence.hpp"
#include "simulators/phase_screen.hpp"
#include "simulators/von_karman.hpp"

namespace daohil::simulators::validation {

namespace {

using std::numbers::pi;

constexpr double kOuterScale = 60;   // pitches
constexpr std::size_t kSamples = 6;  // of a pitch
constexpr std::size_t kActuators = 15;
constexpr std::size_t kWindow = 14 * kSamples;  // from the first actuator to the last
constexpr std::size_t kInner = 6 * kSamples;    // where the edge is no longer felt

/// Influence functions as columns.
Eigen::MatrixXd influence_matrix(const GaussianInfluence& influence) {
  const std::size_t count = influence.actuators();
  Eigen::MatrixXd columns(kWindow * kWindow, count);
  std::vector<float> heights(count);
  for (std::size_t i = 0; i < count; ++i) {
    Wavefront poke(kWindow, 1);
    heights[i] = 1;
    influence.add_to(poke, heights);
    heights[i] = 0;
    columns.col(static_cast<Eigen::Index>(i)) =
        Eigen::Map<const Eigen::VectorXf>(poke.opd().data(), kWindow * kWindow).cast<double>();
  }
  return columns;
}

double inner_mean_square(const Eigen::VectorXd& residual) {
  constexpr std::size_t kFrom = (kWindow - kInner) / 2;
  double sum = 0;
  for (std::size_t y = kFrom; y < kFrom + kInner; ++y)
    for (std::size_t x = kFrom; x < kFrom + kInner; ++x)
      sum += std::pow(residual[static_cast<Eigen::Index>(y * kWindow + x)], 2);
  return sum / (kInner * kInner);
}

}  // namespace

double fitting_coefficient(double coupling, double outer_scale) {
  constexpr int kCells = 64;  // of a quarter of the zone, along each axis
  constexpr int kImages = 4;
  // The transform of coupling^(x^2) is a Gaussian, exp(-pi^2 f^2 / ln(1 / coupling)).
  const double width = 2 * pi * pi / -std::log(coupling);
  double left = 0;
  for (int row = 0; row < kCells; ++row)
    for (int column = 0; column < kCells; ++column) {
      const double fx = (column + 0.5) / (2 * kCells), fy = (row + 0.5) / (2 * kCells);
      double power = 0, passed = 0, all = 0;
      for (int m = -kImages; m <= kImages; ++m)
        for (int n = -kImages; n <= kImages; ++n) {
          const double f2 = std::pow(fx + m, 2) + std::pow(fy + n, 2);
          const double w = von_karman::spectrum(std::sqrt(f2), 1, outer_scale);
          const double h2 = std::exp(-width * f2);
          power += w;
          passed += h2 * w;
          all += h2;
        }
      left += power - passed / all;
    }
  left /= kCells * kCells;  // four quarters of (1 / 2 cells)^2
  // Beyond the images, as for a circle of the same area.
  const double radius = (2 * kImages + 1) / std::sqrt(pi);
  return left +
         von_karman::spectrum(1, 1, outer_scale) * 2 * pi * (3.0 / 5) * std::pow(radius, -5.0 / 3);
}

Checks fitting_error(double coupling, double claimed, Sampling sampling) {
  const GaussianInfluence influence(square_map(kActuators), coupling,
                                    {kWindow, static_cast<double>(kSamples)});
  const Eigen::MatrixXd columns = influence_matrix(influence);
  const Eigen::LLT<Eigen::MatrixXd> normal(columns.transpose() * columns);
  const ScreenGeometry geometry{768, 1, kOuterScale * kSamples, kWindow, Travel::along_x};
  const double unit = std::pow(static_cast<double>(kSamples), -5.0 / 3);
  constexpr std::size_t kSteps = 6;
  Mean mean;
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const auto screens = make_screens(geometry, Random(sampling.seed, Stream::test), i);
    for (const PhaseScreen* screen : {&screens.first, &screens.second}) {
      double sum = 0;
      for (std::size_t k = 0; k < kSteps * kSteps; ++k) {
        Wavefront phase(kWindow, 1);
        constexpr double kSpacing = 768.0 / kSteps;
        screen->add_to(phase, (static_cast<double>(k % kSteps) + 0.31) * kSpacing,
                       (static_cast<double>(k / kSteps) + 0.17) * kSpacing, 1);
        const Eigen::VectorXd opd =
            Eigen::Map<const Eigen::VectorXf>(phase.opd().data(), kWindow * kWindow).cast<double>();
        sum += inner_mean_square(opd - columns * normal.solve(columns.transpose() * opd));
      }
      mean.add(unit * sum / (kSteps * kSteps));
    }
  }
  // Least squares over 36 samples a pitch is not quite the integral.
  constexpr double kSampledFit = 0.015;
  return {check_of("fitting error, coupling " + std::to_string(coupling).substr(0, 4),
                   "projection on a shift-invariant space",
                   fitting_coefficient(claimed, kOuterScale), mean, kSampledFit,
                   "(d/r0)^(5/3) rad^2")};
}

}  // namespace daohil::simulators::validation
