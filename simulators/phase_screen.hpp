#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "simulators/instruction_set.hpp"
#include "simulators/phase.hpp"
#include "simulators/random.hpp"

namespace daohil::simulators {

/// The axis that a screen is mostly moved along; see PhaseScreen.
enum class Travel : std::uint8_t { along_x, along_y };

/// What a periodic screen is made for.
struct ScreenGeometry {
  std::size_t side = 0;    ///< pixels of a period; 4 .. 8192, and side * pitch >= 2 outer scales
  double pitch = 0;        ///< [m], as the wavefronts that are cut from it
  double outer_scale = 0;  ///< L0 [m], finite: Kolmogorov's phase has no variance
  std::size_t window = 0;  ///< side of the largest wavefront cut from it, pixels, <= side / 2
  Travel travel = Travel::along_x;

  /// @throws std::invalid_argument, naming the field, its value and the way out
  void check() const;
};

/// A von Karman phase screen with r0 = 1 m, in radians at the wavelength of r0, that can be read
/// at any place of the plane, between pixels too.
///
/// Statistics. The Fourier modes have independent normal amplitudes with the spectrum's variance,
/// so the covariance is the sum of the von Karman covariance over the images of the lattice: exact
/// to B(side * pitch - r), which is 2e-3 of the variance at two outer scales (hence the limit
/// in ScreenGeometry), no subharmonics needed. The zero mode (piston) is left out.
///
/// Interpolation. The screen is a quintic B-spline whose spectrum is divided by what the spline
/// and the sampling by pixels do to it on average over all fractional positions:
///
///   P(f) = sum_m W(f + m/pitch) / [b11(fx) b11(fy)],  b11(f) = sum_j B11(j) cos(2 pi f j)
///
/// with B11 the B-spline of degree 11, the autocorrelation of the quintic one (Unser, Aldroubi and
/// Eden 1993, IEEE Trans. Signal Process. 41, 821). So the structure function is exact at whole
/// pixel distances when averaged over fractional positions. At one position it deviates at
/// distances of 1, 2, 4 pixels by at most 10, 1.7, 0.9 % for an outer scale of 60 pixels, and by 8,
/// 1.2, 0.6 % for 500.
///
/// Period. phase(x + side, y + shear) = phase(x, y) = phase(x, y + side) (axes exchanged for
/// along_y), with shear near side / golden ratio squared and coprime with side: a screen moved
/// along its axis of travel comes to the same pixels only after side passes, not after one.
///
/// Immutable: safe from any thread.
class PhaseScreen {
 public:
  /// @param field side * side spline coefficients, x fastest, of the lattice above; its real or
  /// imaginary part is taken
  enum class Part : std::uint8_t { real, imaginary };
  PhaseScreen(const ScreenGeometry& geometry, const std::complex<float>* field, Part part);

  [[nodiscard]] const ScreenGeometry& geometry() const { return geometry_; }

  /// out += weight * screen, with sample (0, 0) of `out` at (x, y) of the screen.
  /// @param x, y [pixels], any finite value, of magnitude below 2^50
  /// @param weight usually metres of OPD per radian times r0^(-5/6)
  /// @throws std::invalid_argument when out is larger than the window or x or y is not finite
  void add_to(Wavefront& out, double x, double y, float weight,
              InstructionSet set = widest_instruction_set()) const;

 private:
  ScreenGeometry geometry_;
  std::size_t shear_;
  std::size_t stride_;
  std::vector<float> coefficients_;  // of the padded square [0, stride)^2
};

/// Standard deviation of every Fourier mode of a screen (real and imaginary part each), in
/// radians: side * side, in the order that `transform` takes.
[[nodiscard]] std::vector<float> mode_amplitudes(const ScreenGeometry& geometry);

/// Fourier modes (their amplitudes times complex normal numbers) to the field that PhaseScreen
/// takes; its two parts are independent screens. In place.
/// @param modes side * side
void transform_modes(const ScreenGeometry& geometry, std::complex<float>* modes);

/// Two independent screens: a pure function of its arguments.
/// @param random whose normals make the modes @param number which of its screens
/// @throws std::invalid_argument from ScreenGeometry::check
[[nodiscard]] std::pair<PhaseScreen, PhaseScreen> make_screens(const ScreenGeometry& geometry,
                                                               const Random& random,
                                                               std::uint64_t number);

}  // namespace daohil::simulators
