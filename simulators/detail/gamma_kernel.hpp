#pragma once

#include <cstddef>
#include <cstdint>

#include "simulators/detail/row_draws.hpp"

namespace daohil::simulators::detail {

struct Gamma {
  float shape;  ///< of one electron
  float scale;
  float full_well;  ///< of what comes in, electrons
};

/// Attempts at gamma numbers in units of their scale by the rejection of Marsaglia & Tsang 2000
/// (ACM TOMS 26, 363; section 4, steps 2 to 5): from a normal x, with d = shape - 1/3, y = x /
/// sqrt(9 d) and v = (1 + y)^3, the number is d v, and a uniform u accepts it if
///
///   log u < x^2 / 2 + d (1 - v + log v) = -d (3/4 y^4 - 3/5 y^5 + 3/6 y^6 - ...)
///
/// whose bracket is at most 3/4 y^4 / (1 - |y|): that bound accepts nearly all without a logarithm.
template <class Floats>
struct GammaAttempt {
  using Ints = IntsLike<Floats>;

  Floats d, inverse_root;

  DAO_HIL_INLINE GammaAttempt(const Floats& electrons, float shape)
      : d(max(electrons, all<Floats>(1.0F)) * shape - 1.0F / 3),
        inverse_root(1.0F / (3.0F * sqrt(d))) {}

  DAO_HIL_INLINE Floats number(const Floats& x) const {
    const Floats side = 1.0F + x * inverse_root;
    return d * (side * side * side);
  }

  DAO_HIL_INLINE Ints surely_accepts(const Floats& x, const Floats& u) const {
    const Floats y = x * inverse_root;
    const Floats size = max(y, -y);
    const Floats y2 = y * y;
    return (1.0F - u) * (1.0F - size) > 0.75F * d * (y2 * y2);
  }

  DAO_HIL_INLINE Ints accepts(const Floats& x, const Floats& u) const {
    const Floats side = 1.0F + x * inverse_root;
    const Floats v = side * side * side;
    constexpr float kTiny = 1e-30F;  // v <= 0 is no number
    const Floats log_v = log(max(v, all<Floats>(kTiny)));
    return (log(u) < 0.5F * x * x + d * (1.0F - v + log_v)) & (v > kTiny);
  }
};

/// Electrons become gamma numbers, in place. n is a multiple of 16 up to kStretch.
template <std::size_t lanes>
struct Multiply {
  using Floats = typename Lanes<lanes>::Floats;
  using Ints = typename Lanes<lanes>::Ints;
  using Words = typename Lanes<lanes>::Words;

  /// What the bound did not accept, by place in the stretch; room for a last vector.
  struct Undecided {
    std::uint32_t count = 0;
    std::uint32_t place[kStretch + kLanes];
  };

  template <class Vector, class Element>
  DAO_HIL_INLINE static Vector gather(const Element* from, const Words& at) {
    Vector x;
    for (std::size_t i = 0; i < lanes; ++i) x[i] = from[at[i]];
    return x;
  }

  /// A generator for each pixel that needs more numbers, its lane's set apart by its place: what is
  /// drawn for a pixel does not depend on which others need some.
  DAO_HIL_INLINE static Xoshiro<Words> generators(const RowState& state, const Words& place) {
    const Words lane = place % static_cast<std::uint32_t>(kLanes);
    const Words offset = apart<Words>(place);
    const auto word = [&](std::size_t i) {
      return spread<Words>(gather<Words>(state.data() + i * kLanes, lane) + offset);
    };
    return {word(0), word(1), word(2), word(3)};
  }

  DAO_HIL_INLINE static void decide(const RowState& state, const Gamma& gamma, const Words& place,
                                    const float* normals, const std::uint32_t* uniforms,
                                    float* pixels) {
    const GammaAttempt<Floats> attempt(gather<Floats>(pixels, place), gamma.shape);
    Floats x = gather<Floats>(normals, place);
    Ints open = ~attempt.accepts(x, unit_interval(gather<Words>(uniforms, place)));
    auto random = generators(state, place);
    while (any(open)) {
      const Words radius = random.next();
      const auto normal = normal_pair(radius, random.next());
      x = open ? normal.first : x;
      open &= ~attempt.accepts(x, unit_interval(random.next()));
      x = open ? normal.second : x;
      open &= ~attempt.accepts(x, unit_interval(random.next()));
    }
    const Floats value = attempt.number(x) * gamma.scale;
    for (std::size_t i = 0; i < lanes; ++i) pixels[place[i]] = value[i];
  }

  DAO_HIL_INLINE static void run(RowState* state, Gamma gamma, float* pixels, std::size_t n) {
    alignas(64) float normals[kStretch];
    alignas(64) std::uint32_t uniforms[kStretch];
    Undecided undecided;
    draw_normals<Words>(*state, normals, n);
    draw_words<Words>(*state, uniforms, n);
    for (std::size_t i = 0; i < n; i += lanes) {
      const auto electrons = min(load<Floats>(pixels + i), all<Floats>(gamma.full_well));
      const auto x = load<Floats>(normals + i);
      const GammaAttempt<Floats> attempt(electrons, gamma.shape);
      const Ints some = electrons > 0.0F;
      const Ints open = some & ~attempt.surely_accepts(x, unit_interval(load<Words>(uniforms + i)));
      const Floats value = some ? attempt.number(x) * gamma.scale : Floats{};
      store(open ? electrons : value, pixels + i);
      if (any(open))
        for (std::uint32_t k = 0; k < lanes; ++k) {
          undecided.place[undecided.count] = static_cast<std::uint32_t>(i) + k;
          undecided.count -= static_cast<std::uint32_t>(open[k]);
        }
    }
    if (undecided.count == 0) return;
    for (std::size_t k = 0; k < lanes; ++k)  // the last vector repeats a pixel, to the same end
      undecided.place[undecided.count + k] = undecided.place[undecided.count - 1];
    for (std::uint32_t k = 0; k < undecided.count; k += lanes)
      decide(*state, gamma, load<Words>(undecided.place + k), normals, uniforms, pixels);
  }
};

}  // namespace daohil::simulators::detail
