#pragma once

#include <array>
#include <cstdint>

#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators::detail {

// Philox4x32-10 of Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC11 (2011), doi:10.1145/2063384.2063405: a bijection of 128-bit counters for every 64-bit key
// that passes TestU01's BigCrush. Multipliers and key increments are those of its section 4.3.
inline constexpr std::uint32_t kPhiloxMultiplier[2] = {0xD2511F53U, 0xCD9E8D57U};
inline constexpr std::uint32_t kPhiloxKeyStep[2] = {0x9E3779B9U, 0xBB67AE85U};
inline constexpr int kPhiloxRounds = 10;

struct PhiloxKey {
  std::uint32_t word[2];
};

/// One counter.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> x,
                                                            PhiloxKey key) noexcept {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t a = std::uint64_t{kPhiloxMultiplier[0]} * x[0];
    const std::uint64_t b = std::uint64_t{kPhiloxMultiplier[1]} * x[2];
    x = {static_cast<std::uint32_t>(b >> 32) ^ x[1] ^ key.word[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ x[3] ^ key.word[1], static_cast<std::uint32_t>(a)};
    key.word[0] += kPhiloxKeyStep[0];
    key.word[1] += kPhiloxKeyStep[1];
  }
  return x;
}

/// Counters, or what they become, one a lane.
template <class Words>
struct PhiloxBlock {
  Words word[4];
};

template <class Words>
DAO_HIL_INLINE Words high_product(const Words& a, std::uint32_t b) {
  Words high;
  for (std::size_t i = 0; i < kLanesOf<Words>; ++i)  // GCC knows this loop as a vector instruction
    high[i] = static_cast<std::uint32_t>((std::uint64_t{a[i]} * b) >> 32);
  return high;
}

template <class Words>
DAO_HIL_INLINE PhiloxBlock<Words> philox(const PhiloxBlock<Words>& counter, PhiloxKey key) {
  Words x0 = counter.word[0], x1 = counter.word[1], x2 = counter.word[2], x3 = counter.word[3];
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const Words a_high = high_product(x0, kPhiloxMultiplier[0]);
    const Words b_high = high_product(x2, kPhiloxMultiplier[1]);
    const Words a_low = x0 * kPhiloxMultiplier[0];
    const Words b_low = x2 * kPhiloxMultiplier[1];
    x0 = b_high ^ x1 ^ key.word[0];
    x1 = b_low;
    x2 = a_high ^ x3 ^ key.word[1];
    x3 = a_low;
    key.word[0] += kPhiloxKeyStep[0];
    key.word[1] += kPhiloxKeyStep[1];
  }
  return {{x0, x1, x2, x3}};
}

/// Counters first, first + 1, ... of what `Random` calls (frame, part of a stream).
template <class Words>
DAO_HIL_INLINE PhiloxBlock<Words> philox_run(PhiloxKey key, std::uint32_t first,
                                             std::uint32_t stream, std::uint64_t frame) {
  PhiloxBlock<Words> counter{};
  counter.word[0] = rising<Words>() + first;
  counter.word[1] += stream;
  counter.word[2] += static_cast<std::uint32_t>(frame);
  counter.word[3] += static_cast<std::uint32_t>(frame >> 32);
  return philox(counter, key);
}

/// 32 random bits as a number in (0, 1]: 2^-32 at least, rounded to float, equally spaced.
template <class Words>
DAO_HIL_INLINE FloatsLike<Words> unit_interval(const Words& random) {
  return to_floats(bits<IntsLike<Words>>(random >> 1)) * 0x1p-31F + 0x1p-32F;
}

template <class Floats>
struct NormalPair {
  Floats first;
  Floats second;
};

/// Two independent standard normal numbers from two words (Box & Muller 1958, Ann. Math. Stat. 29,
/// 610); |z| <= 6.66, beyond which lie 3e-11 of a normal distribution.
template <class Words>
DAO_HIL_INLINE NormalPair<FloatsLike<Words>> normal_pair(const Words& radius, const Words& angle) {
  using Floats = FloatsLike<Words>;
  const Floats r = sqrt(max(-2.0F * log(unit_interval(radius)), Floats{}));
  const auto [s, c] = sincos_turns(angle);
  return {r * c, r * s};
}

}  // namespace daohil::simulators::detail
