#include "hil/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace daohil::hil {
namespace {

constexpr std::uint64_t kWeyl = 0x9e3779b97f4a7c15;
constexpr double kLn2 = 0.69314718055994530942;

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// Coefficients from the constant term on.
double polynomial(std::span<const double> coefficients, double x) {
  double value = 0;
  for (std::size_t i = coefficients.size(); i-- > 0;) value = value * x + coefficients[i];
  return value;
}

// Wichura, Applied Statistics 37 (1988) 477: numerators and denominators of the three ranges.
constexpr std::array kA{3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                        1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                        3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr std::array kB{1.0,
                        4.2313330701600911252e1,
                        6.8718700749205790830e2,
                        5.3941960214247511077e3,
                        2.1213794301586595867e4,
                        3.9307895800092710610e4,
                        2.8729085735721942674e4,
                        5.2264952788528545610e3};
constexpr std::array kC{1.42343711074968357734e0,  4.63033784615654529590e0,
                        5.76949722146069140550e0,  3.64784832476320460504e0,
                        1.27045825245236838258e0,  2.41780725177450611770e-1,
                        2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array kD{1.0,
                        2.05319162663775882187e0,
                        1.67638483018380384940e0,
                        6.89767334985100004550e-1,
                        1.48103976427480074590e-1,
                        1.51986665636164571966e-2,
                        5.47593808499534494600e-4,
                        1.05075007164441684324e-9};
constexpr std::array kE{6.65790464350110377720e0,  5.46378491116411436990e0,
                        1.78482653991729133580e0,  2.96560571828504891230e-1,
                        2.65321895265761230930e-2, 1.24266094738807843860e-3,
                        2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr std::array kF{1.0,
                        5.99832206555887937690e-1,
                        1.36929880922735805310e-1,
                        1.48753612908506148525e-2,
                        7.86869131145613259100e-4,
                        1.84631831751005468180e-5,
                        1.42151175831644588870e-7,
                        2.04426310338993978564e-15};

}  // namespace

std::uint64_t stream_of(std::uint64_t seed, std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x00000100000001b3;
  return mix(mix(seed + kWeyl) ^ hash);
}

std::uint64_t draw(std::uint64_t stream, std::uint64_t index) {
  return mix(mix(stream + (index + 1) * kWeyl) + kWeyl);
}

double uniform(std::uint64_t bits) {
  constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53
  // 2^53 - 1/2 is rounded up to 2^53.
  return std::min((static_cast<double>(bits >> 11) + 0.5) * kUnit, 1 - kUnit);
}

double normal(double p) {
  constexpr double kSplit1 = 0.425;
  constexpr double kSplit2 = 5.0;
  const double q = p - 0.5;
  if (std::abs(q) <= kSplit1) {
    const double r = kSplit1 * kSplit1 - q * q;
    return q * polynomial(kA, r) / polynomial(kB, r);
  }
  const double tail = std::sqrt(-logarithm(q < 0 ? p : 1 - p));
  const double value = tail <= kSplit2
                           ? polynomial(kC, tail - 1.6) / polynomial(kD, tail - 1.6)
                           : polynomial(kE, tail - kSplit2) / polynomial(kF, tail - kSplit2);
  return q < 0 ? -value : value;
}

// x = k ln 2 + r; Taylor's series of exp(r) with |r| <= ln(2)/2 to the order where terms vanish.
double exponential(double x) {
  const double k = std::floor(x / kLn2 + 0.5);
  const double r = x - k * kLn2;
  double term = 1;
  double sum = 1;
  for (int n = 1; n <= 20; ++n) {
    term = term * r / n;
    sum += term;
  }
  return std::ldexp(sum, static_cast<int>(k));
}

// x = m 2^k; ln m = 2 artanh((m-1)/(m+1)) with m in [1/sqrt 2, sqrt 2).
double logarithm(double x) {
  int k = 0;
  double m = std::frexp(x, &k);
  if (m < 0.70710678118654752440) {
    m *= 2;
    k -= 1;
  }
  const double z = (m - 1) / (m + 1);
  double power = z;
  double sum = 0;
  for (int n = 1; n <= 41; n += 2) {
    sum += power / n;
    power = power * z * z;
  }
  return 2 * sum + k * kLn2;
}

}  // namespace daohil::hil
