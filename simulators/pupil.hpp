#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simulators/phase.hpp"

namespace daohil::simulators {

/// The transmission of a telescope's entrance pupil, 0 .. 1, on the grid of a Wavefront.
/// A plain value. Concurrent reads are safe.
struct Pupil {
  std::size_t side = 0;
  std::vector<float> transmission;  ///< side * side, x fastest

  [[nodiscard]] float at(std::size_t x, std::size_t y) const { return transmission[y * side + x]; }
};

/// A round pupil, centred; a sample is in where its centre is.
/// @param diameter [samples], > 0 @param obstruction diameter of the central obstruction over the
/// pupil's, 0 .. < 1 @throws std::invalid_argument also when no sample is in
[[nodiscard]] Pupil round_pupil(std::size_t side, double diameter, double obstruction = 0);

/// Root mean square of the OPD over the pupil, weighted by transmission, piston removed [m].
/// In radians: times radians_per_metre(wavelength). The Strehl ratio is exp(-rms^2) in radians
/// within 2 % up to 0.7 rad (Mahajan 1983, JOSA 73, 860).
/// @throws std::invalid_argument when sides differ or the pupil is dark
[[nodiscard]] double opd_rms(const Wavefront& wavefront, const Pupil& pupil);

}  // namespace daohil::simulators
