#include "hil/judge/delays.hpp"

#include <algorithm>
#include <cmath>

namespace daohil::hil::judge {

namespace {

constexpr std::int64_t kLongest = 86'400'000'000'000;  // a day
constexpr int kDigits = 3;

}  // namespace

Delays::Delays() : histogram_(1, kLongest, kDigits) {}

void Delays::add(std::int64_t delay) {
  delay = std::clamp<std::int64_t>(delay, 0, kLongest);
  histogram_.record(delay);
  longest_ = std::max(longest_, delay);
  // Welford, Technometrics 4 (1962) 419: no difference of large sums.
  const auto value = static_cast<double>(delay);
  const double distance = value - mean_;
  mean_ += distance / static_cast<double>(histogram_.total());
  squares_ += distance * (value - mean_);
}

std::uint64_t Delays::size() const { return static_cast<std::uint64_t>(histogram_.total()); }

std::int64_t Delays::quantile(double q) const {
  return std::min(histogram_.value_at_percentile(100 * q), longest_);
}

std::uint64_t Delays::longer_than(std::int64_t delay) const {
  const auto total = static_cast<double>(histogram_.total());
  const double within = total * histogram_.percentile_at_or_below(delay) / 100;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, histogram_.total() - static_cast<std::int64_t>(std::llround(within))));
}

std::int64_t Delays::deviation() const {
  if (size() < 2) return 0;
  return std::llround(std::sqrt(squares_ / static_cast<double>(size() - 1)));
}

}  // namespace daohil::hil::judge
