#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace daohil::hil {

/// Counts of integer values, of latencies in ns as a rule, in the buckets of HdrHistogram
/// (hdrhistogram.org): a value is known to a fixed number of decimal digits over the whole range,
/// recording takes a few ns and no memory, and what is said agrees with HdrHistogram's Java
/// implementation, number by number.
///
/// Buckets double in width; each is cut into S = 2^ceil(log2(2 * 10^digits)) equal parts, of which
/// all but the first bucket use the upper half. Values that fall into one part are equivalent.
/// A value v is so known to v / 10^digits, and to the unit, the largest power of two <= lowest.
///
/// Not thread-safe; distinct histograms are independent, and are merged afterwards.
class Histogram {
 public:
  /// @param lowest smallest value to be told from 0, >= 1
  /// @param highest largest value that can be recorded, >= 2 * lowest
  /// @param digits significant decimal digits, 1 .. 5
  /// @throws std::invalid_argument when they are not, or when lowest leaves no room for the digits
  ///         in 63 bits
  Histogram(std::int64_t lowest, std::int64_t highest, int digits);

  /// Count a value, `times` times. @returns false when it is negative or too large: not counted
  bool record(std::int64_t value, std::int64_t times = 1);
  /// The same for a measurement that should have been made every `interval`: while one took
  /// `value` > interval, those that could not be made would have seen value - interval,
  /// value - 2 interval, ... and are counted too, down to `interval` (coordinated omission).
  /// An interval <= 0 corrects nothing. @returns false as record, with nothing counted
  bool record_corrected(std::int64_t value, std::int64_t interval);
  /// Add what the other has counted. Of one with another range or other digits each value counts
  /// as the lowest equivalent to it there, as in the reference.
  /// @returns how many of its values did not fit here and were left out
  std::int64_t merge(const Histogram& other);
  void clear();

  [[nodiscard]] std::int64_t total() const { return total_; }
  /// Smallest value recorded, as the lowest equivalent to it; 0 when nothing was.
  [[nodiscard]] std::int64_t min() const;
  /// Largest value recorded, as the highest equivalent to it; 0 when nothing was.
  [[nodiscard]] std::int64_t max() const;
  /// Of all values, each as the middle of its part; 0 when nothing was recorded.
  [[nodiscard]] double mean() const;
  /// Of the population, likewise.
  [[nodiscard]] double stddev() const;
  /// The value that `percent` of the counts do not exceed, as the highest equivalent; of 0 percent
  /// the lowest equivalent to the smallest. 0 when nothing was recorded.
  /// @param percent 0 .. 100; beyond, the nearest of them
  [[nodiscard]] std::int64_t value_at_percentile(double percent) const;
  /// Percent of the counts at values equivalent to or below this; 100 when nothing was recorded.
  [[nodiscard]] double percentile_at_or_below(std::int64_t value) const;
  /// How many values equivalent to this one were counted; 0 out of range.
  [[nodiscard]] std::int64_t count_at(std::int64_t value) const;

  [[nodiscard]] std::int64_t lowest_equivalent(std::int64_t value) const;
  [[nodiscard]] std::int64_t highest_equivalent(std::int64_t value) const;
  [[nodiscard]] std::int64_t median_equivalent(std::int64_t value) const;
  /// Width of the part that holds this value.
  [[nodiscard]] std::int64_t equivalent_range(std::int64_t value) const;

  [[nodiscard]] std::int64_t lowest() const { return lowest_; }
  [[nodiscard]] std::int64_t highest() const { return highest_; }
  [[nodiscard]] int digits() const { return digits_; }
  /// The counts in HdrHistogram's own order, for encoders.
  [[nodiscard]] std::span<const std::int64_t> counts() const { return counts_; }

  /// Count more at a place of counts(), for decoders. @throws std::out_of_range
  void add_at(std::size_t index, std::int64_t times);

  /// Same range, digits and counts.
  bool operator==(const Histogram&) const;

 private:
  [[nodiscard]] int bucket_of(std::int64_t value) const;
  [[nodiscard]] std::int64_t part_of(std::int64_t value, int bucket) const;
  [[nodiscard]] std::size_t index_of(std::int64_t value) const;
  [[nodiscard]] std::int64_t value_at(std::size_t index) const;
  [[nodiscard]] bool fits(std::int64_t value) const;

  std::int64_t lowest_, highest_;
  int digits_;
  int unit_magnitude_ = 0;      // log2 of the unit
  int half_magnitude_ = 0;      // log2 of half the parts of a bucket
  std::int64_t parts_ = 0;      // of a bucket
  std::int64_t part_mask_ = 0;  // bits of the values of the first bucket
  std::vector<std::int64_t> counts_;
  std::int64_t total_ = 0;
};

/// HdrHistogram's V2 encoding, compressed, in base64: "HISTFAAA...".
[[nodiscard]] std::string encode(const Histogram& histogram);
/// @throws std::runtime_error when the text is none, or is damaged; nothing of it is believed
[[nodiscard]] Histogram decode(std::string_view text);

/// One interval of a histogram log. Times in seconds.
struct LogInterval {
  std::string tag;   ///< one word without comma, or empty
  double start = 0;  ///< from the log's start
  double length = 0;
  Histogram histogram;
};

/// A histogram log, format version 1.3, as HdrHistogram's tools read it (`.hlog`): header, start
/// time, legend, then a line an interval.
class HistogramLogWriter {
 public:
  /// @param out must outlive this; look at its state for errors of writing
  /// @param start_utc seconds since 1970 @param comments lines of text for the header
  HistogramLogWriter(std::ostream& out, double start_utc,
                     const std::vector<std::string>& comments = {});
  /// The column Interval_Max is in units of `max_unit`: by default ms, of values in ns.
  /// @throws std::invalid_argument on a tag with comma, blank or line end
  void write(const LogInterval& interval, double max_unit = 1e6);

 private:
  std::ostream* out_;
};

struct HistogramLog {
  double start_utc = 0;  ///< seconds since 1970; 0 when it does not say
  std::vector<LogInterval> intervals;
};
/// @throws std::runtime_error naming the line that is none of a histogram log
[[nodiscard]] HistogramLog read_histogram_log(std::istream& in);

}  // namespace daohil::hil
