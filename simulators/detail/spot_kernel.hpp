#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simulators/detail/complex_field.hpp"
#include "simulators/detail/dispatch.hpp"
#include "simulators/detail/transpose.hpp"
#include "simulators/exposure.hpp"

/// From the wavefront over a lenslet to the light in its pixels: 16 lenslets at a time, one a lane.
///
/// The focal plane is a Fourier transform by matrix products (Soummer et al. 2007 Opt. Express 15,
/// 15935), so that any pixel scale is possible and only the pixels asked for are computed. Samples
/// and pixels lie symmetric about the optical axis: folding x -> +-x turns the complex matrix into
/// a cosine of the even part and a sine of the odd part, both real, for half of the pixels; the
/// other half has the sines' sign changed.
namespace daohil::simulators::detail {

/// Which lenslet is where, for 16 of them; a group that is not full repeats its last lenslet.
struct LensletGroup {
  std::array<std::uint32_t, kLanes> phase_at;  ///< first sample, in the wavefront
  std::array<std::uint32_t, kLanes> pixel_at;  ///< first pixel, in the frame
};

/// What all lenslets have in common, and where the intermediate results lie.
struct SpotOptics {
  std::size_t samples;  ///< P, of a lenslet's side
  std::size_t points;   ///< computed along a side of the window: pixels * oversampling
  std::size_t oversampling;
  std::size_t phase_stride;  ///< samples of a row of the wavefront
  std::size_t pixel_stride;  ///< pixels of a row of the frame
  float radians_per_metre;
  float background;
  const float* cosine;     ///< [point >= 0][sample >= 0], the flux scale in it
  const float* sine;       ///< the same
  const float* frequency;  ///< of a point in cycles a sample, ascending; null: samples are points
};

/// Buffers for one group, each [...][16], though `folded` and `lines` are used for the lanes of one
/// register at a time and packed.
struct SpotBuffers {
  float* phase;        ///< samples^2
  float* re;           ///< samples^2
  float* im;           ///< samples^2
  float* folded;       ///< 8 * half^2, half = (samples + 1) / 2
  float* lines;        ///< 8 * half
  float* envelope;     ///< 2 * points
  float* intensities;  ///< pixels^2
};

/// The wavefront over the group's lenslets [m], in lanes.
DAO_HIL_INLINE void gather_samples(const SpotOptics& optics, const LensletGroup& group,
                                   const float* opd, std::size_t samples, float* phase) {
  for (std::size_t lane = 0; lane < kLanes; lane += 4)
    for (std::size_t y = 0; y < samples; ++y) {
      std::array<const float*, 4> row;
      for (std::size_t i = 0; i < 4; ++i)
        row[i] = opd + group.phase_at[lane + i] + y * optics.phase_stride;
      gather_four(row.data(), samples, kLanes, phase + y * samples * kLanes + lane);
    }
}

/// The lenslet's mean phase step from sample to sample along x and y, in cycles, weighted by the
/// light on both sides of the step.
template <class Vector>
struct MeanSteps {
  Vector x{};
  Vector y{};
};
template <class Vector>
DAO_HIL_INLINE MeanSteps<Vector> mean_steps(const float* phase, const float* amplitude,
                                            std::size_t samples) {
  MeanSteps<Vector> sum;
  MeanSteps<Vector> weight;
  const std::size_t row = samples * kLanes;
  for (std::size_t y = 0; y < samples; ++y)
    for (std::size_t x = 0; x < samples; ++x) {
      const std::size_t at = y * row + x * kLanes;
      const auto here = load<Vector>(phase + at);
      const auto light = load<Vector>(amplitude + at);
      if (x + 1 < samples) {
        const Vector both = light * load<Vector>(amplitude + at + kLanes);
        sum.x += both * (load<Vector>(phase + at + kLanes) - here);
        weight.x += both;
      }
      if (y + 1 < samples) {
        const Vector both = light * load<Vector>(amplitude + at + row);
        sum.y += both * (load<Vector>(phase + at + row) - here);
        weight.y += both;
      }
    }
  constexpr float kCyclesPerRad = 0.159154943F;
  constexpr float kNoLight = 1e-20F;
  return {sum.x / (weight.x + kNoLight) * kCyclesPerRad,
          sum.y / (weight.y + kNoLight) * kCyclesPerRad};
}

/// sinc(f)^2, sinc f = sin(pi f) / (pi f): the light that a sample of the width of its pitch sends
/// into the direction f. By the series of sinc; nothing beyond the first zero.
template <class Vector>
DAO_HIL_INLINE Vector sinc_squared(const Vector& f) {
  constexpr float kPiSquared = 9.86960440F;
  const Vector square = f * f;
  const Vector one = 1.0F - Vector{};
  const Vector z = (square < one ? square : one) * kPiSquared;
  const Vector series =
      1.0F +
      z * (-1.0F / 6 +
           z * (1.0F / 120 + z * (-1.0F / 5040 +
                                  z * (1.0F / 362880 +
                                       z * (-1.0F / 39916800 +
                                            z * (1.60590438e-10F +
                                                 z * (-7.64716373e-13F + z * 2.81145725e-15F)))))));
  return series * series;
}

/// Both factors of the envelope for every point: along x, then along y.
template <class Vector>
DAO_HIL_INLINE void envelopes(const float* frequency, std::size_t points,
                              const MeanSteps<Vector>& steps, float* to) {
  for (std::size_t i = 0; i < points; ++i) {
    store(sinc_squared<Vector>(frequency[i] - steps.x), to + i * kLanes);
    store(sinc_squared<Vector>(frequency[i] - steps.y), to + (points + i) * kLanes);
  }
}

/// The four symmetries of the field in a quadrant, [y][x] of 8 vectors: even and odd along x for
/// even y (re, im, re, im), then the same for odd y. A sample on the axis is even.
template <class Vector>
DAO_HIL_INLINE void fold(const float* field, std::size_t samples, std::size_t part, float* folded) {
  const std::size_t half = (samples + 1) / 2;
  const std::size_t middle = samples - half;  // samples before the first that is >= 0
  for (std::size_t y = 0; y < half; ++y)
    for (std::size_t x = 0; x < half; ++x) {
      const bool x_on_axis = samples % 2 == 1 && x == 0;
      const bool y_on_axis = samples % 2 == 1 && y == 0;
      const float* row = field + (middle + y) * samples * kLanes;
      const float* mirrored = field + (half - 1 - y) * samples * kLanes;
      const std::size_t plus = (middle + x) * kLanes;
      const std::size_t minus = (half - 1 - x) * kLanes;
      const Vector none{};
      const Vector a = load<Vector>(row + plus);
      const Vector b = x_on_axis ? none : load<Vector>(row + minus);
      const Vector c = y_on_axis ? none : load<Vector>(mirrored + plus);
      const Vector d = x_on_axis || y_on_axis ? none : load<Vector>(mirrored + minus);
      float* to = folded + ((y * half + x) * 8 + part) * kLanesOf<Vector>;
      store((a + b) + (c + d), to);
      store((a - b) + (c - d), to + 2 * kLanesOf<Vector>);
      store((a + b) - (c + d), to + 4 * kLanesOf<Vector>);
      store((a - b) - (c - d), to + 6 * kLanesOf<Vector>);
    }
}

/// Sums of 4 columns of `data`, [i][stride] vectors: two with cosines, two with sines.
template <class Vector>
struct Sums {
  Vector cos_re{};
  Vector cos_im{};
  Vector sin_re{};
  Vector sin_im{};
};
template <class Vector>
DAO_HIL_INLINE Sums<Vector> products(const float* data, std::size_t stride, const float* cosine,
                                     const float* sine, std::size_t n) {
  Sums<Vector> sum;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < n; ++i) {
    const float* at = data + i * stride * kLanesOf<Vector>;
    sum.cos_re += load<Vector>(at) * cosine[i];
    sum.cos_im += load<Vector>(at + kLanesOf<Vector>) * cosine[i];
    sum.sin_re += load<Vector>(at + 2 * kLanesOf<Vector>) * sine[i];
    sum.sin_im += load<Vector>(at + 3 * kLanesOf<Vector>) * sine[i];
  }
  return sum;
}

