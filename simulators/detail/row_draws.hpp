#pragma once

#include <cstddef>
#include <cstdint>

#include "simulators/detail/philox.hpp"
#include "simulators/detail/xoshiro.hpp"

namespace daohil::simulators::detail {

/// Kernels work on this many pixels of a row at most, a multiple of 32, so that what they put aside
/// fits the first-level cache beside the pixels.
inline constexpr std::size_t kStretch = 512;

/// Random words, one a pixel. n is a multiple of 16.
template <class Words>
DAO_HIL_INLINE void draw_words(RowState& state, std::uint32_t* words, std::size_t n) {
  for (std::size_t lane = 0; lane < kLanes; lane += kLanesOf<Words>) {
    auto random = Xoshiro<Words>::of(state, lane);
    for (std::size_t i = lane; i < n; i += kLanes) store(random.next(), words + i);
    random.put_back(state, lane);
  }
}

/// Standard normal numbers, one a pixel: words first, numbers then, because a processor finds more
/// to do at once in two short loops than in a long one. n is a multiple of 16 up to kStretch.
template <class Words>
DAO_HIL_INLINE void draw_normals(RowState& state, float* normals, std::size_t n) {
  alignas(64) std::uint32_t words[kStretch];
  const std::size_t pairs = (n + 2 * kLanes - 1) / (2 * kLanes) * (2 * kLanes);
  draw_words<Words>(state, words, pairs);
  for (std::size_t i = 0; i < pairs; i += 2 * kLanes)
    for (std::size_t at = i; at < i + kLanes; at += kLanesOf<Words>) {
      const auto normal = normal_pair(load<Words>(words + at), load<Words>(words + at + kLanes));
      store(normal.first, normals + at);
      store(normal.second, normals + at + kLanes);
    }
}

}  // namespace daohil::simulators::detail
