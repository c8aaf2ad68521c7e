#include "hil/histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace daohil::hil {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

int bits_of(std::int64_t value) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value)));
}
int log2_floor(std::int64_t value) { return bits_of(value) - 1; }
int log2_ceil(std::int64_t value) { return bits_of(value - 1); }

// Buckets until the first value beyond them is larger than `highest`.
int buckets_to_cover(std::int64_t highest, std::int64_t first_beyond) {
  int buckets = 1;
  for (; first_beyond <= highest; first_beyond *= 2) {
    buckets += 1;
    if (first_beyond > kLargest / 2) break;  // the next one has no number any more
  }
  return buckets;
}

}  // namespace

Histogram::Histogram(std::int64_t lowest, std::int64_t highest, int digits)
    : lowest_(lowest), highest_(highest), digits_(digits) {
  if (lowest < 1 || digits < 1 || digits > 5 || lowest > kLargest / 2 || highest < 2 * lowest)
    throw std::invalid_argument(
        fmt::format("histogram of {} .. {} with {} digits: needs 1 <= lowest, 2 * lowest <= "
                    "highest and 1 to 5 digits",
                    lowest, highest, digits));
  std::int64_t finest = 2;  // largest value that is known to the unit
  for (int i = 0; i < digits; ++i) finest *= 10;
  unit_magnitude_ = log2_floor(lowest);
  half_magnitude_ = log2_ceil(finest) - 1;
  // The reference's bound: parts of the first bucket need so many bits beside the unit's.
  if (unit_magnitude_ + half_magnitude_ > 61)
    throw std::invalid_argument(
        fmt::format("histogram from {} with {} digits: these do not fit 63 bits", lowest, digits));
  parts_ = std::int64_t{1} << (half_magnitude_ + 1);
  part_mask_ = (parts_ - 1) << unit_magnitude_;
  const int buckets = buckets_to_cover(highest, parts_ << unit_magnitude_);
  counts_.assign(static_cast<std::size_t>(buckets + 1) << half_magnitude_, 0);
}

int Histogram::bucket_of(std::int64_t value) const {
  // The number of bits beyond those of the first bucket.
  return bits_of(value | part_mask_) - unit_magnitude_ - (half_magnitude_ + 1);
}

std::int64_t Histogram::part_of(std::int64_t value, int bucket) const {
  return value >> (bucket + unit_magnitude_);
}

std::size_t Histogram::index_of(std::int64_t value) const {
  const int bucket = bucket_of(value);
  const auto half = std::int64_t{1} << half_magnitude_;
  return static_cast<std::size_t>((std::int64_t{bucket + 1} << half_magnitude_) +
                                  part_of(value, bucket) - half);
}

std::int64_t Histogram::value_at(std::size_t index) const {
  const auto half = std::size_t{1} << half_magnitude_;
  const auto block = index >> half_magnitude_;
  // The first bucket takes two blocks, its lower and its upper half; each other one takes one.
  const auto part = static_cast<std::int64_t>((index & (half - 1)) + (block == 0 ? 0 : half));
  const int bucket = block == 0 ? 0 : static_cast<int>(block) - 1;
  return part << (bucket + unit_magnitude_);
}

bool Histogram::fits(std::int64_t value) const {
  // All that has a place is counted, up to the end of the last bucket, as in the reference.
  return value >= 0 && index_of(value) < counts_.size();
}

bool Histogram::record(std::int64_t value, std::int64_t times) {
  if (!fits(value)) return false;
  counts_[index_of(value)] += times;
  total_ += times;
  return true;
}

bool Histogram::record_corrected(std::int64_t value, std::int64_t interval) {
  if (!record(value)) return false;
  if (interval <= 0) return true;
  for (std::int64_t missing = value - interval; missing >= interval; missing -= interval)
    record(missing);
  return true;
}

std::int64_t Histogram::merge(const Histogram& other) {
  std::int64_t left_out = 0;
  for (std::size_t i = 0; i < other.counts_.size(); ++i) {
    const std::int64_t count = other.counts_[i];
    if (count == 0) continue;
    if (!record(other.value_at(i), count)) left_out += count;
  }
  return left_out;
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  total_ = 0;
}

std::int64_t Histogram::equivalent_range(std::int64_t value) const {
  return std::int64_t{1} << (unit_magnitude_ + bucket_of(value));
}

std::int64_t Histogram::lowest_equivalent(std::int64_t value) const {
  const int bucket = bucket_of(value);
  return part_of(value, bucket) << (bucket + unit_magnitude_);
}

std::int64_t Histogram::highest_equivalent(std::int64_t value) const {
  return lowest_equivalent(value) + (equivalent_range(value) - 1);
}

std::int64_t Histogram::median_equivalent(std::int64_t value) const {
  return lowest_equivalent(value) + equivalent_range(value) / 2;
}

std::int64_t Histogram::min() const {
  const auto first = std::find_if(counts_.begin(), counts_.end(), [](auto n) { return n != 0; });
  return first == counts_.end() ? 0 : value_at(static_cast<std::size_t>(first - counts_.begin()));
}

std::int64_t Histogram::max() const {
  const auto last = std::find_if(counts_.rbegin(), counts_.rend(), [](auto n) { return n != 0; });
  if (last == counts_.rend()) return 0;
  return highest_equivalent(value_at(static_cast<std::size_t>(counts_.rend() - last) - 1));
}

double Histogram::mean() const {
  if (total_ == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    if (counts_[i] != 0)
      sum += static_cast<double>(median_equivalent(value_at(i))) * static_cast<double>(counts_[i]);
  return sum / static_cast<double>(total_);
}

double Histogram::stddev() const {
  if (total_ == 0) return 0;
  const double center = mean();
  double sum = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const double away = static_cast<double>(median_equivalent(value_at(i))) - center;
    sum += away * away * static_cast<double>(counts_[i]);
  }
  return std::sqrt(sum / static_cast<double>(total_));
}

std::int64_t Histogram::value_at_percentile(double percent) const {
  if (total_ == 0) return 0;
  // As the reference: one step towards 0, so that 100 * k / n, rounded up to a double, does not
  // ask for count k + 1.
  const double below = std::nextafter(percent, -std::numeric_limits<double>::infinity());
  const double wanted = std::clamp(below, 0.0, 100.0) * static_cast<double>(total_) / 100.0;
  const auto rank = std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(wanted)), 1);
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen < rank) continue;
    const std::int64_t value = value_at(i);
    return percent <= 0 ? value : highest_equivalent(value);
  }
  return 0;
}

double Histogram::percentile_at_or_below(std::int64_t value) const {
  if (total_ == 0) return 100;
  if (value < 0) return 0;
  const std::size_t last = std::min(index_of(value), counts_.size() - 1);
  std::int64_t seen = 0;
  for (std::size_t i = 0; i <= last; ++i) seen += counts_[i];
  return 100.0 * static_cast<double>(seen) / static_cast<double>(total_);
}

std::int64_t Histogram::count_at(std::int64_t value) const {
  return fits(value) ? counts_[index_of(value)] : 0;
}

void Histogram::add_at(std::size_t index, std::int64_t times) {
  counts_.at(index) += times;
  total_ += times;
}

bool Histogram::operator==(const Histogram& other) const {
  return lowest_ == other.lowest_ && highest_ == other.highest_ && digits_ == other.digits_ &&
         counts_ == other.counts_;
}

}  // namespace daohil::hil
