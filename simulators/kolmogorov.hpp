#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simulators/phase.hpp"
#include "simulators/random.hpp"

namespace daohil::simulators {

/// Still screens of Kolmogorov turbulence, infinite outer scale: exact realisations of the
/// structure function 6.8839 (r/r0)^(5/3) for every pair of samples up to `side` samples apart.
///
/// By the cut-off embedding of Stein 2002 (J. Comput. Graph. Stat. 11, 587): a stationary field
/// whose covariance is a constant minus half the structure function plus a parabola, brought
/// smoothly to zero and made periodic, plus a random plane that undoes the parabola. With exponent
/// 5/3 the period is four times the largest distance. Such a field cannot be moved for long: for
/// frozen flow see Atmosphere, whose outer scale is finite.
///
/// Immutable; safe from any thread.
class KolmogorovScreens {
 public:
  /// @param side samples, 2 .. 512 @param pitch [m] @param r0 [m] at `wavelength` [m], all > 0
  /// @throws std::invalid_argument
  KolmogorovScreens(std::size_t side, double pitch, double r0, double wavelength = 500e-9);

  /// One realisation, piston arbitrary: a pure function of its arguments.
  /// @param number of the screen; different ones are independent
  [[nodiscard]] Wavefront screen(const Random& random, std::uint64_t number) const;

 private:
  std::size_t side_;
  double pitch_;
  double plane_;                   // rms slope of the plane [m per sample]
  std::vector<float> amplitudes_;  // (4 side)^2 [m]
};

}  // namespace daohil::simulators
