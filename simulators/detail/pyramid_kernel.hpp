#pragma once

#include <array>
#include <cstddef>
#include <cstring>

#include "simulators/detail/complex_field.hpp"
#include "simulators/detail/lane_fft.hpp"
#include "simulators/detail/transpose.hpp"

/// The three steps of a pyramid, each a batch of one-dimensional transforms in lanes:
/// pupil -> focal plane; focal plane -> light after the facets' x factor; -> images.
namespace daohil::simulators::detail {

struct PyramidOptics {
  const FftPlan* plan;
  std::size_t side;          ///< samples of the pupil along y, and along x
  std::size_t padded_side;   ///< the same, up to a multiple of kLanes
  std::size_t size;          ///< samples of the transform
  std::size_t padded_size;   ///< the same, up to a multiple of kLanes
  std::size_t stride;        ///< between the rows of the focal plane
  std::size_t first_sample;  ///< where the pupil begins in the transform
  std::size_t columns;       ///< of the image that are computed
  std::size_t padded_columns;
  std::size_t rows;  ///< of the image that are computed: as many as columns, at the same places
  const std::size_t* places;  ///< of these in the transform, ascending
};

struct ConstLaneArray {
  const float* re;
  const float* im;
};

/// Buffers of a thread: for one batch of transforms, and for the field between two of them.
struct PyramidBuffers {
  LaneArray batch;
  LaneArray other;
  LaneArray field;
};

/// A complex factor for every sample of the focal plane along one axis: a facet's slope.
struct FacetFactors {
  const float* re;
  const float* im;
};

/// Rows of `from`, [i][lane], of one block of lanes become columns of `to`: to[lane][i].
template <std::size_t lanes>
DAO_HIL_INLINE void scatter_lanes(const float* from, std::size_t n, float* to, std::size_t stride) {
  for (std::size_t lane = 0; lane < lanes; lane += 4) {
    const std::array<float*, 4> rows{to + lane * stride, to + (lane + 1) * stride,
                                     to + (lane + 2) * stride, to + (lane + 3) * stride};
    scatter_four(from + lane, n, lanes, 0.0F, rows.data());
  }
}

/// The wavefront [m] -> the field in the pupil, `n` samples of each.
template <std::size_t lanes>
struct PupilField {
  DAO_HIL_INLINE static void run(float radians_per_metre, const float* statics,
                                 const float* amplitude, float most_phase, float scale,
                                 std::size_t n, float* opd_to_phase, float* re, float* im,
                                 bool* fine) {
    using Vector = typename Lanes<lanes>::Floats;
    *fine = phases<Vector>(radians_per_metre, statics, amplitude, most_phase, n, opd_to_phase);
    complex_field<Vector>(opd_to_phase, amplitude, scale, n, re, im);
  }
};

/// The field in the pupil, [y][x] -> along y -> [x][frequency y].
template <std::size_t lanes>
struct PupilColumns {
  DAO_HIL_INLINE static void run(const PyramidOptics* optics_at, const PyramidBuffers* buffers_at,
                                 const float* re, const float* im) {
    using Vector = typename Lanes<lanes>::Floats;
    const PyramidOptics optics = *optics_at;
    const PyramidBuffers buffers = *buffers_at;
    for (std::size_t x = 0; x < optics.padded_side; x += lanes) {
      std::memset(buffers.batch.re, 0, optics.size * lanes * sizeof(float));
      std::memset(buffers.batch.im, 0, optics.size * lanes * sizeof(float));
      for (std::size_t y = 0; y < optics.side; ++y) {
        const std::size_t to = (optics.first_sample + y) * lanes;
        store(load<Vector>(re + y * optics.padded_side + x), buffers.batch.re + to);
        store(load<Vector>(im + y * optics.padded_side + x), buffers.batch.im + to);
      }
      const LaneArray done = run_fft<Vector>(*optics.plan, buffers.batch, buffers.other);
      const std::size_t to = x * optics.stride;
      scatter_lanes<lanes>(done.re, optics.size, buffers.field.re + to, optics.stride);
      scatter_lanes<lanes>(done.im, optics.size, buffers.field.im + to, optics.stride);
    }
  }
};

/// [x][frequency y] -> along x -> the focal plane, [frequency x][frequency y].
template <std::size_t lanes>
struct PupilRows {
  DAO_HIL_INLINE static void run(const PyramidOptics* optics_at, const PyramidBuffers* buffers_at,
                                 float* focus_re, float* focus_im) {
    using Vector = typename Lanes<lanes>::Floats;
    const PyramidOptics optics = *optics_at;
    const PyramidBuffers buffers = *buffers_at;
    for (std::size_t l = 0; l < optics.padded_size; l += lanes) {
      std::memset(buffers.batch.re, 0, optics.size * lanes * sizeof(float));
      std::memset(buffers.batch.im, 0, optics.size * lanes * sizeof(float));
      for (std::size_t x = 0; x < optics.side; ++x) {
        const std::size_t from = x * optics.stride + l;
        const std::size_t to = (optics.first_sample + x) * lanes;
        store(load<Vector>(buffers.field.re + from), buffers.batch.re + to);
        store(load<Vector>(buffers.field.im + from), buffers.batch.im + to);
      }
      const LaneArray done = run_fft<Vector>(*optics.plan, buffers.batch, buffers.other);
      for (std::size_t k = 0; k < optics.size; ++k) {
        const std::size_t to = k * optics.stride + l;
        store(load<Vector>(done.re + k * lanes), focus_re + to);
        store(load<Vector>(done.im + k * lanes), focus_im + to);
      }
    }
  }
};

/// A block of lanes of `from`, [i][stride], times the factor of i.
template <class Vector>
DAO_HIL_INLINE void multiply(ConstLaneArray from, std::size_t stride, FacetFactors factors,
                             std::size_t n, LaneArray to) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto re = load<Vector>(from.re + i * stride);
    const auto im = load<Vector>(from.im + i * stride);
    const std::size_t at = i * kLanesOf<Vector>;
    store(re * factors.re[i] - im * factors.im[i], to.re + at);
    store(re * factors.im[i] + im * factors.re[i], to.im + at);
  }
}

