#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shm/frame.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

/// One frame as a reader met it.
struct Observation {
  Counter counter;
  FrameId id;    ///< the device's number; 0 in every frame where nobody writes it
  UtcTime time;  ///< commit time in the metadata
};

/// Order statistics of the interval between two consecutive frames. A percentile is the smallest
/// interval that at least that part of the intervals does not exceed (nearest rank).
struct IntervalStatistics {
  std::uint64_t count = 0;
  Duration min{}, mean{}, median{}, p99{}, p999{}, max{};
  /// The percentiles are those of every n-th interval; 1 as long as there are few enough.
  std::uint64_t of_every = 1;
};

/// What a reader learns of a stream's pace. All times are commit times, so that neither the
/// reader's wake-up nor its delays count.
struct PaceReport {
  std::uint64_t frames = 0;      ///< observed
  std::uint64_t lost = 0;        ///< published between two observed ones, never seen
  std::uint64_t gaps = 0;        ///< how often
  std::uint64_t duplicates = 0;  ///< the same counter once more
  std::uint64_t rewinds = 0;     ///< the counter went back in the same file
  std::uint64_t recreated = 0;   ///< the path was given to a new file
  std::uint64_t time_steps = 0;  ///< the commit time went back although the counter went on
  /// Of the device's own numbers, where it writes them: frames that never reached the stream, and
  /// numbers published twice.
  std::uint64_t device_lost = 0, device_repeated = 0;
  /// Frames published per second, lost ones included; nothing before two frames of one run.
  std::optional<double> rate_hz;
  std::optional<IntervalStatistics> interval;  ///< nothing without two consecutive frames
};

/// Fed with observations, says how regular they are. Pure: knows neither clock nor stream.
/// Takes 8 bytes an interval, at most 128 MB.
class IntervalMeter {
 public:
  /// @param capacity intervals kept for the percentiles, >= 2. Of a longer measurement every 2nd,
  ///                 4th, ... is kept; count, mean, min and max are those of all.
  explicit IntervalMeter(std::size_t capacity = std::size_t{1} << 24);

  /// The next frame, in the order of reading.
  void observe(const Observation& frame);
  /// The stream was replaced by a new one, whose counters begin with 1: nothing is measured
  /// across, and what precedes its first observed frame is lost.
  void recreated();

  [[nodiscard]] PaceReport report() const;
  [[nodiscard]] std::uint64_t frames() const { return counts_.frames; }

 private:
  void begin_run(const Observation& frame);
  void compare_ids(FrameId id, std::uint64_t steps);
  void add_interval(Duration interval);
  [[nodiscard]] std::optional<IntervalStatistics> statistics() const;

  std::size_t capacity_;
  PaceReport counts_;  ///< without rate and interval
  std::optional<Observation> last_;
  bool of_new_stream_ = false;
  // Time and frames between the first and the last observation of each run, summed up.
  Duration span_{0};
  std::uint64_t periods_ = 0;
  std::uint64_t intervals_ = 0;
  std::uint64_t stride_ = 1;
  Duration sum_{0}, min_{0}, max_{0};
  std::vector<Duration> kept_;
};

}  // namespace daohil::shm
