#include "hil/judge/statistics.hpp"

#include <cmath>

namespace daohil::hil::judge {
namespace {

// P(X <= k) of the binomial distribution, term by term in logarithms: k is small where it matters.
double at_most(std::uint64_t k, std::uint64_t n, double p) {
  const auto trials = static_cast<double>(n);
  double sum = 0;
  for (std::uint64_t i = 0; i <= k; ++i) {
    const auto x = static_cast<double>(i);
    sum += std::exp(std::lgamma(trials + 1) - std::lgamma(x + 1) - std::lgamma(trials - x + 1) +
                    x * std::log(p) + (trials - x) * std::log1p(-p));
  }
  return sum;
}

}  // namespace

double clopper_pearson_upper(std::uint64_t k, std::uint64_t n, double confidence) {
  if (k >= n) return 1;
  const double alpha = 1 - confidence;
  if (k == 0) return -std::expm1(std::log(alpha) / static_cast<double>(n));
  double low = 0;
  double high = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (at_most(k, n, middle) > alpha ? low : high) = middle;
  }
  return high;
}

std::uint64_t samples_for_quantile(double q, double confidence) {
  return static_cast<std::uint64_t>(std::ceil(std::log(1 - confidence) / std::log(q)));
}

}  // namespace daohil::hil::judge
