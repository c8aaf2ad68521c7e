#pragma once

#include <cstddef>
#include <span>

#include "simulators/phase.hpp"
#include "simulators/pupil.hpp"

namespace daohil::simulators {

/// What a perfect wavefront sensor would say of a wavefront, to judge a real one by. Pure
/// functions, safe from any thread, without allocation.

/// Of a subaperture: a gradient of the OPD [m / m], which is the angle [rad on the sky] by which
/// its spot moves; divided by the pixel scale, in pixels.
struct Slope {
  double x = 0;
  double y = 0;
};

[[nodiscard]] constexpr Slope in_pixels(const Slope& slope, double pixel_scale) {
  return {slope.x / pixel_scale, slope.y / pixel_scale};
}

/// The mean gradient of every subaperture, weighted by the light: by the moment theorem the
/// centroid of a spot that is cut off nowhere [e.g. Tyler 1994 JOSA A 11, 358, section 2]. From the
/// differences of neighbouring lit samples; 0 along an axis that has none.
///
/// What a perfect sensor would measure; the other truth is `opd_rms` (pupil.hpp). Pure, without
/// allocation.
///
/// @param lenslets along x and along y; a divisor of the pupil's side
/// @param slopes one for each of `subapertures`, all of them written
/// @throws std::invalid_argument sizes that do not belong together
void true_slopes(const Wavefront& wavefront, const Pupil& pupil, std::size_t lenslets,
                 std::span<const Subaperture> subapertures, std::span<Slope> slopes);

}  // namespace daohil::simulators
