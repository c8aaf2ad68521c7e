#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace daohil::simulators::detail {

/// Points of an interval from -1/2 to 1/2 and their weights, which sum to 1: the weighted sum of a
/// polynomial of a degree below 2 n is its integral.
struct Quadrature {
  std::vector<double> points;  ///< ascending
  std::vector<double> weights;
};

/// Gauss and Legendre's: zeros of the Legendre polynomial P_n by Newton's iteration from the usual
/// first guess (Abramowitz & Stegun 25.4.29, 22.16.6).
inline Quadrature gauss_legendre(std::size_t n) {
  Quadrature made;
  const auto size = static_cast<double>(n);
  for (std::size_t i = 0; i < n; ++i) {
    double x = -std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (size + 0.5));
    double slope = 1;
    for (int turn = 0; turn < 20; ++turn) {
      double before = 1, value = x;  // P_0, P_1
      for (std::size_t k = 1; k < n; ++k) {
        const auto degree = static_cast<double>(k);
        const double next = ((2 * degree + 1) * x * value - degree * before) / (degree + 1);
        before = value;
        value = next;
      }
      slope = size * (x * value - before) / (x * x - 1);
      x -= value / slope;
    }
    made.points.push_back(x / 2);
    made.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return made;
}

}  // namespace daohil::simulators::detail
