#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "shm/time.hpp"

namespace daohil::hil::host {

/// A statement on the 99.99th percentile needs so many samples: with fewer, the largest of them
/// lies below it with a probability of more than 5 % (0.9999^29956 = 0.05).
inline constexpr std::uint64_t kSamplesForP9999 = 29'956;

/// Latencies in buckets of 1 us up to 10 ms; those beyond are counted, and the largest is kept
/// exactly. Its size does not depend on how much is recorded. One thread at a time.
class LatencyHistogram {
 public:
  LatencyHistogram() = default;
  /// As programs of rt-tests give it: samples by whole us (rounded down), and those beyond.
  static LatencyHistogram of_buckets(const std::map<std::uint64_t, std::uint64_t>& by_us,
                                     std::uint64_t beyond, shm::Duration max);

  /// A negative latency counts as 0.
  void record(shm::Duration latency) { record(latency, 1); }
  void merge(const LatencyHistogram& other);

  [[nodiscard]] std::uint64_t samples() const { return samples_; }
  [[nodiscard]] shm::Duration max() const { return max_; }
  /// The smallest latency that at least this share of the samples does not exceed, rounded up to
  /// a whole us, but never above max(). Nothing without samples.
  /// @param parts_per_10000 1 .. 10000: 9999 is p99.99
  [[nodiscard]] std::optional<shm::Duration> percentile(std::uint64_t parts_per_10000) const;
  /// p99.99, or nothing with fewer than kSamplesForP9999.
  [[nodiscard]] std::optional<shm::Duration> p9999() const;

 private:
  void record(shm::Duration latency, std::uint64_t times);

  static constexpr std::size_t kBuckets = 10'000;

  // Allocated once: the thread that records is the one that is being measured.
  std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t samples_ = 0;
  shm::Duration max_{0};
};

}  // namespace daohil::hil::host
