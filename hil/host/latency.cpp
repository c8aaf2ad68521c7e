#include "hil/host/latency.hpp"

#include <algorithm>

namespace daohil::hil::host {

using shm::Duration;

void LatencyHistogram::record(Duration latency, std::uint64_t times) {
  latency = std::max(latency, Duration{0});
  const auto us = static_cast<std::size_t>(latency.count() / 1000);
  if (us < kBuckets) buckets_[us] += times;
  samples_ += times;
  max_ = std::max(max_, latency);
}

LatencyHistogram LatencyHistogram::of_buckets(const std::map<std::uint64_t, std::uint64_t>& by_us,
                                              std::uint64_t beyond, Duration max) {
  LatencyHistogram histogram;
  for (const auto& [us, times] : by_us) {
    if (us < kBuckets) histogram.buckets_[us] += times;
    histogram.samples_ += times;
  }
  histogram.samples_ += beyond;
  histogram.max_ = max;
  return histogram;
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  samples_ += other.samples_;
  max_ = std::max(max_, other.max_);
}

std::optional<Duration> LatencyHistogram::percentile(std::uint64_t parts_per_10000) const {
  if (samples_ == 0) return std::nullopt;
  // Rank of the sample, from 1, rounded up; split so that it cannot overflow.
  const std::uint64_t rank =
      samples_ / 10'000 * parts_per_10000 + (samples_ % 10'000 * parts_per_10000 + 9'999) / 10'000;
  std::uint64_t seen = 0;
  for (std::size_t us = 0; us < kBuckets; ++us) {
    seen += buckets_[us];
    if (seen >= rank && seen > 0)
      return std::min(max_, Duration{static_cast<std::int64_t>(us + 1) * 1000});
  }
  return max_;
}

std::optional<Duration> LatencyHistogram::p9999() const {
  return samples_ < kSamplesForP9999 ? std::nullopt : percentile(9'999);
}

}  // namespace daohil::hil::host
