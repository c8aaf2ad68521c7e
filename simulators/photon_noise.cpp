#include "simulators/photon_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "simulators/detail/philox.hpp"
#include "simulators/detail/poisson_tables.hpp"
#include "simulators/detail/xoshiro.hpp"

namespace daohil::simulators {
namespace {

using detail::kLanes;
using detail::RowState;
using detail::Xoshiro;

/// Two pixels a lane, because normal numbers come in pairs.
constexpr std::size_t kBlock = 2 * kLanes;

struct Tables {
  const std::uint32_t* rung[detail::kPoissonRungs];
};

Tables tables() {
  Tables result{};
  for (std::size_t rung = 0; rung < detail::kPoissonRungs; ++rung)
    result.rung[rung] = detail::poisson_tables().rung[rung].data();
  return result;
}

/// Draw from the rung's table that starts at `digit` tables from the first (poisson_tables.hpp).
template <std::size_t rung, class Ints, class Words = detail::WordsLike<Ints>>
DAO_HIL_INLINE Ints from_table(const std::uint32_t* tables, const Ints& digit,
                               const Words& random) {
  constexpr int kBits = detail::outcome_bits(rung);
  constexpr std::uint32_t kColumns = 1U << kBits;
  const Words column = random >> (32 - kBits);
  const Words place = (detail::bits<Words>(digit) << kBits) + column;
  Words entry;
  for (std::size_t i = 0; i < detail::kLanesOf<Words>; ++i) entry[i] = tables[place[i]];
  const auto threshold = detail::bits<Ints>(entry >> kBits);
  const auto within = detail::bits<Ints>(random & ((1U << (32 - kBits)) - 1));
  return within < threshold ? detail::bits<Ints>(column)
                            : detail::bits<Ints>(entry & (kColumns - 1));
}

/// Poisson numbers of means r below 1/16 by inversion from the tail, where a random number that is
/// small is also fine: P(X >= j) = sum over i of (-1)^i r^(j + i) / ((j - 1)! i! (j + i)), cut
/// below 1e-7 of the first term or 1e-10. P(X >= 6) < 8e-11 is left out.
template <class Floats>
DAO_HIL_INLINE detail::IntsLike<Floats> small_poisson(const Floats& r, const Floats& u) {
  const Floats r2 = r * r;
  const Floats tail1 =
      r * (1.0F - r * (1.0F / 2 - r * (1.0F / 6 - r * (1.0F / 24 - r * (1.0F / 120)))));
  const Floats tail2 =
      r2 * (1.0F / 2 - r * (1.0F / 3 - r * (1.0F / 8 - r * (1.0F / 30 - r * (1.0F / 144)))));
  const Floats tail3 = r2 * r * (1.0F / 6 - r * (1.0F / 8 - r * (1.0F / 20)));
  const Floats tail4 = r2 * r2 * (1.0F / 24 - r * (1.0F / 30));
  const Floats tail5 = r2 * r2 * r * (1.0F / 120);
  // A comparison that holds is -1.
  return -((u < tail1) + (u < tail2) + (u < tail3) + (u < tail4) + (u < tail5));
}

template <std::size_t rung, class Ints, class Generator>
DAO_HIL_INLINE void add_rung(const Tables& tables, const Ints& sixteenths, Generator& random,
                             Ints& count) {
  const Ints digit = (sixteenths >> (4 + 4 * static_cast<int>(rung))) & 15;
  const Ints drawn = digit > 0;
  if (!detail::any(drawn)) return;
  constexpr std::int32_t kStep = 1 << (4 * rung);
  constexpr std::int32_t kHalf = 1 << (detail::outcome_bits(rung) - 1);
  const Ints beyond_half = digit * kStep - kHalf;
  const Ints first = beyond_half > 0 ? beyond_half : Ints{};
  const Ints outcome = from_table<rung>(tables.rung[rung], digit, random.next_where(drawn));
  count += drawn ? first + outcome : Ints{};
}

template <class Floats, class Generator>
DAO_HIL_INLINE Floats poisson_numbers(const Tables& tables, const Floats& means,
                                      Generator& random) {
  using Ints = detail::IntsLike<Floats>;
  constexpr float kBelowLargest = detail::kLargestMean - 0.0625F;
  const Floats positive = means > 0.0F ? means : Floats{};  // NaN is not > 0
  const Floats mean = detail::min(positive, detail::all<Floats>(kBelowLargest));
  const Ints sixteenths = detail::to_ints(mean * 16.0F);
  const Floats rest = mean - detail::to_floats(sixteenths) * 0.0625F;
  Ints count = from_table<0>(tables.rung[0], Ints(sixteenths & 255), random.next());
  count += small_poisson(rest, detail::unit_interval(random.next()));
  if (detail::any(Ints(sixteenths > 255))) {
    add_rung<1>(tables, sixteenths, random, count);
    add_rung<2>(tables, sixteenths, random, count);
    add_rung<3>(tables, sixteenths, random, count);
    add_rung<4>(tables, sixteenths, random, count);
  }
  return detail::to_floats(count);
}

template <std::size_t lanes>
struct Poisson {
  using Floats = typename detail::Lanes<lanes>::Floats;
  using Words = typename detail::Lanes<lanes>::Words;

