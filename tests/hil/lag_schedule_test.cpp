#include "hil/lag_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

}  // namespace
}  // namespace daohil::hil
