#include "simulators/von_karman.hpp"

#include <cmath>
#include <numbers>

#include "simulators/zernike.hpp"

namespace daohil::simulators::von_karman {

namespace {

using std::numbers::pi;

double coefficient() {
  static const double value = std::pow(std::tgamma(11.0 / 6), 2) / (2 * std::pow(pi, 11.0 / 3)) *
                              std::pow(24.0 / 5 * std::tgamma(6.0 / 5), 5.0 / 6);
  return value;
}

/// Kolmogorov's 2 (24/5 Gamma(6/5))^(5/6) = 6.8839.
double kolmogorov_coefficient() {
  static const double value = 2 * std::pow(24.0 / 5 * std::tgamma(6.0 / 5), 5.0 / 6);
  return value;
}

/// The integral of W(f) filter(pi f D) over the plane, by the trapezoidal rule in ln f.
template <class Filter>
double filtered_variance(double diameter, double r0, double outer_scale, const Filter& filter) {
  constexpr double kStep = 2e-3;
  const double lowest = std::log(1e-13 / diameter), highest = std::log(3e3 / diameter);
  double sum = 0;
  for (double log_f = lowest; log_f < highest; log_f += kStep) {
    const double f = std::exp(log_f);
    sum += 2 * pi * f * f * spectrum(f, r0, outer_scale) * filter(pi * f * diameter);
  }
  return sum * kStep;
}

/// [2 J_k(x) / x]^2.
double airy(int k, double x) { return std::pow(2 * std::cyl_bessel_j(k, x) / x, 2); }

}  // namespace

double zernike_variance(int order, double diameter, double r0, double outer_scale) {
  if (order == 0 && std::isinf(outer_scale)) return outer_scale;
  return filtered_variance(diameter, r0, outer_scale,
                           [=](double x) { return (order + 1) * airy(order + 1, x); });
}

double residual_variance(int removed, double diameter, double r0, double outer_scale) {
  // 1 - airy(1, x) loses its digits for a small x, where it is x^2 / 4.
  double left = filtered_variance(diameter, r0, outer_scale,
                                  [](double x) { return x < 1e-3 ? x * x / 4 : 1 - airy(1, x); });
  for (int noll = 2; noll <= removed; ++noll)
    left -= zernike_variance(zernike_order(noll).n, diameter, r0, outer_scale);
  return left;
}

double spectrum(double frequency, double r0, double outer_scale) {
  const double knee = 1 / outer_scale;
  return coefficient() * std::pow(r0, -5.0 / 3) *
         std::pow(frequency * frequency + knee * knee, -11.0 / 6);
}

double variance(double r0, double outer_scale) {
  // The integral of 2 pi f W(f) over all f.
  return coefficient() * pi * (6.0 / 5) * std::pow(outer_scale / r0, 5.0 / 3);
}

double structure_function(double distance, double r0, double outer_scale) {
  if (distance == 0) return 0;
  if (std::isinf(outer_scale)) return kolmogorov_coefficient() * std::pow(distance / r0, 5.0 / 3);
  const double z = 2 * pi * distance / outer_scale;
  // K overflows for a tiny argument, long after its term has reached its limit.
  const double at_zero = std::tgamma(5.0 / 6) / std::pow(2.0, 1.0 / 6);
  if (z < 1e-9) return kolmogorov_coefficient() * std::pow(distance / r0, 5.0 / 3);
  const double term = z > 600 ? 0.0 : std::pow(z, 5.0 / 6) * std::cyl_bessel_k(5.0 / 6, z);
  // B(r) / B(0) = term / at_zero, D = 2 [B(0) - B(r)].
  return 2 * variance(r0, outer_scale) * (1 - term / at_zero);
}

}  // namespace daohil::simulators::von_karman
