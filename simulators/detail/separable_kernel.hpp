#pragma once

#include <cstddef>

#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators::detail {

/// lines[j][x] = sum over columns i of heights[j][i] across[i][x]; `stride` floats a row, a
/// multiple of 16.
template <std::size_t lanes>
struct ExpandRows {
  using Floats = typename Lanes<lanes>::Floats;

  DAO_HIL_INLINE static void run(const float* across, std::size_t stride, const float* heights,
                                 std::size_t grid, float* lines) {
    for (std::size_t j = 0; j < grid; ++j)
      for (std::size_t x = 0; x < stride; x += lanes) {
        Floats sum{};
        for (std::size_t i = 0; i < grid; ++i)
          sum += heights[j * grid + i] * load<Floats>(across + i * stride + x);
        store<Floats>(sum, lines + j * stride + x);
      }
  }
};

/// out[y][x] += sum over rows j in [first[y], last[y]) of down[y][j] lines[j][x].
/// `lines` has `stride` floats a row, a multiple of 16 and at least side.
template <std::size_t lanes>
struct CombineLines {
  using Floats = typename Lanes<lanes>::Floats;

  DAO_HIL_INLINE static void run(const float* lines, std::size_t stride, const float* down,
                                 const std::size_t* first, const std::size_t* last,
                                 std::size_t grid, float* out, std::size_t side) {
    constexpr std::size_t kBlock = 4 * lanes;
    for (std::size_t y = 0; y < side; ++y) {
      const float* const weights = down + y * grid;
      float* const row = out + y * side;
      std::size_t x = 0;
      for (; x + kBlock <= side; x += kBlock) {
        Floats a{}, b{}, c{}, d{};
        for (std::size_t j = first[y]; j < last[y]; ++j) {
          const float* const line = lines + j * stride + x;
          a += weights[j] * load<Floats>(line);
          b += weights[j] * load<Floats>(line + lanes);
          c += weights[j] * load<Floats>(line + 2 * lanes);
          d += weights[j] * load<Floats>(line + 3 * lanes);
        }
        store<Floats>(load<Floats>(row + x) + a, row + x);
        store<Floats>(load<Floats>(row + x + lanes) + b, row + x + lanes);
        store<Floats>(load<Floats>(row + x + 2 * lanes) + c, row + x + 2 * lanes);
        store<Floats>(load<Floats>(row + x + 3 * lanes) + d, row + x + 3 * lanes);
      }
      for (; x < side; x += lanes) {
        Floats sum{};
        for (std::size_t j = first[y]; j < last[y]; ++j)
          sum += weights[j] * load<Floats>(lines + j * stride + x);
        float tail[lanes];
        store<Floats>(sum, tail);
        for (std::size_t i = 0; i < lanes && x + i < side; ++i) row[x + i] += tail[i];
      }
    }
  }
};

}  // namespace daohil::simulators::detail
