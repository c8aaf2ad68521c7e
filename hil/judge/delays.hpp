#pragma once

#include <cstdint>

#include "hil/histogram.hpp"

namespace daohil::hil::judge {

/// Delays or intervals of a run, in ns, however many there are: their number, maximum and standard
/// deviation are exact, quantiles are known to three digits. Adding allocates nothing.
///
/// Not thread-safe.
class Delays {
 public:
  Delays();

  /// @param delay in ns; one below 0 counts as 0, one over a day as a day
  void add(std::int64_t delay);

  [[nodiscard]] std::uint64_t size() const;
  /// The smallest value that a share q of them does not exceed; the maximum is exact. 0 of none.
  /// @param q 0 .. 1
  [[nodiscard]] std::int64_t quantile(double q) const;
  /// How many are longer; of those that three digits do not tell from it, none.
  [[nodiscard]] std::uint64_t longer_than(std::int64_t delay) const;
  /// Standard deviation of the sample, rounded to ns; 0 of fewer than two.
  [[nodiscard]] std::int64_t deviation() const;

  [[nodiscard]] const Histogram& histogram() const { return histogram_; }

 private:
  Histogram histogram_;
  std::int64_t longest_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared distances from the mean
};

}  // namespace daohil::hil::judge
