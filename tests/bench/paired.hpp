#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "shm/time.hpp"

namespace daohil::bench {

/// Median; not a number of nothing, which meets no target.
[[nodiscard]] inline double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Two quantities measured in turns within one run. A shared machine changes its speed from one
/// second to the next: the ratio of two neighbouring rounds is worth something, that of two runs
/// is not.
class Pairs {
 public:
  void add(double ours, double limit) {
    ours_.push_back(ours);
    limit_.push_back(limit);
    ratio_.push_back(ours / limit);
  }
  /// ours_ns, limit_ns and ours_by_limit, the median of the rounds' ratios.
  void report(benchmark::State& state) const {
    state.counters["ours_ns"] = median(ours_);
    state.counters["limit_ns"] = median(limit_);
    state.counters["ours_by_limit"] = median(ratio_);
  }

 private:
  std::vector<double> ours_;
  std::vector<double> limit_;
  std::vector<double> ratio_;
};

/// ns a call, over `calls` calls after one that only warms up.
template <typename Call>
[[nodiscard]] double time_of(std::size_t calls, const Call& call) {
  call();
  const shm::MonotonicTime start = shm::system_clock().now();
  for (std::size_t i = 0; i < calls; ++i) call();
  const shm::Duration took = shm::system_clock().now() - start;
  return static_cast<double>(took.count()) / static_cast<double>(calls);
}

/// One iteration is one round: `calls` of each, and who begins changes from round to round.
template <typename Ours, typename Limit>
void compare(benchmark::State& state, std::size_t calls, const Ours& ours, const Limit& limit) {
  Pairs pairs;
  bool ours_first = false;
  for (auto _ : state) {
    ours_first = !ours_first;
    double ours_ns = ours_first ? time_of(calls, ours) : 0;
    const double limit_ns = time_of(calls, limit);
    if (!ours_first) ours_ns = time_of(calls, ours);
    pairs.add(ours_ns, limit_ns);
    state.SetIterationTime(ours_ns / 1e9);
  }
  pairs.report(state);
}

}  // namespace daohil::bench
