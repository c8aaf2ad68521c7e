#include "simulators/detail/vector_math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

namespace daohil::simulators {
namespace {

template <class Function>
struct Each {
  template <std::size_t lanes>
  struct Kernel {
    DAO_HIL_INLINE static void run(const float* in, float* out, std::size_t n) {
      for (std::size_t i = 0; i < n; i += lanes)
        detail::store(Function::of(detail::load<typename detail::Lanes<lanes>::Floats>(in + i)),
                      out + i);
    }
  };
};

struct Log {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::log(x);
  }
};
struct Exp {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::exp(x);
  }
};
struct Sqrt {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::sqrt(x);
  }
};
struct Sin {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::sincos(x).sin;
  }
};
struct Cos {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::sincos(x).cos;
  }
};
struct SinOfTurns {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::sincos_turns(detail::bits<detail::WordsLike<Floats>>(x)).sin;
  }
};
struct CosOfTurns {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::sincos_turns(detail::bits<detail::WordsLike<Floats>>(x)).cos;
  }
};
struct Nearest {
  template <class Floats>
  DAO_HIL_INLINE static Floats of(const Floats& x) {
    return detail::nearest(x);
  }
};

/// The results of one instruction set, which those of every other must equal bit by bit.
template <class Function>
std::vector<float> results(const std::vector<float>& in) {
  std::vector<float> generic(in.size());
  detail::dispatch_lanes<Each<Function>::template Kernel>(InstructionSet::generic, in.data(),
                                                          generic.data(), in.size());
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    std::vector<float> wide(in.size());
    detail::dispatch_lanes<Each<Function>::template Kernel>(set, in.data(), wide.data(), in.size());
    EXPECT_EQ(std::memcmp(wide.data(), generic.data(), in.size() * sizeof(float)), 0) << name(set);
  }
  return generic;
}

std::vector<float> between(double low, double high, std::size_t n = 1 << 20) {
  std::mt19937_64 random(20263);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<float> x(n);
  for (auto& value : x) value = static_cast<float>(uniform(random));
  return x;
}

double ulp(double x) {
  const auto y = static_cast<float>(std::abs(x));
  return double{std::nextafter(y, std::numeric_limits<float>::max())} - double{y};
}

template <class Reference>
double worst_ulp(const std::vector<float>& in, const std::vector<float>& out, Reference reference) {
  double worst = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double expected = reference(double{in[i]});
    worst = std::max(worst, std::abs(double{out[i]} - expected) / ulp(expected));
  }
  return worst;
}

template <class Reference>
double worst_difference(const std::vector<float>& in, const std::vector<float>& out,
                        Reference reference) {
  double worst = 0;
  for (std::size_t i = 0; i < in.size(); ++i)
    worst = std::max(worst, std::abs(double{out[i]} - reference(double{in[i]})));
  return worst;
}

const auto kLog = [](double x) { return std::log(x); };
const auto kExp = [](double x) { return std::exp(x); };
const auto kSqrt = [](double x) { return std::sqrt(x); };
const auto kSin = [](double x) { return std::sin(x); };
const auto kCos = [](double x) { return std::cos(x); };

TEST(VectorMath, Logarithm) {
  auto x = between(-87, 87);
  for (auto& value : x) value = std::exp(value);
  EXPECT_LE(worst_ulp(x, results<Log>(x), kLog), 2);
  const auto near_one = between(0.5, 2);
  EXPECT_LE(worst_difference(near_one, results<Log>(near_one), kLog), 1e-7);
  EXPECT_EQ(results<Log>(std::vector<float>(16, 1.0F)).front(), 0.0F);
}

TEST(VectorMath, Exponential) {
  const auto x = between(-87, 88);
  EXPECT_LE(worst_ulp(x, results<Exp>(x), kExp), 2);
  EXPECT_EQ(results<Exp>(std::vector<float>(16, 0.0F)).front(), 1.0F);
}

TEST(VectorMath, ExponentialIsClampedNotInfinite) {
  const auto y = results<Exp>({1e9F, -1e9F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_NEAR(std::log(double{y[0]}), 88, 1e-5);
  EXPECT_NEAR(std::log(double{y[1]}), -87, 1e-5);
}

TEST(VectorMath, SquareRoot) {
  auto x = between(-80, 80);
  for (auto& value : x) value = std::exp(value);
  EXPECT_LE(worst_ulp(x, results<Sqrt>(x), kSqrt), 0.5);
  EXPECT_EQ(results<Sqrt>(std::vector<float>(16, 0.0F)).front(), 0.0F);
}

TEST(VectorMath, SineAndCosine) {
  for (const double range : {1.0, 10.0, 1000.0, 10000.0}) {
    const auto x = between(-range, range);
    EXPECT_LE(worst_difference(x, results<Sin>(x), kSin), 1.2e-7) << range;
    EXPECT_LE(worst_difference(x, results<Cos>(x), kCos), 1.2e-7) << range;
  }
}

TEST(VectorMath, SineAndCosineOfTurns) {
  std::mt19937 random(20264);
  std::vector<float> in(1 << 20);  // any 32 bits, in the guise of a float
  std::vector<double> angles(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto turn = static_cast<std::uint32_t>(random());
    std::memcpy(&in[i], &turn, sizeof turn);
    angles[i] = static_cast<double>(turn) * 0x1p-32 * 2 * std::numbers::pi;
  }
  const auto s = results<SinOfTurns>(in);
  const auto c = results<CosOfTurns>(in);
  double worst = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    worst = std::max(worst, std::abs(double{s[i]} - std::sin(angles[i])));
    worst = std::max(worst, std::abs(double{c[i]} - std::cos(angles[i])));
  }
  EXPECT_LE(worst, 1.2e-7);
}

TEST(VectorMath, NearestIntegerTiesToEven) {
  const auto y = results<Nearest>(
      {-2.5F, -1.5F, -0.5F, -0.4F, 0.4F, 0.5F, 1.5F, 2.5F, 4e6F, -4e6F, 0.51F, 7.0F, 0, 0, 0, 0});
  const std::vector<float> expected = {-2, -2, 0, 0, 0, 0, 2, 2, 4e6F, -4e6F, 1, 7, 0, 0, 0, 0};
  EXPECT_EQ(y, expected);
}

}  // namespace
}  // namespace daohil::simulators
