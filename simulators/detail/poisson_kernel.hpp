#pragma once

#include <cstddef>
#include <cstdint>

#include "simulators/detail/philox.hpp"
#include "simulators/detail/poisson_tables.hpp"
#include "simulators/detail/xoshiro.hpp"

namespace daohil::simulators::detail {

/// The tables of poisson_tables.hpp as a kernel takes them.
struct PoissonRungs {
  const std::uint32_t* rung[kPoissonRungs];
};

/// Draw from the rung's table that starts at `digit` tables from the first.
template <std::size_t rung, class Ints, class Words = WordsLike<Ints>>
DAO_HIL_INLINE Ints from_table(const std::uint32_t* tables, const Ints& digit,
                               const Words& random) {
  constexpr int kBits = outcome_bits(rung);
  constexpr std::uint32_t kColumns = 1U << kBits;
  const Words column = random >> (32 - kBits);
  const Words place = (bits<Words>(digit) << kBits) + column;
  Words entry;
  for (std::size_t i = 0; i < kLanesOf<Words>; ++i) entry[i] = tables[place[i]];
  const auto threshold = bits<Ints>(entry >> kBits);
  const auto within = bits<Ints>(random & ((1U << (32 - kBits)) - 1));
  return within < threshold ? bits<Ints>(column) : bits<Ints>(entry & (kColumns - 1));
}

// Poisson numbers of means r below 1/16 by inversion from the tail, where a random number that is
// small is also fine: P(X >= j) = sum over i of (-1)^i r^(j + i) / ((j - 1)! i! (j + i)), cut below
// 2e-7 of the first term or 1e-10. P(X >= 6) < 8e-11 is left out.

/// 1 with the probability P(X >= 1), else 0, as a comparison gives it: negative.
template <class Floats>
DAO_HIL_INLINE IntsLike<Floats> first_event(const Floats& r, const Floats& u) {
  return u < r * (1.0F - r * (1.0F / 2 - r * (1.0F / 6 - r * (1.0F / 24))));
}

/// How many more, negative; none unless u < r^2 / 2, which is above P(X >= 2).
template <class Floats>
DAO_HIL_INLINE IntsLike<Floats> more_events(const Floats& r, const Floats& u) {
  const Floats r2 = r * r;
  const Floats tail2 = r2 * (1.0F / 2 - r * (1.0F / 3 - r * (1.0F / 8 - r * (1.0F / 30))));
  const Floats tail3 = r2 * r * (1.0F / 6 - r * (1.0F / 8 - r * (1.0F / 20)));
  const Floats tail4 = r2 * r2 * (1.0F / 24 - r * (1.0F / 30));
  const Floats tail5 = r2 * r2 * r * (1.0F / 120);
  return (u < tail2) + (u < tail3) + (u < tail4) + (u < tail5);
}

template <std::size_t rung, class Ints, class Generator>
DAO_HIL_INLINE void add_rung(const PoissonRungs& tables, const Ints& sixteenths, Generator& random,
                             Ints& count) {
  const Ints digit = (sixteenths >> (4 + 4 * static_cast<int>(rung))) & 15;
  const Ints drawn = digit > 0;
  if (!any(drawn)) return;
  constexpr std::int32_t kStep = 1 << (4 * rung);
  constexpr std::int32_t kHalf = 1 << (outcome_bits(rung) - 1);
  const Ints beyond_half = digit * kStep - kHalf;
  const Ints first = beyond_half > 0 ? beyond_half : Ints{};
  const Ints outcome = from_table<rung>(tables.rung[rung], digit, random.next_where(drawn));
  count += drawn ? first + outcome : Ints{};
}

template <class Floats, class Generator>
DAO_HIL_INLINE Floats poisson_numbers(const PoissonRungs& tables, const Floats& means,
                                      Generator& random) {
  using Ints = IntsLike<Floats>;
  constexpr float kBelowLargest = kLargestMean - 0.0625F;
  // NaN is not above 0.
  const Floats mean = min(max(means, Floats{}), all<Floats>(kBelowLargest));
  const Ints sixteenths = to_ints(mean * 16.0F);
  const Floats rest = mean - to_floats(sixteenths) * 0.0625F;
  Ints count = from_table<0>(tables.rung[0], Ints(sixteenths & 255), random.next());
  const Floats u = unit_interval(random.next());
  count -= first_event(rest, u);
  // Neither is frequent in faint light: one look for both.
  if (any(Ints((sixteenths > 255) | (u < 0.5F * rest * rest)))) {
    count -= more_events(rest, u);
    add_rung<1>(tables, sixteenths, random, count);
    if (any(Ints(sixteenths > 4095))) {
      add_rung<2>(tables, sixteenths, random, count);
      add_rung<3>(tables, sixteenths, random, count);
      add_rung<4>(tables, sixteenths, random, count);
    }
  }
  return to_floats(count);
}

/// Means become Poisson numbers, in place. n is a multiple of 16.
template <std::size_t lanes>
struct Poisson {
  using Floats = typename Lanes<lanes>::Floats;
  using Words = typename Lanes<lanes>::Words;

  DAO_HIL_INLINE static void run(RowState* state, PoissonRungs tables, float* pixels,
                                 std::size_t n) {
    for (std::size_t lane = 0; lane < kLanes; lane += lanes) {
      auto random = Xoshiro<Words>::of(*state, lane);
      for (std::size_t i = lane; i < n; i += kLanes)
        store(poisson_numbers(tables, load<Floats>(pixels + i), random), pixels + i);
      random.put_back(*state, lane);
    }
  }
};

}  // namespace daohil::simulators::detail
