#pragma once

#include <cstdint>
#include <functional>

#include "simulators/atmosphere.hpp"
#include "simulators/validation/check.hpp"
#include "simulators/validation/sampling.hpp"

/// Does simulated turbulence have the statistics of the theory? Pure functions; no clock, no I/O.
/// Every list holds all its checks, passed or not.
namespace daohil::simulators::validation {

/// A sky: fills a wavefront with the OPD at a time [s].
using Sky = std::function<void(double time, Wavefront& out)>;

/// A realisation, independent for every number: what the checks below examine. Tests put faulty
/// ones in to see the checks fail.
using SkyMaker = std::function<Sky(std::uint64_t number)>;

/// The Atmosphere itself, with the realisation's number added to the seed.
[[nodiscard]] SkyMaker atmospheres(const AtmosphereConfig& config);

/// One layer, r0 = 0.15 m, wind of 20 m/s at 30 degrees, wavefronts half as wide as the screen.
/// @param outer_scale, pitch [m]
[[nodiscard]] AtmosphereConfig validation_sky(double outer_scale, double pitch);

/// D(r) along both axes, at the beginning and after 10 000 pixels of motion, for those of the
/// distances 0.1, 0.15, 0.3, 1, 2, 4, 8 m that are 2 .. 20 whole pixels: a fine pitch for the short
/// ones, a coarse one for the long ones, of which a screen holds few independent ones.
/// @param sky made for `claimed`, or claiming to be
[[nodiscard]] Checks structure_function(const SkyMaker& sky, const AtmosphereConfig& claimed,
                                        Sampling sampling);

/// <[phase(t + tau) - phase(t)]^2> = D(V tau) for motions that end between pixels.
[[nodiscard]] Checks frozen_flow(const SkyMaker& sky, const AtmosphereConfig& claimed,
                                 Sampling sampling);

/// D(r) at 1, 2, 4 pixels on one fractional position at a time: what interpolation does. Deviations
/// that PhaseScreen documents are part of the tolerance.
[[nodiscard]] Checks fractional_positions(Sampling sampling);

/// Two layers with different winds: the delay error is the sum of both layers' D(V tau).
[[nodiscard]] Checks delay_error(Sampling sampling);

/// A layer that only boils: the correlation after a time, and the variance halfway between
/// renewals.
[[nodiscard]] Checks boiling(Sampling sampling);

/// Variances of tip, tilt, focus and coma, of the whole phase and of the phase without tip and tilt
/// over a round pupil, at L0/D = 1, 3.125 and 10.
[[nodiscard]] Checks zernike_variances(Sampling sampling);

/// Noll's residuals without outer scale, J = 1, 3, 4, 6, 10, 15, 21.
[[nodiscard]] Checks noll_residuals(Sampling sampling);

/// Structure function of KolmogorovScreens.
[[nodiscard]] Checks kolmogorov_structure(Sampling sampling);

/// exp(-sigma^2) beside |<exp(i phase)>|^2 over a pupil, sigma from opd_rms, 0.3 .. 0.7 rad.
[[nodiscard]] Checks marechal(Sampling sampling);

}  // namespace daohil::simulators::validation
