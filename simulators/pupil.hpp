#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simulators/phase.hpp"

namespace daohil::simulators {

/// The transmission of a telescope's entrance pupil for intensity, 0 .. 1, on the grid of a
/// Wavefront: any mask. A plain value. Concurrent reads are safe.
struct Pupil {
  std::size_t side = 0;
  std::vector<float> transmission;  ///< side * side, x fastest

  [[nodiscard]] float at(std::size_t x, std::size_t y) const { return transmission[y * side + x]; }
};

/// A round pupil, centred; a sample is in where its centre is.
/// @param diameter [samples], > 0 @param obstruction diameter of the central obstruction over the
/// pupil's, 0 .. < 1 @throws std::invalid_argument also when no sample is in
[[nodiscard]] Pupil round_pupil(std::size_t side, double diameter, double obstruction = 0);

/// One vane of a spider: a bar from the optical axis outwards.
struct Vane {
  double angle = 0;  ///< [rad] from +x towards +y
  double width = 0;  ///< [samples], >= 0
};

/// Darkens the samples whose centre is behind a vane. @throws std::invalid_argument
void add_vanes(Pupil& pupil, std::span<const Vane> vanes);

/// Sum of the transmission, the lit area in samples.
/// @throws std::invalid_argument another number of values than side * side, one out of 0 .. 1, or
/// no light at all
[[nodiscard]] double lit_area(const Pupil& pupil);

/// Root mean square of the OPD over the pupil, weighted by transmission, piston removed [m]; dark
/// samples do not count, whatever they hold.
/// In radians: times radians_per_metre(wavelength). The Strehl ratio is exp(-rms^2) in radians
/// within 2 % up to 0.7 rad (Mahajan 1983, JOSA 73, 860).
/// @throws std::invalid_argument when sides differ or the pupil is dark
[[nodiscard]] double opd_rms(const Wavefront& wavefront, const Pupil& pupil);

/// One lenslet's part of the pupil.
struct Subaperture {
  std::size_t x = 0;        ///< column of the lenslet
  std::size_t y = 0;        ///< row of the lenslet
  double illumination = 0;  ///< lit part of its area, 0 < value <= 1
};

/// The lit subapertures of a square array of lenslets over the pupil, row by row, x fastest.
///
/// @param lenslets along x and along y; a divisor of the pupil's side
/// @param least_illumination what a subaperture needs in order to be used, 0 .. 1; whatever it is,
///                           dark ones are not
/// @throws std::invalid_argument a parameter out of its range, or nothing is lit enough
[[nodiscard]] std::vector<Subaperture> subapertures(const Pupil& pupil, std::size_t lenslets,
                                                    double least_illumination);

}  // namespace daohil::simulators
