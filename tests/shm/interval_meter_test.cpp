// The pace of a stream out of made-up observations: every number is computed by hand.

#include "shm/interval_meter.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace daohil::shm {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kBegin = 1'763'900'000'000'000'000;  // a UTC time in ns, as streams have

Observation frame(std::uint64_t counter, Duration at, std::uint64_t id = 0) {
  return {Counter{counter}, FrameId{id}, UtcTime{Duration{kBegin} + at}};
}

PaceReport report_of(std::initializer_list<Observation> frames) {
  IntervalMeter meter;
  for (const auto& f : frames) meter.observe(f);
  return meter.report();
}

TEST(IntervalMeter, SaysNothingBeforeThereIsAnything) {
  const PaceReport none = report_of({});
  EXPECT_EQ(none.frames, 0U);
  EXPECT_FALSE(none.rate_hz);
  EXPECT_FALSE(none.interval);
  const PaceReport one = report_of({frame(7, 0us)});
  EXPECT_EQ(one.frames, 1U);
  EXPECT_EQ(one.lost, 0U);  // what was before the first look is not lost
  EXPECT_FALSE(one.rate_hz);
  EXPECT_FALSE(one.interval);
}

TEST(IntervalMeter, ARegularStreamHasItsRateAndOneInterval) {
  IntervalMeter meter;
  for (std::uint64_t k = 0; k <= 1000; ++k) meter.observe(frame(100 + k, k * 500us));
  const PaceReport report = meter.report();
  EXPECT_EQ(report.frames, 1001U);
  EXPECT_DOUBLE_EQ(report.rate_hz.value(), 2000.0);
  const IntervalStatistics& i = report.interval.value();
  EXPECT_EQ(i.count, 1000U);
  for (const Duration d : {i.min, i.mean, i.median, i.p99, i.p999, i.max}) EXPECT_EQ(d, 500us);
  EXPECT_EQ(i.of_every, 1U);
  EXPECT_EQ(report.lost + report.gaps + report.duplicates + report.rewinds + report.recreated +
                report.time_steps + report.device_lost + report.device_repeated,
            0U);
}

