#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace daohil::physics {

/// Mean, variance and standardised third and fourth moments of a sample.
struct Moments {
  double n = 0;
  double mean = 0;
  double variance = 0;
  double skewness = 0;
  double kurtosis = 0;  ///< 3 for a normal distribution

  /// Standard deviation of the sample's mean.
  double mean_error() const { return std::sqrt(variance / n); }
  /// Standard deviation of the sample's variance.
  double variance_error() const { return variance * std::sqrt((kurtosis - 1) / n); }
};

template <class Value>
Moments moments(std::span<const Value> sample) {
  Moments m;
  m.n = static_cast<double>(sample.size());
  for (const Value x : sample) m.mean += static_cast<double>(x);
  m.mean /= m.n;
  double second = 0, third = 0, fourth = 0;
  for (const Value x : sample) {
    const double d = static_cast<double>(x) - m.mean;
    second += d * d;
    third += d * d * d;
    fourth += d * d * d * d;
  }
  m.variance = second / m.n;
  m.skewness = third / m.n / std::pow(m.variance, 1.5);
  m.kurtosis = fourth / m.n / (m.variance * m.variance);
  return m;
}

template <class Value>
Moments moments(const std::vector<Value>& sample) {
  return moments(std::span<const Value>(sample));
}

/// Correlation coefficient of two samples of the same length.
template <class Value>
double correlation(std::span<const Value> a, std::span<const Value> b) {
  const Moments ma = moments(a);
  const Moments mb = moments(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += (static_cast<double>(a[i]) - ma.mean) * (static_cast<double>(b[i]) - mb.mean);
  return sum / ma.n / std::sqrt(ma.variance * mb.variance);
}

/// Chi-square of counts against probabilities, neighbouring cells of fewer than 10 expected counts
/// taken together.
struct ChiSquare {
  double value = 0;
  double degrees = -1;

  /// In standard deviations (Wilson & Hilferty 1931: its cube root is nearly normal).
  double sigmas() const {
    const double w = 2 / (9 * degrees);
    return (std::cbrt(value / degrees) - (1 - w)) / std::sqrt(w);
  }
};

inline ChiSquare chi_square(std::span<const double> counts, std::span<const double> probability) {
  double n = 0;
  for (const double count : counts) n += count;
  ChiSquare result;
  double seen = 0, expected = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    expected += n * probability[i];
    double rest = 0;
    for (std::size_t k = i + 1; k < counts.size() && rest < 10; ++k) rest += n * probability[k];
    if (expected < 10 || (rest < 10 && i + 1 < counts.size())) continue;
    result.value += (seen - expected) * (seen - expected) / expected;
    result.degrees += 1;
    seen = expected = 0;
  }
  return result;
}

}  // namespace daohil::physics