  DAO_HIL_INLINE static void run(RowState* state, Tables tables, float* pixels, std::size_t n) {
    for (std::size_t lane = 0; lane < kLanes; lane += lanes) {
      auto random = Xoshiro<Words>::of(*state, lane);
      for (std::size_t i = lane; i < n; i += kLanes)
        detail::store(poisson_numbers(tables, detail::load<Floats>(pixels + i), random),
                      pixels + i);
      random.put_back(*state, lane);
    }
  }
};

struct Gamma {
  float shape;  ///< of one electron
  float scale;
};

/// One attempt at a gamma number of shape d + 1/3 in units of its scale: accepted where the mask
/// says so. x is normal, u uniform (Marsaglia & Tsang 2000, section 4, steps 2 to 5), with
/// y = x / sqrt(9 d) and v = (1 + y)^3.
///
/// The exact condition is log u < x^2 / 2 + d (1 - v + log v) = -d (3/4 y^4 - 3/5 y^5 + ...), whose
/// bracket is less than 3/4 y^4 / (1 - |y|). That bound decides without a logarithm nearly always.
template <class Floats>
DAO_HIL_INLINE detail::IntsLike<Floats> accepted(const Floats& d, const Floats& x, const Floats& y,
                                                 const Floats& v, const Floats& u,
                                                 const detail::IntsLike<Floats>& wanted) {
  using Ints = detail::IntsLike<Floats>;
  const Floats size = y < 0.0F ? -y : y;
  const Floats y2 = y * y;
  const Ints surely = (1.0F - u) * (1.0F - size) > 0.75F * d * y2 * y2;
  if (!detail::any(Ints(wanted & ~surely))) return surely;
  constexpr float kTiny = 1e-30F;
  const Floats log_v = detail::log(detail::max(v, detail::all<Floats>(kTiny)));
  const Ints exactly = detail::log(u) < 0.5F * x * x + d * (1.0F - v + log_v);
  return surely | (exactly & (v > kTiny));
}

/// The gamma numbers of one vector of pixels while they are being drawn.
template <class Floats>
struct GammaDraw {
  using Ints = detail::IntsLike<Floats>;

  Floats d, inverse_root;
  Floats value{};
  Ints wanted;

  DAO_HIL_INLINE GammaDraw(const Floats& electrons, float shape)
      : d(detail::max(electrons, detail::all<Floats>(1.0F)) * shape - 1.0F / 3),
        inverse_root(1.0F / (3.0F * detail::sqrt(d))),
        wanted(electrons > 0.0F) {}

