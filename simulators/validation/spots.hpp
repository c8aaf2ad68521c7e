#pragma once

#include "simulators/shack_hartmann.hpp"
#include "simulators/validation/check.hpp"
#include "simulators/validation/sampling.hpp"

/// Do a Shack-Hartmann's spots move and scatter as the theory says? Pure functions; no clock, no
/// I/O. Every list holds all its checks, passed or not.
namespace daohil::simulators::validation {

/// Centres of gravity of the spots of a tilted wavefront in windows of 6 pixels of wavelength / d,
/// 12 of wavelength / 2d and 24 of wavelength / 4d, beside the integral of sinc^2 over the same
/// pixels; 1e-3 px.
/// @param sample what the sensor takes its samples for: a `point` is known to fail where the window
///               is wide for its number of samples
[[nodiscard]] Checks spot_position(PhaseSample sample);

/// A sensor of points is a bare discrete transform and has its known centres of gravity: 0.5000 px
/// for 1/4 wave (8 samples -> 12 pixels), 1.883 for 1 wave, 3.823 for 1 wave (12 -> 24 half-size
/// pixels); 1e-3 px.
[[nodiscard]] Checks known_centres();

/// Variances of the centre of gravity over n x n pixels under photon noise, read noise and
/// background, alone and together, beside sigma_spot^2 / N, sigma^2 n^2 (n^2 - 1) / (12 N^2) and
/// b n^2 (n^2 - 1) / (12 N^2); sigma_spot is the noise-free spot's, pixels included.
[[nodiscard]] Checks centroid_noise(Sampling sampling);

}  // namespace daohil::simulators::validation
