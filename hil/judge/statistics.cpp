#include "hil/judge/statistics.hpp"

#include <cmath>
#include <limits>

namespace daohil::hil::judge {
namespace {

// P(X <= k) of the binomial distribution for k/n <= p < 1, from its largest term downwards: each is
// less than the one before, and what is left out is too small to be added. So the number of terms
// grows with the root of k.
double at_most(std::uint64_t k, std::uint64_t n, double p) {
  const auto trials = static_cast<double>(n);
  const auto most = static_cast<double>(k);
  double term =
      std::exp(std::lgamma(trials + 1) - std::lgamma(most + 1) - std::lgamma(trials - most + 1) +
               most * std::log(p) + (trials - most) * std::log1p(-p));
  double sum = 0;
  for (double x = most; term > sum * std::numeric_limits<double>::epsilon(); x -= 1) {
    sum += term;
    if (x < 1) break;
    term *= x / (trials - x + 1) * (1 - p) / p;
  }
  return sum;
}

}  // namespace

double clopper_pearson_upper(std::uint64_t k, std::uint64_t n, double confidence) {
  if (k >= n) return 1;
  const double alpha = 1 - confidence;
  if (k == 0) return -std::expm1(std::log(alpha) / static_cast<double>(n));
  // k is a median of n trials with p = k/n: the bound is not below.
  double low = static_cast<double>(k) / static_cast<double>(n);
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (at_most(k, n, middle) > alpha ? low : high) = middle;
  }
  return high;
}

std::uint64_t samples_for_quantile(double q, double confidence) {
  return static_cast<std::uint64_t>(std::ceil(std::log(1 - confidence) / std::log(q)));
}

}  // namespace daohil::hil::judge