  DAO_HIL_INLINE void attempt(const Floats& x, const Floats& u) {
    const Floats y = x * inverse_root;
    const Floats v = (1.0F + y) * (1.0F + y) * (1.0F + y);
    const Ints taken = wanted & accepted(d, x, y, v, u, wanted);
    value = taken ? d * v : value;
    wanted &= ~taken;
  }
};

template <std::size_t lanes>
struct Multiply {
  using Floats = typename detail::Lanes<lanes>::Floats;
  using Ints = typename detail::Lanes<lanes>::Ints;
  using Words = typename detail::Lanes<lanes>::Words;

  DAO_HIL_INLINE static void finish(GammaDraw<Floats>& draw, Xoshiro<Words>& random) {
    while (detail::any(draw.wanted)) {
      const Words radius = random.next_where(draw.wanted);
      const Words angle = random.next_where(draw.wanted);
      const auto u = detail::unit_interval(random.next_where(draw.wanted));
      draw.attempt(detail::normal_pair(radius, angle).first, u);
    }
  }

  DAO_HIL_INLINE static void run(RowState* state, Gamma gamma, float* pixels, std::size_t n) {
    for (std::size_t lane = 0; lane < kLanes; lane += lanes) {
      auto random = Xoshiro<Words>::of(*state, lane);
      for (std::size_t i = lane; i < n; i += kBlock) {
        GammaDraw<Floats> a(detail::load<Floats>(pixels + i), gamma.shape);
        GammaDraw<Floats> b(detail::load<Floats>(pixels + i + kLanes), gamma.shape);
        const Ints either = a.wanted | b.wanted;
        if (detail::any(either)) {
          const Words radius = random.next_where(either);
          const Words angle = random.next_where(either);
          const auto normal = detail::normal_pair(radius, angle);
          a.attempt(normal.first, detail::unit_interval(random.next_where(either)));
          b.attempt(normal.second, detail::unit_interval(random.next_where(either)));
          finish(a, random);
          finish(b, random);
        }
        detail::store(a.value * gamma.scale, pixels + i);
        detail::store(b.value * gamma.scale, pixels + i + kLanes);
      }
      random.put_back(*state, lane);
    }
  }
};

template <class Value>
struct Read {
  template <std::size_t lanes>
  struct Kernel {
    using Floats = typename detail::Lanes<lanes>::Floats;
    using Words = typename detail::Lanes<lanes>::Words;
    typedef Value Values __attribute__((vector_size(lanes * sizeof(Value))));

    DAO_HIL_INLINE static void put(const Floats& adu, const Floats& maximum, Value* value) {
      const Floats clipped = detail::min(detail::max(adu, Floats{}), maximum);
      const auto values = __builtin_convertvector(detail::to_ints(clipped + 0.5F), Values);
      std::memcpy(value, &values, sizeof values);
    }

