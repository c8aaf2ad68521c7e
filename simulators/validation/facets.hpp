#pragma once

#include "simulators/pyramid.hpp"
#include "simulators/validation/check.hpp"

/// Does a modulated pyramid answer as geometric optics says? Pure functions; no clock, no I/O.
/// Every list holds all its checks, passed or not.
namespace daohil::simulators::validation {

/// A round pupil of 64 samples, whole image planes of 256, 64 points.
/// @param modulation [wavelength / D]
[[nodiscard]] PyramidSetup validation_pyramid(double modulation);

/// S = (2 / pi) asin(alpha / beta) for tilts alpha below the modulation's radius beta, along x and
/// y [Ragazzoni 1996 J. Mod. Opt. 43, 289; Verinaud 2004 Opt. Comm. 233, 27], at beta = 3, 6 and 10
/// wavelength / D. S: light of two images less that of the other two, over all.
///
/// A round pupil diffracts 2 / (pi^3 x) of its light beyond an edge at a distance of x wavelength /
/// D. Over the circle this cancels while the edge crosses it, and leaves S = 1 - 4 / (pi^3
/// sqrt(alpha^2 - beta^2)) when it does not. Tolerance 4 / (pi^3 (32 - alpha)): what 64 samples
/// fold over at the rim of the focal plane.
/// @param wrong_by the real modulation over the one that the theory is told
[[nodiscard]] Checks tilt_response(double wrong_by = 1);

/// All light is in the image plane, whatever the wavefront and the modulation; 1e-6.
[[nodiscard]] Checks energy();

/// The gain for tilts of a fifth of the modulation, asin(1/5) 5 * 2 / (pi beta): the range in which
/// the answer is linear grows as beta. Tolerance as for `tilt_response`.
[[nodiscard]] Checks linear_range();

}  // namespace daohil::simulators::validation
