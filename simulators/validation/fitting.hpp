#pragma once

#include "simulators/validation/check.hpp"
#include "simulators/validation/sampling.hpp"

/// How much turbulence a mirror leaves. Pure functions; no clock, no I/O.
namespace daohil::simulators::validation {

/// a_F of sigma^2 = a_F (d/r0)^(5/3) for Gaussian influence functions on an infinite square grid of
/// pitch d, commands by least squares: the power that a shift-invariant space does not hold,
///
///   integral of W - integral over |fx|, |fy| < 1/2d of (sum_m |H|^2 W) / (sum_m |H|^2)
///
/// with the sums over the images f + m/d (de Boor, DeVore and Ron 1994, Trans. AMS 341, 787).
/// @param coupling in (0, 1) @param outer_scale in pitches, > 0
[[nodiscard]] double fitting_coefficient(double coupling, double outer_scale);

/// Residual of a least-squares fit in the inner pupil, L0 = 60 pitches.
/// @param coupling of the mirror under test @param claimed what the expectation is computed for
[[nodiscard]] Checks fitting_error(double coupling, double claimed, Sampling sampling);

}  // namespace daohil::simulators::validation
