#include "shm/interval_meter.hpp"

#include <algorithm>

namespace daohil::shm {
namespace {

constexpr double kNanosPerSecond = 1e9;

Duration between(UtcTime from, UtcTime to) { return Duration{to.count() - from.count()}; }

// Nearest rank, in exact arithmetic: the ceil(n p / 1000)-th smallest.
Duration percentile(std::vector<Duration>& values, std::uint64_t permille) {
  constexpr std::uint64_t kWhole = 1000;
  const auto rank = (values.size() * permille + kWhole - 1) / kWhole;
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(std::max<std::uint64_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

IntervalMeter::IntervalMeter(std::size_t capacity)
    : capacity_(std::max<std::size_t>(capacity, 2)) {}

void IntervalMeter::recreated() {
  ++counts_.recreated;
  last_.reset();
  of_new_stream_ = true;
}

void IntervalMeter::begin_run(const Observation& frame) {
  if (of_new_stream_ && frame.counter.value > 1) {
    counts_.lost += frame.counter.value - 1;
    ++counts_.gaps;
  }
  of_new_stream_ = false;
  last_ = frame;
}

void IntervalMeter::compare_ids(FrameId id, std::uint64_t steps) {
  // A device's number that goes back is a device that was started again.
  if (id.value == 0 || last_->id.value == 0 || id < last_->id) return;
  const std::uint64_t advance = id.value - last_->id.value;
  if (advance == 0) ++counts_.device_repeated;
  if (advance > steps) counts_.device_lost += advance - steps;
}

void IntervalMeter::observe(const Observation& frame) {
  ++counts_.frames;
  if (!last_) return begin_run(frame);
  if (frame.counter == last_->counter) {
    ++counts_.duplicates;
    return;
  }
  if (frame.counter < last_->counter) {
    ++counts_.rewinds;
    return begin_run(frame);
  }
  const std::uint64_t steps = frame.counter - last_->counter;
  const Duration passed = between(last_->time, frame.time);
  if (steps > 1) {
    counts_.lost += steps - 1;
    ++counts_.gaps;
  }
  compare_ids(frame.id, steps);
  if (passed < Duration{0}) {
    ++counts_.time_steps;
  } else {
    span_ += passed;
    periods_ += steps;
    if (steps == 1) add_interval(passed);
  }
  last_ = frame;
}

void IntervalMeter::add_interval(Duration interval) {
  min_ = intervals_ == 0 ? interval : std::min(min_, interval);
  max_ = std::max(max_, interval);
  sum_ += interval;
  if (intervals_++ % stride_ != 0) return;
  if (kept_.size() == capacity_) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < kept_.size(); i += 2) kept_[n++] = kept_[i];
    kept_.resize(n);
    stride_ *= 2;
    if ((intervals_ - 1) % stride_ != 0) return;
  }
  kept_.push_back(interval);
}

std::optional<IntervalStatistics> IntervalMeter::statistics() const {
  if (intervals_ == 0) return std::nullopt;
  std::vector<Duration> values = kept_;
  IntervalStatistics s{.count = intervals_, .min = min_, .max = max_, .of_every = stride_};
  s.mean = sum_ / static_cast<Duration::rep>(intervals_);
  s.median = percentile(values, 500);
  s.p99 = percentile(values, 990);
  s.p999 = percentile(values, 999);
  return s;
}

PaceReport IntervalMeter::report() const {
  PaceReport report = counts_;
  report.interval = statistics();
  if (span_ > Duration{0})
    report.rate_hz =
        static_cast<double>(periods_) * kNanosPerSecond / static_cast<double>(span_.count());
  return report;
}

}  // namespace daohil::shm
