#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "simulators/detail/dispatch.hpp"

// Every function here is inlined into its kernel, so that a vector never crosses a call and has no
// calling convention that could change with the instruction set.
#pragma GCC diagnostic ignored "-Wpsabi"

/// Elementary functions on vectors, from additions, multiplications, one division, one square root
/// and integer operations only, each of them rounded the same way by every processor: every lane is
/// the same bits on every instruction set and independent of its neighbours. The C library's
/// functions give neither. Polynomials are the Taylor series, cut where the next term is below half
/// a unit in the last place; largest errors, measured by tests/simulators/vector_math_test.cpp
/// against double:
///
///   log       2 ulp, or 1e-7 absolute near 1      positive, normal x
///   exp       2 ulp                               clamped to -87 .. 88
///   sincos    1.2e-7 absolute                     |x| <= 1e4 rad; beyond 1e6 meaningless
///   turns     1.2e-7 absolute                     any angle, given as a fraction of a turn
///   sqrt      none                                x >= 0
///
/// None of them knows NaN or infinity.
namespace daohil::simulators::detail {

/// Random sequences have this many lanes on every machine, so that its register is no part of the
/// result.
inline constexpr std::size_t kLanes = 16;

/// Vectors of n lanes. What is wider than the machine's registers still computes the same, but GCC
/// takes comparisons, selections and conversions between memory and registers apart lane by lane:
/// kernels are templates of the lanes of one register (`dispatch_lanes`).
template <std::size_t n>
struct Lanes {  // typedef: GCC 12 forgets the attribute of a dependent `using`
  typedef float Floats __attribute__((vector_size(n * sizeof(float))));
  typedef std::int32_t Ints __attribute__((vector_size(n * sizeof(float))));
  typedef std::uint32_t Words __attribute__((vector_size(n * sizeof(float))));
};

/// Lanes of a vector.
template <class Vector>
inline constexpr std::size_t kLanesOf = sizeof(Vector) / sizeof(float);

/// The vectors of as many lanes.
template <class Vector>
using FloatsLike = typename Lanes<kLanesOf<Vector>>::Floats;
template <class Vector>
using IntsLike = typename Lanes<kLanesOf<Vector>>::Ints;
template <class Vector>
using WordsLike = typename Lanes<kLanesOf<Vector>>::Words;

/// Unaligned.
template <class Vector, class Element>
DAO_HIL_INLINE Vector load(const Element* from) {
  static_assert(sizeof(Element) == sizeof(float));
  Vector x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

/// Unaligned.
template <class Vector, class Element>
DAO_HIL_INLINE void store(const Vector& x, Element* to) {
  static_assert(sizeof(Element) == sizeof(float));
  std::memcpy(to, &x, sizeof x);
}

template <class Floats>
DAO_HIL_INLINE Floats all(float x) {
  return Floats{} + x;
}

/// 0, 1, 2, ...
template <class Words>
DAO_HIL_INLINE Words rising() {
  Words x{};
  for (std::uint32_t i = 0; i < kLanesOf<Words>; ++i) x[i] = i;
  return x;
}

/// The bits of one vector as another: std::bit_cast, which GCC would do through memory.
template <class To, class From>
DAO_HIL_INLINE To bits(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  return reinterpret_cast<To>(from);
}

template <class Ints>
DAO_HIL_INLINE FloatsLike<Ints> to_floats(const Ints& x) {
  return __builtin_convertvector(x, FloatsLike<Ints>);
}

/// Towards zero; |x| < 2^31.
template <class Floats>
DAO_HIL_INLINE IntsLike<Floats> to_ints(const Floats& x) {
  return __builtin_convertvector(x, IntsLike<Floats>);
}

/// To the nearest integer, ties to even; |x| < 2^22.
template <class Floats>
DAO_HIL_INLINE Floats nearest(const Floats& x) {
  constexpr float kOnlyIntegersFit = 12582912.0F;  // 1.5 * 2^23
  return (x + kOnlyIntegersFit) - kOnlyIntegersFit;
}

template <class Vector>
DAO_HIL_INLINE Vector min(const Vector& a, const Vector& b) {
  return a < b ? a : b;
}

template <class Vector>
DAO_HIL_INLINE Vector max(const Vector& a, const Vector& b) {
  return a > b ? a : b;
}

/// Is a comparison true in any lane?
template <class Ints>
DAO_HIL_INLINE bool any(const Ints& mask) {
  typedef std::int64_t Halves __attribute__((vector_size(sizeof(Ints))));
  const auto halves = bits<Halves>(mask);
  std::int64_t found = 0;
  for (std::size_t i = 0; i < sizeof(Ints) / sizeof(std::int64_t); ++i) found |= halves[i];
  return found != 0;
}

/// One instruction, correctly rounded everywhere.
template <class Floats>
DAO_HIL_INLINE Floats sqrt(const Floats& x) {
  Floats root;
  for (std::size_t i = 0; i < kLanesOf<Floats>; ++i) root[i] = __builtin_sqrtf(x[i]);
  return root;
}

/// x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1).
template <class Floats>
DAO_HIL_INLINE Floats log(const Floats& x) {
  constexpr std::int32_t kSqrtHalf = 0x3F3504F3;
  const auto from_sqrt_half = bits<IntsLike<Floats>>(x) - kSqrtHalf;
  const Floats k = to_floats(from_sqrt_half >> 23);
  const auto m = bits<Floats>((from_sqrt_half & 0x7FFFFF) + kSqrtHalf);
  const Floats f = m - 1.0F;
  const Floats s = f / (f + 2.0F);
  const Floats z = s * s;
  const Floats tail = z * (1.0F / 3 + z * (1.0F / 5 + z * (1.0F / 7 + z * (1.0F / 9))));
  // ln 2 in two parts, the first with so few bits that its product with k is exact.
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  return k * kLn2High + (2.0F * s + (2.0F * s * tail + k * kLn2Low));
}

/// x = k ln 2 + r with |r| <= ln 2 / 2.
template <class Floats>
DAO_HIL_INLINE Floats exp(const Floats& x) {
  const Floats clamped = min(max(x, all<Floats>(-87.0F)), all<Floats>(88.0F));
  const Floats k = nearest(clamped * 1.44269504F);
  const Floats r = (clamped - k * 0.693359375F) - k * -2.12194440e-4F;
  const Floats tail = 1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720 + r * (1.0F / 5040)));
  const Floats series = 1.0F + r * (1.0F / 2 + r * (1.0F / 6 + r * tail));
  const auto power = bits<Floats>((to_ints(k) + 127) << 23);
  return power + power * (r * series);
}

