#include "drivers/pacer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;

constexpr MonotonicTime kFirst{1h};
const Rate kKilohertz = Rate::millihertz(1'000'000);

// 2067 Hz: frame k is due at floor((k - 1) 10^9 / 2067) ns, exact in 64 bits up to k = 10^10.
MonotonicTime due_at_2067(std::uint64_t k) {
  return kFirst + Duration{static_cast<std::int64_t>((k - 1) * 1'000'000'000U / 2067U)};
}

TEST(Pacer, KeepsTheExactScheduleFrameByFrame) {
  Pacer pacer(Rate::millihertz(2'067'000), OnLate::skip);
  pacer.start(kFirst);
  MonotonicTime now = kFirst - 1s;
  for (std::uint64_t k = 1; k <= 100'000; ++k) {
    const auto frame = pacer.next(now);
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->id.value, k);
    ASSERT_EQ(frame->at, due_at_2067(k));
    now = frame->at + 100us;
  }
}

TEST(Pacer, HasNotDriftedAfterABillionFrames) {
  for (const std::uint64_t k : {999'999'999ULL, 1'000'000'000ULL, 1'000'000'001ULL}) {
    Pacer pacer(Rate::millihertz(2'067'000), OnLate::skip);
    pacer.start(kFirst);
    const auto frame = pacer.next(due_at_2067(k));
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->id.value, k);
    EXPECT_EQ(frame->at, due_at_2067(k));
    EXPECT_EQ(pacer.next(frame->at)->at, due_at_2067(k + 1));
  }
}

struct Turn {
  std::uint64_t id;
  Duration at;
  bool operator==(const Turn&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Turn& turn) {
  return out << "frame " << turn.id << " at " << turn.at.count() << " ns";
}

// A host that needs `work` after each frame, except after frame 3, where it stalls.
std::vector<Turn> run(OnLate on_late, Duration stall, std::size_t turns) {
  const shm::VirtualClock clock;
  Pacer pacer(kKilohertz, on_late);
  pacer.start(MonotonicTime{});
  std::vector<Turn> result;
  for (std::size_t i = 0; i < turns; ++i) {
    const auto frame = pacer.next(clock.now());
    clock.sleep_until(frame->at);
    result.push_back({frame->id.value, frame->at.since_epoch()});
    clock.advance(frame->id.value == 3 ? stall : 100us);
  }
  return result;
}

TEST(Pacer, ToleratesLessThanAPeriodWhateverThePolicy) {
  const std::vector<Turn> on_time{{1, 0ms}, {2, 1ms}, {3, 2ms}, {4, 3ms}, {5, 4ms}, {6, 5ms}};
  for (const OnLate policy : {OnLate::skip, OnLate::burst, OnLate::shift})
    EXPECT_EQ(run(policy, 1999us, 6), on_time);
}

TEST(Pacer, SkipGoesToTheNewestFrameThatIsDue) {
  // Frame 3 at 2 ms, the host is back at 6.5 ms: frames 4 to 7 are due, 7 is the newest.
  EXPECT_EQ(run(OnLate::skip, 4500us, 6),
            (std::vector<Turn>{{1, 0ms}, {2, 1ms}, {3, 2ms}, {7, 6ms}, {8, 7ms}, {9, 8ms}}));
  // Back on the very nanosecond at which frame 5 falls due: frame 4 is lost, a nanosecond before
  // it is not.
  EXPECT_EQ(run(OnLate::skip, 2ms, 4).back(), (Turn{5, 4ms}));
  EXPECT_EQ(run(OnLate::skip, 2ms - 1ns, 4).back(), (Turn{4, 3ms}));
}

TEST(Pacer, BurstDeliversEveryFrameOnTheOldSchedule) {
  EXPECT_EQ(run(OnLate::burst, 4500us, 9), (std::vector<Turn>{{1, 0ms},
                                                              {2, 1ms},
                                                              {3, 2ms},
                                                              {4, 3ms},
                                                              {5, 4ms},
                                                              {6, 5ms},
                                                              {7, 6ms},
                                                              {8, 7ms},
                                                              {9, 8ms}}));
}

TEST(Pacer, ShiftMovesTheScheduleAndLosesNothing) {
  EXPECT_EQ(
      run(OnLate::shift, 4500us, 6),
      (std::vector<Turn>{{1, 0ms}, {2, 1ms}, {3, 2ms}, {4, 6500us}, {5, 7500us}, {6, 8500us}}));
}

TEST(Pacer, EndsAfterItsFrames) {
  Pacer pacer(kKilohertz, OnLate::burst, 2);
  pacer.start(kFirst);
  EXPECT_EQ(pacer.next(kFirst)->id.value, 1U);
  EXPECT_EQ(pacer.next(kFirst)->id.value, 2U);
  EXPECT_FALSE(pacer.next(kFirst));
  EXPECT_FALSE(pacer.next(kFirst + 1s));
}

TEST(Pacer, SkipStopsAtTheLastFrame) {
  Pacer pacer(kKilohertz, OnLate::skip, 5);
  pacer.start(kFirst);
  const auto frame = pacer.next(kFirst + 1h);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->id.value, 5U);
  EXPECT_EQ(frame->at, kFirst + 4ms);
  EXPECT_FALSE(pacer.next(kFirst + 1h));
}

TEST(Pacer, StartsAgainWithFrameOne) {
  Pacer pacer(kKilohertz, OnLate::shift);
  pacer.start(kFirst);
  (void)pacer.next(kFirst + 10s);
  pacer.start(kFirst + 20s);
  const auto frame = pacer.next(kFirst + 15s);
  EXPECT_EQ(frame->id.value, 1U);
  EXPECT_EQ(frame->at, kFirst + 20s);
}

TEST(WaitUntilDue, SleepsToTheEarlierOfDueAndDeadline) {
  const shm::VirtualClock clock;
  EXPECT_EQ(wait_until_due(clock, MonotonicTime{5ms}, MonotonicTime{2ms}), WaitOutcome::timeout);
  EXPECT_EQ(clock.now(), MonotonicTime{2ms});
  EXPECT_EQ(wait_until_due(clock, MonotonicTime{5ms}, MonotonicTime{9ms}), WaitOutcome::frame);
  EXPECT_EQ(clock.now(), MonotonicTime{5ms});
  // A frame that is due is announced even when the deadline has passed.
  EXPECT_EQ(wait_until_due(clock, MonotonicTime{5ms}, MonotonicTime{1ms}), WaitOutcome::frame);
  EXPECT_EQ(clock.now(), MonotonicTime{5ms});
}

}  // namespace
}  // namespace daohil::drivers
