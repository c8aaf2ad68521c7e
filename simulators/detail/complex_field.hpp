#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "simulators/detail/dispatch.hpp"
#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators::detail {

/// OPD [m] becomes phase [rad] where there is light and 0 elsewhere; static phases are added where
/// there are some. @param n a multiple of the lanes
/// @returns whether all are numbers of at most `most`
template <class Floats>
DAO_HIL_INLINE bool phases(float radians_per_metre, const float* statics, const float* amplitude,
                           float most, std::size_t n, float* opd_to_phase) {
  using Ints = IntsLike<Floats>;
  Ints worst{};
  for (std::size_t i = 0; i < n; i += kLanesOf<Floats>) {
    Floats x = load<Floats>(opd_to_phase + i) * radians_per_metre;
    if (statics) x += load<Floats>(statics + i);
    const Ints lit = load<Floats>(amplitude + i) != 0.0F;
    const Ints seen = bits<Ints>(x) & lit;
    store(seen, opd_to_phase + i);
    // As integers, positive floats have the same order, and above them are infinity and NaN.
    worst = max(worst, seen & 0x7FFFFFFF);
  }
  bool fine = true;
  for (std::size_t i = 0; i < kLanesOf<Floats>; ++i)
    fine = fine && worst[i] <= std::bit_cast<std::int32_t>(most);
  return fine;
}

/// amplitude * scale * exp(i phase). @param n a multiple of the lanes
template <class Floats>
DAO_HIL_INLINE void complex_field(const float* phase, const float* amplitude, float scale,
                                  std::size_t n, float* re, float* im) {
  for (std::size_t i = 0; i < n; i += kLanesOf<Floats>) {
    const auto turned = sincos(load<Floats>(phase + i));
    const Floats a = load<Floats>(amplitude + i) * scale;
    store(a * turned.cos, re + i);
    store(a * turned.sin, im + i);
  }
}

}  // namespace daohil::simulators::detail
