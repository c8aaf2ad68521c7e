#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "simulators/detail/vector_math.hpp"

/// A discrete Fourier transform of every lane: X[k] = sum x[j] exp(-2 pi i j k / N), N a product of
/// 2, 3, 4 and 5, in the self-sorting form of Stockham (Swarztrauber 1984, Parallel Computing 1,
/// 45; butterflies: Van Loan 1992, Computational Frameworks for the FFT, 1.7 and 2.4).
///
/// Why not FFTW: its sums are in another order on every instruction set, so that a frame would tell
/// which processor made it; and its columns, which lie in lanes here, are slower than its rows.
/// tests/bench/optics_bench.cpp has sensors beside it.
namespace daohil::simulators::detail {

/// One pass: `groups` butterflies of `radix` points, each over `stride` neighbours.
struct FftPass {
  std::size_t radix;
  std::size_t groups;
  std::size_t stride;
  std::size_t twiddles;  ///< first of the groups * (radix - 1), in the plan's tables
};

struct FftPlan {
  std::size_t size = 0;
  std::vector<FftPass> passes;
  std::vector<float> twiddle_re;
  std::vector<float> twiddle_im;
};

/// @returns a plan of size 0 where `size` has a prime factor above 5 or is 0
inline FftPlan plan_fft(std::size_t size) {
  FftPlan plan;
  std::size_t rest = size;
  std::size_t stride = 1;
  for (const std::size_t radix : {std::size_t{5}, std::size_t{4}, std::size_t{3}, std::size_t{2}})
    while (rest > 0 && rest % radix == 0) {
      const std::size_t groups = rest / radix;
      plan.passes.push_back({radix, groups, stride, plan.twiddle_re.size()});
      for (std::size_t p = 0; p < groups; ++p)
        for (std::size_t k = 1; k < radix; ++k) {
          const double angle =
              -2 * std::numbers::pi * static_cast<double>(p * k) / static_cast<double>(rest);
          plan.twiddle_re.push_back(static_cast<float>(std::cos(angle)));
          plan.twiddle_im.push_back(static_cast<float>(std::sin(angle)));
        }
      rest = groups;
      stride *= radix;
    }
  if (rest == 1) plan.size = size;
  return plan;
}

template <class Vector>
struct Complex {
  Vector re;
  Vector im;
};

template <class Vector>
DAO_HIL_INLINE Complex<Vector> plus(const Complex<Vector>& a, const Complex<Vector>& b) {
  return {a.re + b.re, a.im + b.im};
}
template <class Vector>
DAO_HIL_INLINE Complex<Vector> minus(const Complex<Vector>& a, const Complex<Vector>& b) {
  return {a.re - b.re, a.im - b.im};
}
/// a - i b, and a + i b.
template <class Vector>
DAO_HIL_INLINE Complex<Vector> minus_i(const Complex<Vector>& a, const Complex<Vector>& b) {
  return {a.re + b.im, a.im - b.re};
}
template <class Vector>
DAO_HIL_INLINE Complex<Vector> plus_i(const Complex<Vector>& a, const Complex<Vector>& b) {
  return {a.re - b.im, a.im + b.re};
}
template <class Vector>
DAO_HIL_INLINE Complex<Vector> times(const Complex<Vector>& a, float by) {
  return {a.re * by, a.im * by};
}

template <class Vector>
DAO_HIL_INLINE void butterfly(std::array<Complex<Vector>, 2>& a) {
  a = {plus(a[0], a[1]), minus(a[0], a[1])};
}

template <class Vector>
DAO_HIL_INLINE void butterfly(std::array<Complex<Vector>, 3>& a) {
  constexpr float kSin60 = 0.866025404F;
  const auto sum = plus(a[1], a[2]);
  const auto middle = minus(a[0], times(sum, 0.5F));
  const auto turned = times(minus(a[1], a[2]), kSin60);
  a = {plus(a[0], sum), minus_i(middle, turned), plus_i(middle, turned)};
}

template <class Vector>
DAO_HIL_INLINE void butterfly(std::array<Complex<Vector>, 4>& a) {
  const auto even_sum = plus(a[0], a[2]);
  const auto even_difference = minus(a[0], a[2]);
  const auto odd_sum = plus(a[1], a[3]);
  const auto odd_difference = minus(a[1], a[3]);
  a = {plus(even_sum, odd_sum), minus_i(even_difference, odd_difference), minus(even_sum, odd_sum),
       plus_i(even_difference, odd_difference)};
}

template <class Vector>
DAO_HIL_INLINE void butterfly(std::array<Complex<Vector>, 5>& a) {
  constexpr float kCos72 = 0.309016994F;
  constexpr float kCos144 = -0.809016994F;
  constexpr float kSin72 = 0.951056516F;
  constexpr float kSin144 = 0.587785252F;
  const auto sum1 = plus(a[1], a[4]);
  const auto sum2 = plus(a[2], a[3]);
  const auto difference1 = minus(a[1], a[4]);
  const auto difference2 = minus(a[2], a[3]);
  const auto middle1 = plus(a[0], plus(times(sum1, kCos72), times(sum2, kCos144)));
  const auto middle2 = plus(a[0], plus(times(sum1, kCos144), times(sum2, kCos72)));
  const auto turned1 = plus(times(difference1, kSin72), times(difference2, kSin144));
  const auto turned2 = minus(times(difference1, kSin144), times(difference2, kSin72));
  a = {plus(a[0], plus(sum1, sum2)), minus_i(middle1, turned1), minus_i(middle2, turned2),
       plus_i(middle2, turned2), plus_i(middle1, turned1)};
}

/// Where the lanes of a transform lie: [element][lane].
struct LaneArray {
  float* re;
  float* im;
};

template <class Vector, std::size_t Radix>
DAO_HIL_INLINE void run_pass(const FftPass& pass, const float* twiddle_re, const float* twiddle_im,
                             LaneArray from, LaneArray to) {
  constexpr std::size_t kLane = kLanesOf<Vector>;
  const std::size_t between = pass.groups * pass.stride * kLane;
  for (std::size_t p = 0; p < pass.groups; ++p)
    for (std::size_t q = 0; q < pass.stride; ++q) {
      const std::size_t read = (p * pass.stride + q) * kLane;
      const std::size_t write = (p * pass.stride * Radix + q) * kLane;
      std::array<Complex<Vector>, Radix> a;
      for (std::size_t j = 0; j < Radix; ++j)
        a[j] = {load<Vector>(from.re + read + j * between),
                load<Vector>(from.im + read + j * between)};
      butterfly<Vector>(a);
      store(a[0].re, to.re + write);
      store(a[0].im, to.im + write);
      for (std::size_t k = 1; k < Radix; ++k) {
        const std::size_t at = write + k * pass.stride * kLane;
        if (p == 0) {
          store(a[k].re, to.re + at);
          store(a[k].im, to.im + at);
          continue;
        }
        const float c = twiddle_re[p * (Radix - 1) + k - 1];
        const float s = twiddle_im[p * (Radix - 1) + k - 1];
        store(a[k].re * c - a[k].im * s, to.re + at);
        store(a[k].re * s + a[k].im * c, to.im + at);
      }
    }
}

/// Transforms `data`, using `other` of the same size. @returns which of the two holds the result.
/// With re and im exchanged in both arrays it is the inverse transform, times N.
template <class Vector>
DAO_HIL_INLINE LaneArray run_fft(const FftPlan& plan, LaneArray data, LaneArray other) {
  for (const FftPass& pass : plan.passes) {
    const float* re = plan.twiddle_re.data() + pass.twiddles;
    const float* im = plan.twiddle_im.data() + pass.twiddles;
    if (pass.radix == 5) run_pass<Vector, 5>(pass, re, im, data, other);
    if (pass.radix == 4) run_pass<Vector, 4>(pass, re, im, data, other);
    if (pass.radix == 3) run_pass<Vector, 3>(pass, re, im, data, other);
    if (pass.radix == 2) run_pass<Vector, 2>(pass, re, im, data, other);
    std::swap(data, other);
  }
  return data;
}

}  // namespace daohil::simulators::detail
