#include "hil/judge/theory_lag.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "hil/judge/theory_ring.hpp"

namespace daohil::hil::judge {
namespace {

using shm::Duration;
using shm::Rate;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

plan::ReaderPlan reader_with(std::vector<plan::Lag> lags) {
  plan::ReaderPlan reader;
  reader.name = "r";
  reader.lag = std::move(lags);
  return reader;
}

LagSchedule constant(Duration service, Rate rate) {
  return {reader_with({plan::ConstantLag{service}}), rate.period()};
}

// A FIFO as a child would draw it: a list of the last N frames, stepped from event to event. It
// shares no formula with the recursion.
Totals brute_force(const LagSchedule& lag, std::uint64_t depth, std::uint64_t frames, Rate rate) {
  std::deque<std::uint64_t> ring;
  std::uint64_t written = 0;
  std::uint64_t read = 0;
  Totals totals;
  Duration call{0};
  bool waiting = false;
  for (;;) {
    const Duration next_frame = rate.offset_of(written);
    const bool writer_first = written < frames && (waiting || next_frame <= call);
    if (writer_first) {
      ring.push_back(++written);
      if (ring.size() > depth) ring.pop_front();
      if (!waiting) continue;
      waiting = false;
      call = next_frame;
    } else if (waiting || call > rate.offset_of(frames - 1)) {
      break;
    }
    const auto wanted = std::find(ring.begin(), ring.end(), read + 1);
    if (wanted != ring.end()) {
      read += 1;
    } else if (!ring.empty() && ring.back() > read) {
      totals.overwrites += 1;
      totals.lost += ring.back() - read - 1;
      read = ring.back();
    } else {
      waiting = true;
      continue;
    }
    totals.delivered += 1;
    call += lag.gap_after(totals.delivered);
  }
  totals.backlog = written - read;
  return totals;
}

TEST(Theory, OutcomeByUnreadFrames) {
  for (std::uint64_t n = 1; n <= 128; ++n) {
    EXPECT_EQ(outcome_of(0, n), Outcome::not_ready);
    EXPECT_EQ(outcome_of(1, n), Outcome::success);
    EXPECT_EQ(outcome_of(n, n), Outcome::success) << "a lag of exactly N is still a success";
    EXPECT_EQ(outcome_of(n + 1, n), Outcome::overwrite);
  }
}

// The phase of a plan comes with the second read: the closed forms then hold from there on.
TEST(Theory, ThePhaseOfAPlanIsThatOfTheClosedForm) {
  const Rate rate = Rate::millihertz(1'000'000);  // T = 1 ms
  std::mt19937_64 random(20261122);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t depth = 1 + random() % 70;
    const Duration service{1'000'001 + static_cast<std::int64_t>(random() % 1'000'000)};
    const Duration phase{static_cast<std::int64_t>(random() % 1'000'000)};
    const std::uint64_t frames = 2 + random() % 3000;
    const Totals exact =
        recursion({reader_with({plan::ConstantLag{service, phase}}), rate.period()}, depth, frames,
                  {.rate = rate});
    if (exact.delivered < 2) continue;
    const auto closed = constant_lag({rate, service, phase}, depth, exact.delivered);
    ASSERT_TRUE(closed);
    ASSERT_EQ(exact.overwrites, closed->overwrites)
        << "N " << depth << " p " << service.count() << " phase " << phase.count();
    ASSERT_EQ(exact.lost, closed->lost);
  }
}

// T3 with rho = m: J = ceil(N/(m-1)) reads, J(m-1) lost, and the phase stays.
TEST(Theory, CycleOfIntegerRho) {
  const Rate rate = Rate::millihertz(1'000'000);
  for (std::uint64_t rho = 2; rho <= 7; ++rho)
    for (std::uint64_t depth : {1U, 2U, 5U, 8U, 64U}) {
      const Duration service = milliseconds(static_cast<int>(rho));
      const auto cycle = next_overwrite({rate, service, Duration{0}}, depth, Duration{0});
      ASSERT_TRUE(cycle);
      EXPECT_EQ(cycle->reads, (depth + rho - 2) / (rho - 1));
      EXPECT_EQ(cycle->lost, cycle->reads * (rho - 1));
      EXPECT_EQ(cycle->phase, Duration{0});
      // A whole number of cycles after the first read at phase 0.
      const std::uint64_t reads = 1 + 20 * cycle->reads;
      const std::uint64_t frames = 1 + (reads - 1) * rho;
      const Totals totals = recursion(constant(service, rate), depth, frames, {.rate = rate});
      EXPECT_EQ(totals.overwrites, 20U) << "N " << depth << " rho " << rho;
      EXPECT_EQ(totals.lost, 20 * cycle->lost);
    }
}

TEST(Theory, AReaderThatKeepsUpLosesNothing) {
  const Rate rate = Rate::hertz(2067);
  for (const std::int64_t service : {std::int64_t{0}, rate.period().count() / 2,
                                     rate.period().count() * 9 / 10, rate.period().count() - 1}) {
    const Totals totals = recursion(constant(Duration{service}, rate), 1, 10'000, {.rate = rate});
    EXPECT_EQ(totals, (Totals{.delivered = 10'000, .overwrites = 0, .lost = 0, .backlog = 0}));
  }
}

// T4: a caught-up waiting reader is lapped by one gap g exactly when g >= (N + 1) T.
TEST(Theory, StallBoundary) {
  const Rate rate = Rate::hertz(1000);
  for (std::uint64_t depth = 1; depth <= 40; ++depth) {
    const Duration edge = rate.offset_of(depth + 1);
    for (const std::int64_t beside : {-10'000, -1, 0, 1, 10'000}) {
      const Duration gap = edge + Duration{beside};
      const std::uint64_t unread = lapse_of({rate, depth, gap, Duration{0}})->unread;
      EXPECT_EQ(unread >= depth + 1, beside >= 0) << "N " << depth << " beside " << beside;
      const std::uint64_t every = 3 * (depth + 2);
      const LagSchedule lag(reader_with({plan::PeriodicLag{.every = every, .stall = gap}}),
                            rate.period());
      // One stall, after `every` frames, and time to recover.
      const std::uint64_t frames = every + unread + 2;
      const Totals totals = recursion(lag, depth, frames, {.rate = rate});
      EXPECT_EQ(totals.overwrites, beside >= 0 ? 1U : 0U);
      EXPECT_EQ(totals.lost, beside >= 0 ? unread - 1 : 0U);
    }
  }
}

// T7 is sufficient for every phase, and the depth below what the exact bound asks for is not.
TEST(Theory, SafeDepthSurvivesEveryPhase) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    const Rate rate = Rate::millihertz(static_cast<std::int64_t>(500'000 + random() % 2'000'000));
    const Duration gap{static_cast<std::int64_t>(random() % 20'000'000)};
    const std::uint64_t depth = safe_depth(gap, Duration{0}, microseconds(50), rate);
    const LagSchedule lag(reader_with({plan::PeriodicLag{
                              .every = 60, .stall = gap, .phase = plan::StallPhase::sweep}}),
                          rate.period());
    EXPECT_EQ(recursion(lag, depth, 6000, {.rate = rate}).overwrites, 0U);
  }
  EXPECT_EQ(safe_depth(milliseconds(10), microseconds(240), microseconds(50), Rate::hertz(1000)),
            11U);
  EXPECT_EQ(safe_depth(milliseconds(10), microseconds(240), microseconds(50), Rate::hertz(2067)),
            22U);
  EXPECT_EQ(safe_depth(Duration{0}, Duration{0}, Duration{0}, Rate::hertz(1000)), 1U);
}

TEST(Theory, RecursionEqualsBruteForce) {
  std::mt19937_64 random(42);
  for (int i = 0; i < 20'000; ++i) {
    const Rate rate = Rate::millihertz(static_cast<std::int64_t>(1 + random() % 5'000'000));
    const std::uint64_t depth = 1 + random() % 12;
    const std::uint64_t frames = 1 + random() % 120;
    const auto period = static_cast<std::uint64_t>(rate.period().count());
    std::vector<plan::Lag> lags{
        plan::ConstantLag{Duration{static_cast<std::int64_t>(random() % (3 * period))}}};
    if (random() % 2 == 0)
      lags.emplace_back(plan::PeriodicLag{
          .every = 1 + random() % 20,
          .stall = Duration{static_cast<std::int64_t>(random() % (30 * period))},
          .phase = random() % 2 == 0 ? plan::StallPhase::fixed : plan::StallPhase::sweep});
    const LagSchedule lag(reader_with(lags), rate.period());
    ASSERT_EQ(recursion(lag, depth, frames, {.rate = rate}), brute_force(lag, depth, frames, rate))
        << "case " << i << " N " << depth << " frames " << frames << " mHz " << rate.millihertz();
  }
}

TEST(Theory, ConservationHoldsForEveryRecursion) {
  std::mt19937_64 random(11);
  const Rate rate = Rate::hertz(2067);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t frames = 1 + random() % 5000;
    const std::uint64_t depth = 1 + random() % 100;
    const Deviation deviation{
        .rate = rate,
        .wake_latency = Duration{static_cast<std::int64_t>(random() % 400'000)},
        .call_lateness = Duration{static_cast<std::int64_t>(random() % 400'000)}};
    const Totals t =
        recursion(constant(Duration{static_cast<std::int64_t>(random() % 2'000'000)}, rate), depth,
                  frames, deviation);
    ASSERT_EQ(t.delivered + t.lost + t.backlog, frames);  // T0
    ASSERT_GE(t.lost, t.overwrites * depth);              // T1
  }
}

TEST(Theory, LagCountedInFrames) {
  const Rate rate = Rate::hertz(1000);
  const LagSchedule lag(reader_with({plan::UnreadLag{{7, 8, 9, 10}}}), rate.period());
  // N = 8: 7 and 8 unread are a success each, 9 an overwrite that loses 8, 10 one that loses 9.
  const Totals totals = recursion(lag, 8, 1000, {.rate = rate});
  EXPECT_NEAR(static_cast<double>(totals.overwrites), static_cast<double>(totals.delivered) / 2, 1);
  EXPECT_EQ(totals.delivered + totals.lost + totals.backlog, 1000U);
}

}  // namespace
}  // namespace daohil::hil::judge
