#include "simulators/von_karman.hpp"

#include <cmath>
#include <numbers>

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

}  // namespace

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
