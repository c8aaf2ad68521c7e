#pragma once

#include <array>
#include <cstdint>

#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators::detail {

/// The generators of one row of pixels: xoshiro128++ (Blackman & Vigna 2021, ACM TOMS 47, 36) in 16
/// lanes, pixel c being served by lane c % 16 and by nothing else.
///
/// Why not Philox alone: it costs 3 ns a word with AVX2, and a pixel takes three or four words of
/// the 3 ns that it may cost in all; xoshiro costs 0.3 ns. Philox makes the 128 bits that each row
/// starts from, so rows stay independent of each other, of the order they are computed in and of
/// the thread.
/// Word i of lane l is at [16 i + l].
using RowState = std::array<std::uint32_t, 4 * kLanes>;

/// The finaliser of MurmurHash3 (A. Appleby, public domain): a bijection that spreads every bit.
template <class Words>
DAO_HIL_INLINE Words spread(const Words& number) {
  Words x = (number ^ (number >> 16)) * 0x85EBCA6BU;
  x = (x ^ (x >> 13)) * 0xC2B2AE35U;
  return x ^ (x >> 16);
}

/// Numbers of lanes or pixels, set far apart.
template <class Words>
DAO_HIL_INLINE Words apart(const Words& number) {
  return (number + 1U) * 0x9E3779B9U;
}

/// Some lanes of it, in registers.
template <class Words>
struct Xoshiro {
  Words s0, s1, s2, s3;

  DAO_HIL_INLINE static Xoshiro of(const RowState& state, std::size_t lane) {
    return {load<Words>(state.data() + 0 * kLanes + lane),
            load<Words>(state.data() + 1 * kLanes + lane),
            load<Words>(state.data() + 2 * kLanes + lane),
            load<Words>(state.data() + 3 * kLanes + lane)};
  }

  DAO_HIL_INLINE void put_back(RowState& state, std::size_t lane) const {
    store(s0, state.data() + 0 * kLanes + lane);
    store(s1, state.data() + 1 * kLanes + lane);
    store(s2, state.data() + 2 * kLanes + lane);
    store(s3, state.data() + 3 * kLanes + lane);
  }

  DAO_HIL_INLINE static Words rotated(const Words& x, int by) {
    return (x << by) | (x >> (32 - by));
  }

  DAO_HIL_INLINE Words next() {
    const Words result = rotated(s0 + s3, 7) + s0;
    const Words t = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotated(s3, 11);
    return result;
  }

  /// Lanes outside the mask stay where they are: what a lane draws depends on its own pixels only,
  /// or the result would depend on how many lanes a register has.
  DAO_HIL_INLINE Words next_where(const IntsLike<Words>& mask) {
    const Xoshiro before = *this;
    const Words result = next();
    s0 = mask ? s0 : before.s0;
    s1 = mask ? s1 : before.s1;
    s2 = mask ? s2 : before.s2;
    s3 = mask ? s3 : before.s3;
    return result;
  }
};

/// Words 0 to 3 of a lane are those of the row, made different for every lane by a bijection: no
/// two lanes of a row start equal, and two of different rows with probability 2^-128.
template <std::size_t lanes>
struct SeedRow {
  using Words = typename Lanes<lanes>::Words;

  DAO_HIL_INLINE static void run(RowState* state, std::uint32_t w0, std::uint32_t w1,
                                 std::uint32_t w2, std::uint32_t w3) {
    for (std::uint32_t lane = 0; lane < kLanes; lane += lanes) {
      const Words offset = apart<Words>(rising<Words>() + lane);
      Xoshiro<Words>{spread<Words>(offset + w0), spread<Words>(offset + w1),
                     spread<Words>(offset + w2), spread<Words>(offset + w3)}
          .put_back(*state, lane);
    }
  }
};

}  // namespace daohil::simulators::detail