/// The transform back is the one forward with re and im exchanged.
DAO_HIL_INLINE LaneArray exchanged(LaneArray a) { return {a.im, a.re}; }

/// Focal plane times the facets' factors along x, back to x: [frequency y][column].
template <std::size_t lanes>
struct FacetsAlongX {
  DAO_HIL_INLINE static void run(const PyramidOptics* optics_at, const PyramidBuffers* buffers_at,
                                 ConstLaneArray focus, FacetFactors factors) {
    using Vector = typename Lanes<lanes>::Floats;
    const PyramidOptics optics = *optics_at;
    const PyramidBuffers buffers = *buffers_at;
    for (std::size_t l = 0; l < optics.padded_size; l += lanes) {
      multiply<Vector>({focus.re + l, focus.im + l}, optics.stride, factors, optics.size,
                       buffers.batch);
      const LaneArray done = exchanged(
          run_fft<Vector>(*optics.plan, exchanged(buffers.batch), exchanged(buffers.other)));
      const LaneArray packed = done.re == buffers.batch.re ? buffers.other : buffers.batch;
      for (std::size_t j = 0; j < optics.columns; ++j) {
        store(load<Vector>(done.re + optics.places[j] * lanes), packed.re + j * lanes);
        store(load<Vector>(done.im + optics.places[j] * lanes), packed.im + j * lanes);
      }
      const std::size_t to = l * optics.padded_columns;
      scatter_lanes<lanes>(packed.re, optics.columns, buffers.field.re + to, optics.padded_columns);
      scatter_lanes<lanes>(packed.im, optics.columns, buffers.field.im + to, optics.padded_columns);
    }
  }
};

/// The field of `FacetsAlongX` times the factors along y, back to y; its light is added to the
/// image, [row][column].
template <std::size_t lanes>
struct FacetsAlongY {
  DAO_HIL_INLINE static void run(const PyramidOptics* optics_at, const PyramidBuffers* buffers_at,
                                 FacetFactors factors, float* image) {
    using Vector = typename Lanes<lanes>::Floats;
    const PyramidOptics optics = *optics_at;
    const PyramidBuffers buffers = *buffers_at;
    for (std::size_t j = 0; j < optics.padded_columns; j += lanes) {
      multiply<Vector>({buffers.field.re + j, buffers.field.im + j}, optics.padded_columns, factors,
                       optics.size, buffers.batch);
      const LaneArray done = exchanged(
          run_fft<Vector>(*optics.plan, exchanged(buffers.batch), exchanged(buffers.other)));
      for (std::size_t i = 0; i < optics.rows; ++i) {
        const auto re = load<Vector>(done.re + optics.places[i] * lanes);
        const auto im = load<Vector>(done.im + optics.places[i] * lanes);
        float* to = image + i * optics.padded_columns + j;
        store(load<Vector>(to) + (re * re + im * im), to);
      }
    }
  }
};

}  // namespace daohil::simulators::detail
