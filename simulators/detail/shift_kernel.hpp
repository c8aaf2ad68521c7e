#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators::detail {

inline constexpr std::size_t kTaps = 6;

/// What a row that ShiftPatch reads must have beyond its last needed coefficient: the unused lanes
/// of the widest vectors of both passes.
inline constexpr std::size_t kSlack = 32;

using Weights = std::array<float, kTaps>;

/// out[y][x] += sum over j, i of wy[j] wx[i] in[y + j][x + i]: a patch of a spline at one
/// fractional position, columns first, then rows.
template <std::size_t lanes>
struct ShiftPatch {
  using Floats = typename Lanes<lanes>::Floats;
  static constexpr std::size_t kStrip = 512;

  DAO_HIL_INLINE static Floats at(const float* from) { return load<Floats>(from); }

  DAO_HIL_INLINE static Floats weighted(const float* in, std::size_t step, const Weights& w) {
    static_assert(kTaps == 6);
    return ((((w[0] * at(in) + w[1] * at(in + step)) + w[2] * at(in + 2 * step)) +
             w[3] * at(in + 3 * step)) +
            w[4] * at(in + 4 * step)) +
           w[5] * at(in + 5 * step);
  }

  DAO_HIL_INLINE static void add_row(const float* in, const Weights& wx, float* out,
                                     std::size_t columns) {
    std::size_t x = 0;
    for (; x + lanes <= columns; x += lanes)
      store<Floats>(at(out + x) + weighted(in + x, 1, wx), out + x);
    if (x == columns) return;
    std::array<float, lanes> last;
    store<Floats>(weighted(in + x, 1, wx), last.data());
    for (std::size_t i = 0; x + i < columns; ++i) out[x + i] += last[i];
  }

  DAO_HIL_INLINE static void run(const float* in, std::size_t stride, Weights wx, Weights wy,
                                 float* out, std::size_t side) {
    std::array<float, kStrip + kTaps + kSlack> row;
    for (std::size_t from = 0; from < side; from += kStrip) {
      const std::size_t columns = std::min(kStrip, side - from);
      // All that add_row reads, the unused lanes of its last vector too.
      const std::size_t needed = (columns + lanes - 1) / lanes * lanes + kTaps - 1;
      for (std::size_t y = 0; y < side; ++y) {
        const float* const rows = in + y * stride + from;
        for (std::size_t x = 0; x < needed; x += lanes)
          store<Floats>(weighted(rows + x, stride, wy), row.data() + x);
        add_row(row.data(), wx, out + y * side + from, columns);
      }
    }
  }
};

}  // namespace daohil::simulators::detail
