#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace daohil::simulators {

/// A wavefront: optical path difference (OPD) in metres on a square grid, achromatic.
///
/// Orientation, as in a FITS image: x is FITS axis 1 and runs fastest in memory, y is axis 2;
/// element [y * side + x]. Sample (x, y) stands at ((x - (side - 1) / 2) pitch,
/// (y - (side - 1) / 2) pitch) from the optical axis, so the axis is between samples where side is
/// even.
///
/// Sign: the field behind the wavefront is A exp(+i phase), phase = 2 pi OPD / wavelength, and the
/// focal plane is its Fourier transform with the kernel exp(-2 pi i u x). So an OPD that rises with
/// x moves the image towards +x, and a mirror that corrects a wavefront adds its negative.
///
/// A plain value. Concurrent reads are safe.
class Wavefront {
 public:
  Wavefront() = default;

  /// A flat wavefront. @param side samples along x and along y, >= 1
  /// @param pitch metres between samples, as projected onto the telescope's entrance pupil, > 0
  /// @throws std::invalid_argument
  Wavefront(std::size_t side, double pitch) : side_(side), pitch_(pitch), opd_(side * side) {
    if (side == 0) throw std::invalid_argument("Wavefront: side is 0; at least one sample");
    if (!(pitch > 0) || !std::isfinite(pitch))
      throw std::invalid_argument("Wavefront: pitch is " + std::to_string(pitch) +
                                  " m; a positive length");
  }

  [[nodiscard]] std::size_t side() const { return side_; }
  [[nodiscard]] double pitch() const { return pitch_; }  ///< [m]

  /// side * side values [m], x fastest.
  [[nodiscard]] std::span<float> opd() { return opd_; }
  [[nodiscard]] std::span<const float> opd() const { return opd_; }

  /// x, y < side; not checked.
  [[nodiscard]] float& at(std::size_t x, std::size_t y) { return opd_[y * side_ + x]; }
  [[nodiscard]] float at(std::size_t x, std::size_t y) const { return opd_[y * side_ + x]; }

  /// Distance of column or row i from the optical axis [m].
  [[nodiscard]] double position(std::size_t i) const {
    return (static_cast<double>(i) - static_cast<double>(side_ - 1) / 2) * pitch_;
  }

  void clear() { std::fill(opd_.begin(), opd_.end(), 0.0F); }

 private:
  std::size_t side_ = 0;
  double pitch_ = 0;
  std::vector<float> opd_;
};

/// Radians of phase per metre of OPD. @param wavelength [m], > 0
[[nodiscard]] constexpr double radians_per_metre(double wavelength) {
  return 2 * std::numbers::pi / wavelength;
}

}  // namespace daohil::simulators
