#include "shm/time.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::uint64_t kCentury = 3'155'760'000'000'000'000;  // ns; fits 63 bits

TEST(Rate, OffsetsAreExactWhereAPeriodIsNot) {
  // 3 Hz: the period is 333 333 333.3 ns; frame 3 000 000 is due after exactly 1 000 000 s.
  const Rate rate = Rate::millihertz(3000);
  EXPECT_EQ(rate.period(), 333'333'333ns);
  EXPECT_EQ(rate.offset_of(0), 0ns);
  EXPECT_EQ(rate.offset_of(1), 333'333'333ns);
  EXPECT_EQ(rate.offset_of(2), 666'666'666ns);
  EXPECT_EQ(rate.offset_of(3), 1s);
  EXPECT_EQ(rate.offset_of(3'000'000), 1'000'000s);
  EXPECT_EQ(Rate::millihertz(2'000'000).offset_of(7), 3'500us);
}

TEST(Rate, PeriodIsRoundedToTheNearest) {
  EXPECT_EQ(Rate::millihertz(1).period(), 1'000'000'000'000ns);
  EXPECT_EQ(Rate::millihertz(1'000'000'000'000).period(), 1ns);
  EXPECT_EQ(Rate::millihertz(1500).period(), 666'666'667ns);
  EXPECT_EQ(Rate::millihertz(600'000'000'000).period(), 2ns);  // 1.67
}

void check_inverse(Rate rate, std::uint64_t k) {
  const Duration due = rate.offset_of(k);
  // offset_of(j) <= t exactly for j < frames_by(t)
  for (const Duration t : {due - 1ns, due, due + 1ns}) {
    if (t < 0ns) continue;
    const std::uint64_t frames = rate.frames_by(t);
    ASSERT_GT(frames, 0U);
    ASSERT_LE(rate.offset_of(frames - 1), t) << rate.millihertz() << " mHz, k " << k;
    ASSERT_GT(rate.offset_of(frames), t) << rate.millihertz() << " mHz, k " << k;
  }
}

TEST(Rate, FramesByIsTheInverseOfOffsetOf) {
  std::mt19937_64 random(20261123);
  for (int i = 0; i < 200'000; ++i) {
    // Rates and frame numbers spread over all their magnitudes.
    const auto rate = Rate::millihertz(
        1 + static_cast<std::int64_t>((random() % 1'000'000'000'000) >> (random() % 40)));
    const double per_ns = static_cast<double>(rate.millihertz()) / 1e12;
    const auto most = static_cast<std::uint64_t>(static_cast<double>(kCentury) * per_ns);
    const std::uint64_t k = most == 0 ? 0 : (random() >> (random() % 64)) % most;
    check_inverse(rate, k);
    if (HasFatalFailure()) return;
  }
}

TEST(Rate, FramesByIsTheInverseAtTheExtremes) {
  for (const std::int64_t mhz : {std::int64_t{1}, std::int64_t{2}, std::int64_t{3},
                                 std::int64_t{999'999'999'999}, std::int64_t{1'000'000'000'000}}) {
    const Rate rate = Rate::millihertz(mhz);
    const std::uint64_t last = rate.frames_by(Duration{kCentury}) - 1;
    for (const std::uint64_t k : {std::uint64_t{0}, std::uint64_t{1}, last / 2, last})
      check_inverse(rate, k);
  }
}

TEST(Rate, NothingIsDueBeforeTheStart) {
  const Rate rate = Rate::millihertz(1'000'000);
  EXPECT_EQ(rate.frames_by(-1ns), 0U);
  EXPECT_EQ(rate.frames_by(Duration::min()), 0U);
  EXPECT_EQ(rate.frames_by(0ns), 1U) << "frame 0 is due at 0";
}

TEST(Rate, RefusesWhatIsOutsideItsRange) {
  for (const std::int64_t bad :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'000'000'000'001},
        std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {fmt::format("{}", bad)},
                           [&] { (void)Rate::millihertz(bad); }));
  using Limits = std::numeric_limits<double>;
  for (const double bad : {0.0, -1.0, 1e-4, 1.1e9, Limits::infinity(), -Limits::infinity(),
                           Limits::quiet_NaN(), Limits::max()})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {}, [&] { (void)Rate::hertz(bad); })) << bad;
}

TEST(Rate, HertzRoundsToTheNearestMillihertz) {
  EXPECT_EQ(Rate::hertz(1e-3).millihertz(), 1);
  EXPECT_EQ(Rate::hertz(1e9).millihertz(), 1'000'000'000'000);
  EXPECT_EQ(Rate::hertz(1999.9996).millihertz(), 2'000'000);
  EXPECT_EQ(Rate::hertz(0.0014).millihertz(), 1);
  EXPECT_EQ(Rate::hertz(493.827).millihertz(), 493'827);
  EXPECT_DOUBLE_EQ(Rate::millihertz(493'827).hertz(), 493.827);
}

TEST(VirtualClock, MovesOnlyWhenToldTo) {
  const VirtualClock clock(UtcTime{5s});
  EXPECT_EQ(clock.now().count(), 0);
  EXPECT_EQ(clock.utc_now().count(), 5'000'000'000);
  clock.advance(3ms);
  clock.advance(1ns);
  EXPECT_EQ(clock.now().count(), 3'000'001);
  clock.sleep_until(MonotonicTime{10ms});
  EXPECT_EQ(clock.now(), MonotonicTime{10ms});
  clock.sleep_until(MonotonicTime{2ms});
  EXPECT_EQ(clock.now(), MonotonicTime{10ms}) << "never back";
  EXPECT_EQ(clock.utc_now().count(), 5'010'000'000);
}

TEST(VirtualClock, StampsTheFramesOfAWriter) {
  const TempStream stream;
  const VirtualClock clock(UtcTime{1'000'000s});
  Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, 2, 0}.options(), clock);
  Reader reader = Reader::open(stream.path());
  Bytes into(64);
  for (int k = 1; k <= 5; ++k) {
    clock.advance(1ms);
    write_next(writer);
    EXPECT_EQ(reader.next(into).time.count(), 1'000'000'000'000'000 + k * 1'000'000);
  }
}

TEST(SystemClock, DoesNotGoBackAndSleepsUntilTheDeadline) {
  const Clock& clock = system_clock();
  MonotonicTime last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const MonotonicTime now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  const MonotonicTime deadline = clock.now() + 2ms;
  clock.sleep_until(deadline);
  EXPECT_GE(clock.now(), deadline);
  clock.sleep_until(MonotonicTime{});  // long past: returns
}

TEST(Iso8601, SaysTheSecondInUtc) {
  EXPECT_EQ(to_iso8601(UtcTime{}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_iso8601(UtcTime{1'795'472'821s + 999'999'999ns}), "2026-11-23T22:27:01Z");
}

}  // namespace
}  // namespace daohil::shm