/// The light of one point into its pixel.
template <class Vector>
DAO_HIL_INLINE void add_point(const SpotOptics& optics, const SpotBuffers& buffers,
                              std::size_t points, std::size_t oversampling, std::size_t row,
                              std::size_t column, const Vector& point) {
  Vector light = point;
  if (optics.frequency)
    light *= load<Vector>(buffers.envelope + column * kLanes) *
             load<Vector>(buffers.envelope + (points + row) * kLanes);
  const std::size_t pixels = points / oversampling;
  float* to = buffers.intensities + (row / oversampling * pixels + column / oversampling) * kLanes;
  store(load<Vector>(to) + light, to);
}

/// One column of the window, from its lines: [y >= 0][even re, even im, odd re, odd im].
template <class Vector>
DAO_HIL_INLINE void column_of_light(const SpotOptics& optics, const SpotBuffers& buffers,
                                    std::size_t points, std::size_t oversampling, std::size_t half,
                                    const float* lines, std::size_t column) {
  const std::size_t half_points = (points + 1) / 2;
  for (std::size_t v = 0; v < half_points; ++v) {
    const Sums<Vector> s =
        products<Vector>(lines, 4, optics.cosine + v * half, optics.sine + v * half, half);
    const Vector plus_re = s.cos_re + s.sin_im;
    const Vector plus_im = s.cos_im - s.sin_re;
    const Vector minus_re = s.cos_re - s.sin_im;
    const Vector minus_im = s.cos_im + s.sin_re;
    add_point<Vector>(optics, buffers, points, oversampling, points - half_points + v, column,
                      plus_re * plus_re + plus_im * plus_im);
    if (points % 2 == 0 || v > 0)
      add_point<Vector>(optics, buffers, points, oversampling, half_points - 1 - v, column,
                        minus_re * minus_re + minus_im * minus_im);
  }
}