    DAO_HIL_INLINE static void run(RowState* state, ReadOut how, const float* charge, Value* values,
                                   std::size_t n) {
      const float per_electron = 1.0F / how.electrons_per_adu;
      const auto full_well = detail::all<Floats>(how.full_well);
      const auto maximum = detail::all<Floats>(how.maximum);
      for (std::size_t lane = 0; lane < kLanes; lane += lanes) {
        auto random = Xoshiro<Words>::of(*state, lane);
        for (std::size_t i = lane; i < n; i += kBlock) {
          Floats a = detail::min(detail::load<Floats>(charge + i), full_well);
          a = a * per_electron + how.bias;
          Floats b = detail::min(detail::load<Floats>(charge + i + kLanes), full_well);
          b = b * per_electron + how.bias;
          if (how.noise > 0.0F) {
            const Words radius = random.next();
            const auto normal = detail::normal_pair(radius, random.next());
            a += normal.first * how.noise;
            b += normal.second * how.noise;
          }
          put(a, maximum, values + i);
          put(b, maximum, values + i + kLanes);
        }
        random.put_back(*state, lane);
      }
    }
  };
};

/// Calls `kernel` with whole blocks: those of the row in place, the last one by way of a copy that
/// is filled up with zeros.
template <class Kernel>
void by_blocks(std::span<float> pixels, const Kernel& kernel) {
  const std::size_t whole = pixels.size() / kBlock * kBlock;
  if (whole > 0) kernel(pixels.data(), whole);
  if (whole == pixels.size()) return;
  const auto rest = pixels.subspan(whole);
  std::array<float, kBlock> last{};
  std::copy(rest.begin(), rest.end(), last.begin());
  kernel(last.data(), kBlock);
  std::copy_n(last.begin(), rest.size(), rest.begin());
}

template <class Value>
void read_row(InstructionSet set, RowState& state, std::span<const float> charge,
              const ReadOut& how, std::span<Value> values) {
  const std::size_t whole = charge.size() / kBlock * kBlock;
  if (whole > 0)
    detail::dispatch_lanes<Read<Value>::template Kernel>(set, &state, how, charge.data(),
                                                         values.data(), whole);
  if (whole == charge.size()) return;
  const auto rest = charge.subspan(whole);
  std::array<float, kBlock> last{};
  std::array<Value, kBlock> last_values{};
  std::copy(rest.begin(), rest.end(), last.begin());
  detail::dispatch_lanes<Read<Value>::template Kernel>(
      set, &state, how, static_cast<const float*>(last.data()), last_values.data(), kBlock);
  std::copy_n(last_values.begin(), rest.size(),
              values.begin() + static_cast<std::ptrdiff_t>(whole));
}

}  // namespace

AvalancheGain::AvalancheGain(double mean, double excess_noise)
    : mean_(mean), excess_noise_(excess_noise) {
  if (!(mean > 0) || !std::isfinite(mean))
    throw std::invalid_argument("avalanche gain " + std::to_string(mean) +
                                ": must be positive; leave the gain out for none");
  if (!(excess_noise > 1 && excess_noise <= 2))
    throw std::invalid_argument(
        "avalanche gain: excess noise F^2 = " + std::to_string(excess_noise) +
        " must be above 1 and at most 2; leave the gain out for none");
}

AvalancheGain AvalancheGain::emccd(double mean, int stages) {
  if (stages < 1)
    throw std::invalid_argument("EMCCD of " + std::to_string(stages) + " stages: at least 1");
  if (!(mean > 1 && mean <= std::pow(2.0, stages)))
    throw std::invalid_argument("EMCCD gain " + std::to_string(mean) + ": " +
                                std::to_string(stages) +
                                " stages give more than 1 and at most 2^stages");
  const double s = stages;
  return {mean, 2 * (mean - 1) * std::pow(mean, -(s + 1) / s) + 1 / mean};
}

RowNoise::RowNoise(const Random& random, std::uint64_t frame, std::uint32_t row,
                   InstructionSet set) noexcept
    : state_(detail::seed_row(random.words(frame, row))), set_(set) {}

void RowNoise::poisson(std::span<float> means) noexcept {
  static const Tables kTables = tables();
  by_blocks(means, [this](float* pixels, std::size_t n) {
    detail::dispatch_lanes<Poisson>(set_, &state_, kTables, pixels, n);
  });
}

void RowNoise::multiply(std::span<float> electrons, const AvalancheGain& gain) noexcept {
  const double variance = gain.excess_noise() - 1;
  const Gamma gamma = {static_cast<float>(1 / variance),
                       static_cast<float>(gain.mean() * variance)};
  by_blocks(electrons, [this, gamma](float* pixels, std::size_t n) {
    detail::dispatch_lanes<Multiply>(set_, &state_, gamma, pixels, n);
  });
}

void RowNoise::read(std::span<const float> charge, const ReadOut& how,
                    std::span<std::uint16_t> values) noexcept {
  read_row(set_, state_, charge, how, values);
}

void RowNoise::read(std::span<const float> charge, const ReadOut& how,
                    std::span<std::uint8_t> values) noexcept {
  read_row(set_, state_, charge, how, values);
}

}  // namespace daohil::simulators
