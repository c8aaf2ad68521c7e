#pragma once

namespace daohil::simulators::detail {

/// The centred B-spline of a degree at x: non-zero for |x| < (degree + 1) / 2, integral 1. By the
/// recursion of Cox and de Boor.
inline double b_spline(int degree, double x) {
  const double half = (degree + 1) / 2.0;
  if (x < -half || x >= half) return 0;
  if (degree == 0) return 1;
  return ((half + x) * b_spline(degree - 1, x + 0.5) + (half - x) * b_spline(degree - 1, x - 0.5)) /
         degree;
}

}  // namespace daohil::simulators::detail
