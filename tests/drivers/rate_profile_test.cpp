#include "drivers/rate_profile.hpp"

#include <gtest/gtest.h>

#include <random>

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;
using shm::Duration;
using shm::Rate;

TEST(RateProfile, WithoutStepsIsTheRate) {
  const Rate rate = Rate::millihertz(2'067'000);
  const RateProfile profile(rate);
  for (std::uint64_t k = 0; k < 5000; ++k) {
    EXPECT_EQ(profile.offset_of(k), rate.offset_of(k));
    EXPECT_EQ(profile.frames_by(rate.offset_of(k)), k + 1);
    EXPECT_EQ(profile.frames_by(rate.offset_of(k) - 1ns), k);
  }
  EXPECT_EQ(profile.frames_by(-1ns), 0U);
}

// 1 kHz, at 3 ms 500 Hz, at 9 ms 2 kHz: frames at 0 1 2 | 3 5 7 | 9 9.5 10 ms.
TEST(RateProfile, TheFirstFrameOfAPieceComesWhenItWouldHave) {
  const RateProfile profile(Rate::hertz(1000), {{3ms, Rate::hertz(500)}, {9ms, Rate::hertz(2000)}});
  const std::vector<Duration> due{0ms, 1ms, 2ms, 3ms, 5ms, 7ms, 9ms, 9500us, 10ms};
  for (std::size_t k = 0; k < due.size(); ++k) EXPECT_EQ(profile.offset_of(k), due[k]) << k;
}

// A step between two frames takes effect with the next of them.
TEST(RateProfile, AStepBetweenTwoFramesWaitsForTheNext) {
  const RateProfile profile(Rate::hertz(1000), {{2500us, Rate::hertz(100)}});
  const std::vector<Duration> due{0ms, 1ms, 2ms, 3ms, 13ms, 23ms};
  for (std::size_t k = 0; k < due.size(); ++k) EXPECT_EQ(profile.offset_of(k), due[k]) << k;
}

// Several steps before one frame: the last of them holds for it.
TEST(RateProfile, StepsWithinOneFrameLeaveTheLast) {
  const RateProfile profile(Rate::hertz(100), {{1ms, Rate::hertz(1000)}, {2ms, Rate::hertz(500)}});
  const std::vector<Duration> due{0ms, 10ms, 12ms, 14ms};
  for (std::size_t k = 0; k < due.size(); ++k) EXPECT_EQ(profile.offset_of(k), due[k]) << k;
}

// Frame by frame instead of by number; and the two functions are each other's inverse.
TEST(RateProfile, EqualsASourceThatIsSteppedFrameByFrame) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 300; ++i) {
    const auto any_rate = [&] {
      return Rate::millihertz(static_cast<std::int64_t>(100'000 + random() % 4'000'000));
    };
    const Rate first = any_rate();
    std::vector<RateStep> steps;
    Duration at{0};
    for (int n = 0; n < 4; ++n) {
      at += Duration{static_cast<std::int64_t>(1 + random() % 20'000'000)};
      steps.push_back({at, any_rate()});
    }
    const RateProfile profile(first, steps);
    Rate rate = first;
    Duration begin{0};
    std::uint64_t within = 0;
    std::size_t next = 0;
    for (std::uint64_t k = 0; k < 200; ++k, ++within) {
      const Duration due = begin + rate.offset_of(within);
      for (; next < steps.size() && steps[next].at <= due; ++next) {
        rate = steps[next].to;
        begin = due;
        within = 0;
      }
      ASSERT_EQ(profile.offset_of(k), due) << "case " << i << " frame " << k;
      ASSERT_EQ(profile.frames_by(due), k + 1);
      ASSERT_EQ(profile.frames_by(due - 1ns), k);
    }
  }
}

}  // namespace
}  // namespace daohil::drivers