/// The transform and its squared modulus, added to the intensities, for the lanes of one vector.
template <class Vector>
DAO_HIL_INLINE void add_light(const SpotOptics& optics, const SpotBuffers& buffers,
                              std::size_t samples, std::size_t points, std::size_t oversampling) {
  const std::size_t half = (samples + 1) / 2;
  const std::size_t half_points = (points + 1) / 2;
  fold<Vector>(buffers.re, samples, 0, buffers.folded);
  fold<Vector>(buffers.im, samples, 1, buffers.folded);
  float* plus = buffers.lines;
  float* minus = buffers.lines + 4 * half * kLanesOf<Vector>;
  for (std::size_t u = 0; u < half_points; ++u) {
    const float* cosine = optics.cosine + u * half;
    const float* sine = optics.sine + u * half;
    for (std::size_t y = 0; y < half; ++y)
      for (std::size_t odd = 0; odd < 2; ++odd) {
        const Sums<Vector> s = products<Vector>(
            buffers.folded + (y * half * 8 + 4 * odd) * kLanesOf<Vector>, 8, cosine, sine, half);
        const std::size_t at = (4 * y + 2 * odd) * kLanesOf<Vector>;
        store(s.cos_re + s.sin_im, plus + at);
        store(s.cos_im - s.sin_re, plus + at + kLanesOf<Vector>);
        store(s.cos_re - s.sin_im, minus + at);
        store(s.cos_im + s.sin_re, minus + at + kLanesOf<Vector>);
      }
    column_of_light<Vector>(optics, buffers, points, oversampling, half, plus,
                            points - half_points + u);
    if (points % 2 == 0 || u > 0)
      column_of_light<Vector>(optics, buffers, points, oversampling, half, minus,
                              half_points - 1 - u);
  }
}

/// Pixels of the lanes first .. last - 1 into the frame.
DAO_HIL_INLINE void scatter_pixels(const SpotOptics& optics, const LensletGroup& group,
                                   std::size_t pixels, std::size_t first, std::size_t last,
                                   const float* intensities, float* frame) {
  for (std::size_t lane = 0; lane < kLanes; lane += 4)
    for (std::size_t y = 0; y < pixels; ++y) {
      const float* from = intensities + y * pixels * kLanes + lane;
      const auto row = [&](std::size_t i) {
        return frame + group.pixel_at[i] + y * optics.pixel_stride;
      };
      if (lane >= first && lane + 4 <= last) {
        const std::array<float*, 4> rows{row(lane), row(lane + 1), row(lane + 2), row(lane + 3)};
        scatter_four(from, pixels, kLanes, optics.background, rows.data());
      } else {
        for (std::size_t i = lane < first ? first : lane; i < last && i < lane + 4; ++i)
          for (std::size_t x = 0; x < pixels; ++x)
            row(i)[x] = from[x * kLanes + i - lane] + optics.background;
      }
    }
}

/// One group of lenslets, all sub-exposures, for sizes known when it is compiled (0: any).
template <std::size_t Samples, std::size_t Points, std::size_t Oversampling>
struct SpotKernel {
  template <std::size_t lanes>
  struct OfLanes {
    DAO_HIL_INLINE static void run(const SpotOptics* optics_at, const SpotBuffers* buffers_at,
                                   const LensletGroup* group, const float* amplitude,
                                   const float* statics, const SubExposure* exposures,
                                   std::size_t count, std::size_t first, std::size_t last,
                                   float most_phase, float* frame, bool* fine) {
      using Vector = typename Lanes<lanes>::Floats;
      const SpotOptics optics = *optics_at;
      const SpotBuffers buffers = *buffers_at;
      const std::size_t samples = Samples ? Samples : optics.samples;
      const std::size_t points = Points ? Points : optics.points;
      const std::size_t oversampling = Oversampling ? Oversampling : optics.oversampling;
      const std::size_t pixels = points / oversampling;
      std::memset(buffers.intensities, 0, pixels * pixels * kLanes * sizeof(float));
      for (std::size_t i = 0; i < count; ++i) {
        gather_samples(optics, *group, exposures[i].wavefront->opd().data(), samples,
                       buffers.phase);
        const std::size_t floats = samples * samples * kLanes;
        if (!phases<Vector>(optics.radians_per_metre, statics, amplitude, most_phase, floats,
                            buffers.phase))
          *fine = false;
        const auto scale = static_cast<float>(std::sqrt(exposures[i].part));
        complex_field<Vector>(buffers.phase, amplitude, scale, floats, buffers.re, buffers.im);
        for (std::size_t part = 0; part < kLanes; part += lanes) {
          const SpotBuffers of_part{buffers.phase + part,
                                    buffers.re + part,
                                    buffers.im + part,
                                    buffers.folded,
                                    buffers.lines,
                                    buffers.envelope + part,
                                    buffers.intensities + part};
          if (optics.frequency)
            envelopes<Vector>(optics.frequency, points,
                              mean_steps<Vector>(of_part.phase, amplitude + part, samples),
                              of_part.envelope);
          add_light<Vector>(optics, of_part, samples, points, oversampling);
        }
      }
      scatter_pixels(optics, *group, pixels, first, last, buffers.intensities, frame);
    }
  };
};

}  // namespace daohil::simulators::detail