template <class Floats>
struct SinCos {
  Floats sin;
  Floats cos;
};

/// r in -pi/4 .. pi/4, turned on by `quadrant` right angles.
template <class Floats>
DAO_HIL_INLINE SinCos<Floats> sincos_in_quadrant(const Floats& r,
                                                 const IntsLike<Floats>& quadrant) {
  using Ints = IntsLike<Floats>;
  const Floats z = r * r;
  const Floats s =
      r + r * z * (-1.0F / 6 + z * (1.0F / 120 + z * (-1.0F / 5040 + z * (1.0F / 362880))));
  const Floats c =
      1.0F + z * (-1.0F / 2 + z * (1.0F / 24 + z * (-1.0F / 720 + z * (1.0F / 40320))));
  const Ints odd = -(quadrant & 1);
  const Ints sin_sign = (quadrant & 2) << 30;
  const Ints cos_sign = ((quadrant + 1) & 2) << 30;
  const Ints sin_bits = (bits<Ints>(c) & odd) | (bits<Ints>(s) & ~odd);
  const Ints cos_bits = (bits<Ints>(s) & odd) | (bits<Ints>(c) & ~odd);
  return {bits<Floats>(sin_bits ^ sin_sign), bits<Floats>(cos_bits ^ cos_sign)};
}

/// Sine and cosine of x in rad. pi / 2 is taken off in three parts (Cody & Waite 1980), the first
/// two with so few bits that their products with the number of quadrants are exact.
template <class Floats>
DAO_HIL_INLINE SinCos<Floats> sincos(const Floats& x) {
  const Floats quadrants = nearest(x * 0.636619772F);
  const Floats r = ((x - quadrants * 1.5703125F) - quadrants * 4.83751296997070312e-4F) -
                   quadrants * 7.54978995489188216e-8F;
  return sincos_in_quadrant(r, to_ints(quadrants));
}

/// Sine and cosine of a fraction of a turn, 2^32 being a whole one.
template <class Words>
DAO_HIL_INLINE SinCos<FloatsLike<Words>> sincos_turns(const Words& turn) {
  // The lower 30 bits as a signed fraction: the quadrant is that of the nearest right angle.
  const auto within = bits<IntsLike<Words>>(turn << 2) >> 2;
  const auto quadrant = bits<IntsLike<Words>>((turn + 0x20000000U) >> 30);
  constexpr float kRadPerStep = 1.46291808e-9F;  // 2 pi / 2^32
  return sincos_in_quadrant(to_floats(within) * kRadPerStep, quadrant);
}

}  // namespace daohil::simulators::detail
