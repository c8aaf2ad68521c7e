#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators::detail {

inline constexpr std::size_t kTaps = 6;

/// What a row that ShiftPatch reads must have beyond its last needed coefficient.
inline constexpr std::size_t kSlack = 2 * kLanes;

using Weights = std::array<float, kTaps>;

/// out[y][x] += sum over j, i of wy[j] wx[i] in[y + j][x + i]: a patch of a spline at one fractional
/// position, columns first, then rows.
struct ShiftPatch {
  static constexpr std::size_t kStrip = 512;

  DAO_HIL_INLINE static Floats weighted(const float* in, std::size_t step, const Weights& weights) {
    Floats sum = weights[0] * load(in);
    for (std::size_t j = 1; j < kTaps; ++j) sum += weights[j] * load(in + j * step);
    return sum;
  }

  DAO_HIL_INLINE static void add_lanes(const Floats& sum, float* out, std::size_t lanes) {
    if (lanes >= kLanes) return store(load(out) + sum, out);
    std::array<float, kLanes> last;
    store(sum, last.data());
    for (std::size_t i = 0; i < lanes; ++i) out[i] += last[i];
  }

  DAO_HIL_INLINE static void run(const float* in, std::size_t stride, Weights wx, Weights wy,
                                 float* out, std::size_t side) {
    std::array<float, kStrip + kSlack> row;
    for (std::size_t from = 0; from < side; from += kStrip) {
      const std::size_t columns = std::min(kStrip, side - from);
      for (std::size_t y = 0; y < side; ++y) {
        const float* const rows = in + y * stride + from;
        for (std::size_t x = 0; x < columns + kTaps - 1; x += kLanes)
          store(weighted(rows + x, stride, wy), row.data() + x);
        for (std::size_t x = 0; x < columns; x += kLanes)
          add_lanes(weighted(row.data() + x, 1, wx), out + y * side + from + x, columns - x);
      }
    }
  }
};

}  // namespace daohil::simulators::detail
