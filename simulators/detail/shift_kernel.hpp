#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "simulators/detail/dispatch.hpp"

#pragma GCC diagnostic ignored "-Wpsabi"

namespace daohil::simulators::detail {

inline constexpr std::size_t kTaps = 6;

/// What a row that ShiftPatch reads must have beyond its last needed coefficient.
inline constexpr std::size_t kSlack = 16;

using Weights = std::array<float, kTaps>;

/// out[y][x] += sum over j, i of wy[j] wx[i] in[y + j][x + i]: a patch of a spline at one
/// fractional position, columns first, then rows.
///
/// Eight lanes and not sixteen: with AVX2 and two registers a vector, the compiler moves the sums
/// through memory and takes half as long again.
struct ShiftPatch {
  using Eight = float __attribute__((vector_size(32)));
  static constexpr std::size_t kWidth = 8;
  static constexpr std::size_t kStrip = 512;

  DAO_HIL_INLINE static Eight load(const float* from) {
    Eight x;
    std::memcpy(&x, from, sizeof x);
    return x;
  }

  DAO_HIL_INLINE static void store(const Eight& x, float* to) { std::memcpy(to, &x, sizeof x); }

  DAO_HIL_INLINE static Eight weighted(const float* in, std::size_t step, const Weights& w) {
    static_assert(kTaps == 6);
    return ((((w[0] * load(in) + w[1] * load(in + step)) + w[2] * load(in + 2 * step)) +
             w[3] * load(in + 3 * step)) +
            w[4] * load(in + 4 * step)) +
           w[5] * load(in + 5 * step);
  }

  DAO_HIL_INLINE static void add_row(const float* in, const Weights& wx, float* out,
                                     std::size_t columns) {
    std::size_t x = 0;
    for (; x + kWidth <= columns; x += kWidth)
      store(load(out + x) + weighted(in + x, 1, wx), out + x);
    if (x == columns) return;
    std::array<float, kWidth> last;
    store(weighted(in + x, 1, wx), last.data());
    for (std::size_t i = 0; x + i < columns; ++i) out[x + i] += last[i];
  }

  DAO_HIL_INLINE static void run(const float* in, std::size_t stride, Weights wx, Weights wy,
                                 float* out, std::size_t side) {
    std::array<float, kStrip + kTaps + kSlack> row;
    for (std::size_t from = 0; from < side; from += kStrip) {
      const std::size_t columns = std::min(kStrip, side - from);
      const std::size_t needed = (columns + kWidth - 1) / kWidth * kWidth + kTaps - 1;
      for (std::size_t y = 0; y < side; ++y) {
        const float* const rows = in + y * stride + from;
        // All that add_row reads, the unused lanes of its last vector too.
        for (std::size_t x = 0; x < needed; x += kWidth)
          store(weighted(rows + x, stride, wy), row.data() + x);
        add_row(row.data(), wx, out + y * side + from, columns);
      }
    }
  }
};

}  // namespace daohil::simulators::detail
