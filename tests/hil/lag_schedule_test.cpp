#include "hil/lag_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace daohil::hil {
namespace {

using shm::Duration;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr Duration kPeriod = milliseconds(1);

plan::ReaderPlan reader_with(std::vector<plan::Lag> lags) {
  plan::ReaderPlan reader;
  reader.lag = std::move(lags);
  return reader;
}

TEST(LagSchedule, NoLagIsNoGap) {
  const LagSchedule lag(reader_with({}), kPeriod);
  EXPECT_EQ(lag.gap_after(1), Duration{0});
  EXPECT_FALSE(lag.unread_at(0));
}

TEST(LagSchedule, ConstantServiceTime) {
  const LagSchedule lag(reader_with({plan::ConstantLag{microseconds(700)}}), kPeriod);
  for (std::uint64_t n = 1; n < 100; ++n) EXPECT_EQ(lag.gap_after(n), microseconds(700));
}

TEST(LagSchedule, ThePhaseIsAddedOnce) {
  const LagSchedule lag(reader_with({plan::ConstantLag{microseconds(1500), microseconds(250)}}),
                        kPeriod);
  EXPECT_EQ(lag.gap_after(1), microseconds(1750));
  for (std::uint64_t n = 2; n < 100; ++n) EXPECT_EQ(lag.gap_after(n), microseconds(1500));
  EXPECT_EQ(lag.longest_gap(), microseconds(1500));
}

TEST(LagSchedule, AReaderSlowerThanTheFramesNeverWaits) {
  const auto never_waits = [](Duration service) {
    return LagSchedule(reader_with({plan::ConstantLag{service}}), kPeriod).never_waits();
  };
  EXPECT_FALSE(never_waits(kPeriod));
  EXPECT_TRUE(never_waits(kPeriod + Duration{1}));
}

TEST(LagSchedule, AStallReplacesTheServiceTimeOfItsCall) {
  const LagSchedule lag(reader_with({plan::ConstantLag{microseconds(10)},
                                     plan::PeriodicLag{.every = 5, .stall = milliseconds(20)}}),
                        kPeriod);
  for (std::uint64_t n = 1; n < 100; ++n)
    EXPECT_EQ(lag.gap_after(n),
              n % 5 == 0 ? Duration{milliseconds(20)} : Duration{microseconds(10)});
  EXPECT_EQ(lag.longest_gap(), milliseconds(20));
}

// Every tenth of the frame cycle is met by one of twenty stalls, whatever the period.
TEST(LagSchedule, SweptStallsMeetEveryPhase) {
  for (const Duration period : {Duration{milliseconds(1)}, Duration{483'793}, Duration{7}}) {
    const LagSchedule lag(
        reader_with({plan::PeriodicLag{
            .every = 50, .stall = milliseconds(20), .phase = plan::StallPhase::sweep}}),
        period);
    std::vector<double> phases;
    for (std::uint64_t stall = 1; stall <= 20; ++stall) {
      const Duration before = lag.gap_after(50 * stall - 1);
      EXPECT_GE(before, period);
      EXPECT_LT(before, 2 * period);
      phases.push_back(static_cast<double>((before - period).count()) /
                       static_cast<double>(period.count()));
      EXPECT_EQ(lag.gap_after(50 * stall), milliseconds(20));
    }
    if (period.count() < 100) continue;  // too coarse to speak of tenths
    std::sort(phases.begin(), phases.end());
    EXPECT_LT(phases.front(), 0.1);
    EXPECT_GT(phases.back(), 0.9);
    for (std::size_t i = 1; i < phases.size(); ++i) EXPECT_LT(phases[i] - phases[i - 1], 0.1);
  }
}

TEST(LagSchedule, AHoldIsPartOfTheServiceTime) {
  plan::ReaderPlan reader = reader_with({});
  reader.hold = microseconds(240);
  EXPECT_EQ(LagSchedule(reader, kPeriod).gap_after(1), microseconds(240));
}

TEST(LagSchedule, LagInFramesGoesRound) {
  const LagSchedule lag(reader_with({plan::UnreadLag{{7, 8, 9}}}), kPeriod);
  const std::vector<std::uint64_t> expected{7, 8, 9, 7, 8, 9};
  for (std::uint64_t call = 0; call < 6; ++call) EXPECT_EQ(*lag.unread_at(call), expected[call]);
}

TEST(LagSchedule, ABurstIdlesAfterSoManyReads) {
  const LagSchedule lag(reader_with({plan::ConstantLag{microseconds(10)},
                                     plan::BurstLag{.reads = 4, .idle = milliseconds(7)}}),
                        kPeriod);
  for (std::uint64_t n = 1; n < 50; ++n)
    EXPECT_EQ(lag.gap_after(n),
              n % 4 == 0 ? Duration{milliseconds(7)} : Duration{microseconds(10)});
  EXPECT_EQ(lag.longest_gap(), milliseconds(7));
  EXPECT_EQ(lag.pace(), microseconds(10));
  EXPECT_FALSE(lag.is_constant());
}

TEST(LagSchedule, ATraceGoesRound) {
  const std::vector<Duration> gaps{microseconds(5), milliseconds(3), microseconds(0)};
  const LagSchedule lag(reader_with({plan::TraceLag{gaps}}), kPeriod);
  for (std::uint64_t n = 1; n < 30; ++n) EXPECT_EQ(lag.gap_after(n), gaps[(n - 1) % 3]);
  EXPECT_EQ(lag.longest_gap(), milliseconds(3));
}

// Stopped from 5 ms on for 2 ms: a call intended meanwhile is made at the end, and no other moves.
TEST(LagSchedule, AStoppedProcessCallsAtTheEndOfItsStop) {
  const LagSchedule lag(reader_with({plan::ConstantLag{microseconds(300)},
                                     plan::StopLag{milliseconds(5), milliseconds(2)}}),
                        kPeriod);
  EXPECT_EQ(lag.when_running(milliseconds(5) - Duration{1}), milliseconds(5) - Duration{1});
  EXPECT_EQ(lag.when_running(milliseconds(5)), milliseconds(7));
  EXPECT_EQ(lag.when_running(milliseconds(7) - Duration{1}), milliseconds(7));
  EXPECT_EQ(lag.when_running(milliseconds(7)), milliseconds(7));
  EXPECT_EQ(lag.gap_after(3), microseconds(300));
  EXPECT_EQ(lag.longest_gap(), microseconds(2300)) << "intended just before, and made after";
}

plan::PauseLag pauses() {
  return {.rate_hz = 100, .median = milliseconds(8), .sigma = 0.8, .cap = milliseconds(100)};
}

// One in ten frames of 1 ms, half of the pauses over the median, none over the cap; and of the
// logarithms the standard deviation is sigma. Bounds of five standard deviations of n = 20 000.
TEST(LagSchedule, PausesHaveTheirRateMedianAndWidth) {
  const LagSchedule lag(reader_with({pauses()}), kPeriod, 1);
  std::vector<double> logs;
  constexpr int kFrames = 200'000;
  for (std::uint64_t n = 1; n <= kFrames; ++n) {
    const Duration gap = lag.gap_after(n);
    EXPECT_LE(gap, milliseconds(100));
    if (gap.count() > 0) logs.push_back(std::log(static_cast<double>(gap.count())));
  }
  const auto count = static_cast<double>(logs.size());
  EXPECT_NEAR(count, 20'000, 5 * std::sqrt(kFrames * 0.1 * 0.9));
  const double median = std::log(8e6);
  const auto over = std::count_if(logs.begin(), logs.end(), [&](double x) { return x > median; });
  EXPECT_NEAR(static_cast<double>(over), count / 2, 5 * std::sqrt(count) / 2);
  // A standard normal variable is below 1 with the probability 0.841345.
  const auto within =
      std::count_if(logs.begin(), logs.end(), [&](double x) { return x < median + 0.8; });
  EXPECT_NEAR(static_cast<double>(within), 0.841345 * count, 5 * std::sqrt(count * 0.1335));
  EXPECT_EQ(lag.longest_gap(), milliseconds(100));
}

TEST(LagSchedule, PausesFollowFromTheSeedAndTheReadersName) {
  plan::ReaderPlan slow = reader_with({pauses()});
  slow.name = "slow";
  plan::ReaderPlan other = slow;
  other.name = "other";
  const auto gaps = [](const plan::ReaderPlan& reader, std::uint64_t seed) {
    const LagSchedule lag(reader, kPeriod, seed);
    std::vector<Duration> all;
    for (std::uint64_t n = 1; n <= 500; ++n) all.push_back(lag.gap_after(n));
    return all;
  };
  EXPECT_EQ(gaps(slow, 1), gaps(slow, 1));
  EXPECT_NE(gaps(slow, 1), gaps(slow, 2));
  EXPECT_NE(gaps(slow, 1), gaps(other, 1));
}

TEST(LagSchedule, OfSeveralTheLongestCounts) {
  const LagSchedule lag(reader_with({plan::ConstantLag{microseconds(400)},
                                     plan::PeriodicLag{.every = 2, .stall = milliseconds(3)},
                                     plan::BurstLag{.reads = 3, .idle = milliseconds(5)},
                                     plan::TraceLag{{microseconds(100), microseconds(900)}}}),
                        kPeriod);
  const std::vector<Duration> expected{microseconds(400), milliseconds(3),   milliseconds(5),
                                       milliseconds(3),   microseconds(400), milliseconds(5)};
  for (std::uint64_t n = 1; n <= 6; ++n) EXPECT_EQ(lag.gap_after(n), expected[n - 1]) << n;
}

TEST(LagSchedule, AHogIsNoPlannedGap) {
  const LagSchedule lag(
      reader_with({plan::HogLag{.spin = milliseconds(50), .every = milliseconds(100)}}), kPeriod);
  EXPECT_EQ(lag.gap_after(1), Duration{0});
  EXPECT_EQ(lag.longest_gap(), Duration{0});
}

// Who polls in order asks again after the spacing; in the modes that find a frame nearly always the
// spacing is the least gap between two calls.
TEST(LagSchedule, APollerHasASpacing) {
  plan::ReaderPlan reader = reader_with({plan::ConstantLag{microseconds(20)}});
  EXPECT_FALSE(LagSchedule(reader, kPeriod).poll());
  reader.on_empty = plan::OnEmpty::poll;
  reader.poll = microseconds(70);
  const LagSchedule in_order(reader, kPeriod);
  EXPECT_EQ(in_order.poll(), microseconds(70));
  EXPECT_EQ(in_order.gap_after(1), microseconds(20));
  reader.mode = plan::ReadMode::newest;
  const LagSchedule newest(reader, kPeriod);
  EXPECT_EQ(newest.gap_after(1), microseconds(70));
  EXPECT_EQ(newest.pace(), microseconds(70));
  reader.poll = Duration{0};
  EXPECT_GT(*LagSchedule(reader, kPeriod).poll(), Duration{0}) << "virtual time would stand still";
}

}  // namespace
}  // namespace daohil::hil
