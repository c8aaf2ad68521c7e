#pragma once

#include <cstddef>
#include <cstring>

#include "simulators/detail/dispatch.hpp"

namespace daohil::simulators::detail {

using Four = float __attribute__((vector_size(16)));

/// Four rows of four become four columns of four.
DAO_HIL_INLINE void transpose_4x4(Four& a, Four& b, Four& c, Four& d) {
  const Four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

DAO_HIL_INLINE Four load_four(const float* from) {
  Four x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

DAO_HIL_INLINE void store_four(const Four& x, float* to) { std::memcpy(to, &x, sizeof x); }

/// to[i][lane] = lane_at[lane][i] for four lanes of `n` values; rows of `to` are `lanes` apart.
DAO_HIL_INLINE void gather_four(const float* const* lane_at, std::size_t n, std::size_t lanes,
                                float* to) {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    Four a = load_four(lane_at[0] + i);
    Four b = load_four(lane_at[1] + i);
    Four c = load_four(lane_at[2] + i);
    Four d = load_four(lane_at[3] + i);
    transpose_4x4(a, b, c, d);
    store_four(a, to + i * lanes);
    store_four(b, to + (i + 1) * lanes);
    store_four(c, to + (i + 2) * lanes);
    store_four(d, to + (i + 3) * lanes);
  }
  for (; i < n; ++i)
    for (std::size_t lane = 0; lane < 4; ++lane) to[i * lanes + lane] = lane_at[lane][i];
}

/// lane_at[lane][i] = from[i][lane] + offset, the other way round.
DAO_HIL_INLINE void scatter_four(const float* from, std::size_t n, std::size_t lanes, float offset,
                                 float* const* lane_at) {
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    Four a = load_four(from + i * lanes);
    Four b = load_four(from + (i + 1) * lanes);
    Four c = load_four(from + (i + 2) * lanes);
    Four d = load_four(from + (i + 3) * lanes);
    transpose_4x4(a, b, c, d);
    store_four(a + offset, lane_at[0] + i);
    store_four(b + offset, lane_at[1] + i);
    store_four(c + offset, lane_at[2] + i);
    store_four(d + offset, lane_at[3] + i);
  }
  for (; i < n; ++i)
    for (std::size_t lane = 0; lane < 4; ++lane) lane_at[lane][i] = from[i * lanes + lane] + offset;
}

}  // namespace daohil::simulators::detail
