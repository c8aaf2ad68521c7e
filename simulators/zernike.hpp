#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <vector>

#include "simulators/phase.hpp"
#include "simulators/pupil.hpp"

namespace daohil::simulators {

/// Radial order n and azimuthal frequency m >= 0 of a Zernike polynomial.
struct ZernikeOrder {
  int n = 0, m = 0;
};

/// Of Noll's index (1976, JOSA 66, 207): 1 piston, 2 tip (x), 3 tilt (y), 4 focus, 5 and 6
/// astigmatism, 7 and 8 coma, ... @param noll >= 1 @throws std::invalid_argument
[[nodiscard]] ZernikeOrder zernike_order(int noll);

/// Z_j on the unit disc, with Noll's normalisation: mean square 1 over the disc, cosine for even j,
/// sine for odd j. @param r radius, 0 .. 1 for the orthonormal range @param angle from +x [rad]
[[nodiscard]] double zernike(int noll, double r, double angle);

/// The first Zernike modes over a pupil, fitted by weighted least squares: exact for sampled and
/// obstructed pupils too, where the polynomials are no longer orthogonal.
/// Immutable; safe from any thread.
class ZernikeFit {
 public:
  /// @param diameter of the unit disc [samples] @param modes Z_1 .. Z_modes, >= 1
  /// @throws std::invalid_argument when the pupil has too few samples to tell the modes apart
  ZernikeFit(const Pupil& pupil, double diameter, int modes);

  [[nodiscard]] int modes() const { return static_cast<int>(triangle_.cols()); }

  /// Coefficient of Z_j at [j - 1], in metres rms, from the samples inside the pupil.
  /// @throws std::invalid_argument when the wavefront's side is not the pupil's
  [[nodiscard]] Eigen::VectorXd coefficients(const Wavefront& wavefront) const;

  /// Root mean square over the pupil of what is left when Z_1 .. Z_J are fitted and taken away [m];
  /// at [J], with [0] the rms of the whole.
  [[nodiscard]] Eigen::VectorXd residual_rms(const Wavefront& wavefront) const;

 private:
  [[nodiscard]] Eigen::VectorXd weighted(const Wavefront& wavefront) const;

  std::size_t side_;
  std::vector<std::size_t> inside_;  // indices of the samples
  Eigen::VectorXd weights_;          // square root of the transmission's share
  Eigen::MatrixXd orthonormal_;      // the weighted modes, made orthonormal: samples x modes
  Eigen::MatrixXd triangle_;         // modes = orthonormal * triangle
};

}  // namespace daohil::simulators