TEST(IntervalMeter, PercentilesAreNearestRank) {
  // Intervals 1 .. 1000 us, shuffled by a step that is coprime to 1000.
  IntervalMeter meter;
  Duration at{0};
  meter.observe(frame(1, at));
  for (std::uint64_t k = 1; k <= 1000; ++k)
    meter.observe(frame(1 + k, at += (1 + (k * 387) % 1000) * 1us));
  const IntervalStatistics i = meter.report().interval.value();
  EXPECT_EQ(i.min, 1us);
  EXPECT_EQ(i.median, 500us);
  EXPECT_EQ(i.p99, 990us);
  EXPECT_EQ(i.p999, 999us);
  EXPECT_EQ(i.max, 1000us);
  EXPECT_EQ(i.mean, 500'500ns);
  EXPECT_DOUBLE_EQ(meter.report().rate_hz.value(), 1000 / 0.500500);
}

TEST(IntervalMeter, OfFewIntervalsHighPercentilesAreTheLargest) {
  const auto i =
      report_of({frame(1, 0us), frame(2, 10us), frame(3, 30us), frame(4, 60us)}).interval.value();
  EXPECT_EQ(i.median, 20us);
  EXPECT_EQ(i.p99, 30us);
  EXPECT_EQ(i.p999, 30us);
}

TEST(IntervalMeter, AGapIsLossAndNoInterval) {
  const PaceReport report =
      report_of({frame(1, 0us), frame(2, 100us), frame(6, 500us), frame(7, 600us)});
  EXPECT_EQ(report.frames, 4U);
  EXPECT_EQ(report.lost, 3U);
  EXPECT_EQ(report.gaps, 1U);
  EXPECT_EQ(report.interval->count, 2U);
  EXPECT_EQ(report.interval->max, 100us);
  EXPECT_DOUBLE_EQ(report.rate_hz.value(), 10'000.0);  // 6 periods in 600 us
}

TEST(IntervalMeter, ADuplicateIsCountedAndMeasuresNothing) {
  const PaceReport report =
      report_of({frame(1, 0us), frame(2, 100us), frame(2, 100us), frame(3, 200us)});
  EXPECT_EQ(report.frames, 4U);
  EXPECT_EQ(report.duplicates, 1U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_EQ(report.interval->count, 2U);
  EXPECT_EQ(report.interval->min, 100us);
}

TEST(IntervalMeter, ARewindBeginsANewRun) {
  // Between the runs lie 10 s in which nothing is known to have been published.
  const PaceReport report =
      report_of({frame(50, 0us), frame(51, 100us), frame(1, 10s), frame(2, 10s + 300us)});
  EXPECT_EQ(report.rewinds, 1U);
  EXPECT_EQ(report.recreated, 0U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_EQ(report.interval->count, 2U);
  EXPECT_EQ(report.interval->min, 100us);
  EXPECT_EQ(report.interval->max, 300us);
  EXPECT_DOUBLE_EQ(report.rate_hz.value(), 5000.0);  // 2 periods in 400 us
}

TEST(IntervalMeter, ARecreatedStreamCountsFromOne) {
  IntervalMeter meter;
  meter.observe(frame(50, 0us));
  meter.observe(frame(51, 100us));
  meter.recreated();
  meter.observe(frame(4, 1s));  // 1, 2 and 3 were missed
  meter.observe(frame(5, 1s + 100us));
  meter.recreated();
  meter.observe(frame(1, 2s));
  const PaceReport report = meter.report();
  EXPECT_EQ(report.recreated, 2U);
  EXPECT_EQ(report.rewinds, 0U);
  EXPECT_EQ(report.lost, 3U);
  EXPECT_EQ(report.gaps, 1U);
  EXPECT_EQ(report.interval->count, 2U);
  EXPECT_EQ(report.interval->max, 100us);
  EXPECT_DOUBLE_EQ(report.rate_hz.value(), 10'000.0);
}

TEST(IntervalMeter, AClockThatStepsBackIsNoInterval) {
  const PaceReport report =
      report_of({frame(1, 1s), frame(2, 1s + 100us), frame(3, 500ms), frame(4, 500ms + 100us)});
  EXPECT_EQ(report.time_steps, 1U);
  EXPECT_EQ(report.rewinds, 0U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_EQ(report.interval->count, 2U);
  EXPECT_EQ(report.interval->min, 100us);
  EXPECT_DOUBLE_EQ(report.rate_hz.value(), 10'000.0);
}

TEST(IntervalMeter, ATimeThatStandsGivesNoRate) {
  const PaceReport report = report_of({frame(1, 0us), frame(2, 0us)});
  EXPECT_FALSE(report.rate_hz);
  EXPECT_EQ(report.interval->max, 0us);
}

TEST(IntervalMeter, TheDevicesNumbersTellWhatItLost) {
  // Three numbers are missing before the stream, one frame carries a number twice; counters 5 and 6
  // with their numbers are lost by the reader, not by the device.
  const PaceReport report =
      report_of({frame(1, 0us, 10), frame(2, 1us, 14), frame(3, 2us, 14), frame(4, 3us, 15),
                 frame(7, 6us, 18), frame(8, 7us, 2), frame(9, 8us, 3)});
  EXPECT_EQ(report.device_lost, 3U);
  EXPECT_EQ(report.device_repeated, 1U);
  EXPECT_EQ(report.lost, 2U);
}

TEST(IntervalMeter, NumbersThatNobodyWritesAreNotRepeated) {
  const PaceReport report = report_of({frame(1, 0us), frame(2, 1us), frame(3, 2us)});
  EXPECT_EQ(report.device_repeated, 0U);
}

TEST(IntervalMeter, ALongMeasurementThinsThePercentilesOnly) {
  constexpr std::uint64_t kFrames = 1000;
  IntervalMeter meter(64);
  Duration at{0};
  meter.observe(frame(1, at));
  for (std::uint64_t k = 1; k <= kFrames; ++k)
    meter.observe(frame(1 + k, at += k * 1us));  // interval k us
  const IntervalStatistics i = meter.report().interval.value();
  EXPECT_EQ(i.count, kFrames);
  EXPECT_EQ(i.min, 1us);
  EXPECT_EQ(i.max, 1000us);
  EXPECT_EQ(i.mean, 500'500ns);
  // 64 places: after 64 intervals every 2nd is kept, after 128 every 4th, 256: 8th, 512: 16th.
  EXPECT_EQ(i.of_every, 16U);
  // 1, 17, 33, ... 993: 63 of them, the 32nd is 1 + 31 * 16.
  EXPECT_EQ(i.median, 497us);
}

}  // namespace
}  // namespace daohil::shm
