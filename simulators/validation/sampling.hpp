#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "simulators/validation/check.hpp"

namespace daohil::simulators::validation {

/// How long a validation runs. Checks' tolerances shrink with 1 / sqrt(realisations).
struct Sampling {
  std::size_t realisations = 0;  ///< independent ones, >= 2
  std::uint64_t seed = 0;
};

/// The mean of independent values and its standard error, in one pass (Welford 1962).
class Mean {
 public:
  void add(double value) {
    ++count_;
    const double before = value - mean_;
    mean_ += before / static_cast<double>(count_);
    squares_ += before * (value - mean_);
  }
  [[nodiscard]] double value() const { return mean_; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] double standard_error() const {
    const auto n = static_cast<double>(count_);
    return std::sqrt(squares_ / (n - 1) / n);
  }

 private:
  std::size_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

/// A mean of positive quantities beside its theory. The tolerance is 4.5 standard errors, passed by
/// chance once in 10^5 for a normal mean, plus what the model is known to lose, `systematic` times
/// the expected value.
[[nodiscard]] inline Check check_of(std::string name, std::string reference, double expected,
                                    const Mean& measured, double systematic, std::string unit) {
  constexpr double kErrors = 4.5;
  Check check;
  check.name = std::move(name);
  check.reference = std::move(reference);
  check.expected = expected;
  check.measured = measured.value();
  check.tolerance = kErrors * measured.standard_error() + systematic * std::abs(expected);
  check.unit = std::move(unit);
  check.n = measured.count();
  return check;
}

}  // namespace daohil::simulators::validation
