#include "drivers/faulty_camera.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <set>
#include <vector>

#include "drivers/stamped/stamped_camera.hpp"
#include "simulators/stamp.hpp"

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;
using Kind = CameraFault::Kind;
using Ids = std::vector<std::uint64_t>;
using Verdict = ContentCheck::Verdict;

constexpr Duration kPeriod = 1ms;
constexpr std::uint64_t kSeed = 5;

CameraFault fault(Kind kind, FaultTrigger trigger, std::uint64_t amount = 1, Duration delay = 0ms) {
  return {.kind = kind, .trigger = std::move(trigger), .amount = amount, .delay = delay};
}
FaultTrigger at_frames(std::vector<std::uint64_t> frames) { return {.frames = std::move(frames)}; }

// What came of one wait.
struct Taken {
  WaitOutcome outcome;
  std::uint64_t id = 0;      // what the camera says
  std::uint64_t number = 0;  // what the pixels say
  Verdict verdict = Verdict::good;
  Duration due{0};  // as announced, from frame 1's
  Duration at{0};
};

// A stamped camera at 1 kHz behind the faults, its host never late.
class Bench {
 public:
  explicit Bench(std::vector<CameraFault> faults, FrameNumbering numbering = {},
                 std::uint64_t seed = kSeed, OnLate on_late = OnLate::skip)
      : camera_(std::make_unique<StampedCamera>(clock_), std::move(faults), numbering, seed,
                clock_) {
    camera_.configure({.shape = shm::Shape{6, 8},
                       .type = shm::PixelType::u16,
                       .rate = Rate::hertz(1000),
                       .on_late = on_late});
    check_ = camera_.content_check();
    pixels_.resize(camera_.describe().format.bytes());
    start();
  }

  void start() { camera_.start(first_ = clock_.now() + 1s); }
  FaultyCamera& camera() { return camera_; }

  Taken next() {
    Taken taken;
    taken.due = *camera_.next_due() - first_;
    taken.outcome = camera_.wait(clock_.now() + 1h);
    taken.at = clock_.now() - first_;
    if (taken.outcome != WaitOutcome::frame) return taken;
    taken.id = camera_.read_into(pixels_).value;
    taken.number = simulators::check(pixels_).number;
    taken.verdict = check_->check(pixels_, FrameId{taken.id}).verdict;
    return taken;
  }
  std::vector<Taken> waits(int n) {
    std::vector<Taken> all;
    for (int i = 0; i < n; ++i) all.push_back(next());
    return all;
  }
  // The ids of the frames that come until frame `last` is due.
  Ids ids(std::uint64_t last) {
    Ids all;
    while (*camera_.next_due() - first_ < static_cast<std::int64_t>(last) * kPeriod)
      if (const Taken taken = next(); taken.outcome == WaitOutcome::frame) all.push_back(taken.id);
    return all;
  }
  [[nodiscard]] const std::vector<std::byte>& pixels() const { return pixels_; }

 private:
  shm::VirtualClock clock_;
  FaultyCamera camera_;
  MonotonicTime first_{};
  std::shared_ptr<const ContentCheck> check_;
  std::vector<std::byte> pixels_;
};

TEST(FaultyCamera, WithoutFaultsIsTheCamera) {
  Bench bench({});
  for (std::uint64_t k = 1; k <= 50; ++k) {
    const Taken taken = bench.next();
    EXPECT_EQ(taken.id, k);
    EXPECT_EQ(taken.number, k);
    EXPECT_EQ(taken.verdict, Verdict::good);
    EXPECT_EQ(taken.at, static_cast<std::int64_t>(k - 1) * kPeriod);
    EXPECT_EQ(taken.due, taken.at);
  }
}

TEST(FaultyCamera, ADroppedFrameNeverComesAndItsNumberIsMissing) {
  Bench bench({fault(Kind::drop, at_frames({1, 4, 5}))});
  const auto all = bench.waits(7);
  const std::vector<WaitOutcome> outcomes{
      WaitOutcome::timeout, WaitOutcome::frame, WaitOutcome::frame, WaitOutcome::timeout,
      WaitOutcome::timeout, WaitOutcome::frame, WaitOutcome::frame};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].outcome, outcomes[i]) << i;
    EXPECT_EQ(all[i].at, static_cast<std::int64_t>(i) * kPeriod) << "its time passes all the same";
    if (outcomes[i] != WaitOutcome::frame) continue;
    EXPECT_EQ(all[i].id, i + 1);
    EXPECT_EQ(all[i].verdict, Verdict::good);
  }
}

TEST(FaultyCamera, AShortFrameIsDamaged) {
  Bench bench({fault(Kind::short_frame, at_frames({2}))});
  EXPECT_EQ(bench.next().outcome, WaitOutcome::frame);
  EXPECT_EQ(bench.next().outcome, WaitOutcome::damaged);
  EXPECT_EQ(bench.next().id, 3U);
}

TEST(FaultyCamera, ADuplicateComesAgainAtOnceUnderItsNumber) {
  Bench bench({fault(Kind::duplicate, at_frames({2}))});
  const auto all = bench.waits(4);
  const Ids expected{1, 2, 2, 3};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].id, expected[i]);
    EXPECT_EQ(all[i].number, expected[i]) << "the pixels too";
    EXPECT_EQ(all[i].verdict, Verdict::good);
  }
  EXPECT_EQ(all[2].at, all[1].at);
  EXPECT_EQ(all[3].at, 2 * kPeriod);
}

TEST(FaultyCamera, AnOvertakenFrameComesAfterTheNext) {
  Bench bench({fault(Kind::reorder, at_frames({2, 6}))});
  EXPECT_EQ(bench.ids(9), (Ids{1, 3, 2, 4, 5, 7, 6, 8, 9}));
  Bench again({fault(Kind::reorder, at_frames({2}))});
  const auto all = again.waits(4);
  EXPECT_EQ(all[1].outcome, WaitOutcome::timeout);
  EXPECT_EQ(all[2].id, 3U);
  EXPECT_EQ(all[3].id, 2U);
  EXPECT_EQ(all[3].number, 2U);
  EXPECT_EQ(all[3].verdict, Verdict::good);
  EXPECT_EQ(all[3].at, all[2].at) << "right behind it";
}

// One that is overtaken by a frame that is lost waits for the next that is not.
TEST(FaultyCamera, AnOvertakenFrameWaitsForOneThatComes) {
  Bench bench({fault(Kind::reorder, at_frames({2})), fault(Kind::drop, at_frames({3}))});
  EXPECT_EQ(bench.ids(6), (Ids{1, 4, 2, 5, 6}));
}

TEST(FaultyCamera, CorruptionFlipsExactlyThatManyBits) {
  for (const std::uint64_t bits : {1U, 3U, 64U, 767U, 768U}) {  // of 6 x 8 u16: 768 bits
    Bench sound({});
    Bench bench({fault(Kind::corrupt, at_frames({2}), bits)});
    EXPECT_EQ(bench.next().verdict, Verdict::good);
    const Taken bad = bench.next();
    EXPECT_EQ(bad.outcome, WaitOutcome::frame) << "nobody on the way notices";
    EXPECT_EQ(bad.id, 2U);
    EXPECT_NE(bad.verdict, Verdict::good);
    static_cast<void>(sound.waits(2));
    int flipped = 0;
    for (std::size_t i = 0; i < bench.pixels().size(); ++i)
      flipped += std::popcount(std::to_integer<unsigned>(bench.pixels()[i] ^ sound.pixels()[i]));
    EXPECT_EQ(flipped, static_cast<int>(bits));
    EXPECT_EQ(bench.next().verdict, Verdict::good);
  }
  Bench all({fault(Kind::corrupt, at_frames({1}), 1'000'000)});  // more than there are
  EXPECT_NE(all.next().verdict, Verdict::good);
}

TEST(FaultyCamera, AnIdJumpStays) {
  Bench bench({fault(Kind::id_jump, at_frames({3, 5}), 7)});
  EXPECT_EQ(bench.ids(6), (Ids{1, 2, 10, 11, 19, 20}));
}

TEST(FaultyCamera, NumbersBeginWhereTheyAreToldAndWrap) {
  Bench bench({}, {.first = 254, .bits = 8});
  for (const std::uint64_t id : {254U, 255U, 0U, 1U}) {
    const Taken taken = bench.next();
    EXPECT_EQ(taken.id, id);
    EXPECT_EQ(taken.verdict, Verdict::good) << "the proof goes by the device's numbers";
  }
  // And it still tells frames apart.
  const auto check = bench.camera().content_check();
  EXPECT_EQ(check->check(bench.pixels(), FrameId{1}).verdict, Verdict::good);
  EXPECT_EQ(check->check(bench.pixels(), FrameId{2}).verdict, Verdict::wrong_frame);
  EXPECT_EQ(check->check(bench.pixels(), FrameId{2}).found, FrameId{1});
}

TEST(FaultyCamera, JitterDelaysWithoutEndAndLosesNothing) {
  Bench bench({fault(Kind::jitter, {.every = 2}, 1, 400us)});
  std::set<std::int64_t> delays;
  for (std::uint64_t k = 1; k <= 400; ++k) {
    const Taken taken = bench.next();
    EXPECT_EQ(taken.id, k);
    const Duration late = taken.at - static_cast<std::int64_t>(k - 1) * kPeriod;
    EXPECT_EQ(taken.due, taken.at);
    if (k % 2 == 1) {
      EXPECT_EQ(late, 0ns);
      continue;
    }
    EXPECT_GE(late, 0ns);
    EXPECT_LT(late, 400us);
    delays.insert(late.count() / 40'000);
  }
  EXPECT_EQ(delays.size(), 10U) << "every tenth of the range in 200 draws (missed by chance: 1e-8)";
}

TEST(FaultyCamera, AStallDelaysOneFrameAndTheCameraSkipsTheRest) {
  Bench bench({fault(Kind::stall, at_frames({3}), 1, 4500us)});
  const auto all = bench.waits(6);
  EXPECT_EQ(all[2].id, 3U);
  EXPECT_EQ(all[2].at, 2ms + 4500us);
  EXPECT_EQ(all[3].id, 7U) << "the newest that is due";
  EXPECT_EQ(all[3].at, all[2].at);
  EXPECT_EQ(all[4].id, 8U);
  EXPECT_EQ(all[4].at, 7ms);
}

TEST(FaultyCamera, AfterAStallACameraThatKeepsFramesDeliversThemAtOnce) {
  Bench bench({fault(Kind::stall, at_frames({3}), 1, 4500us)}, {}, kSeed, OnLate::burst);
  const auto all = bench.waits(9);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].id, i + 1);
    EXPECT_EQ(all[i].at,
              i < 2 || i > 6 ? Duration{static_cast<std::int64_t>(i) * kPeriod} : Duration{6500us});
  }
}

// ---- when they strike
// ----------------------------------------------------------------------------

Ids dropped(FaultTrigger trigger, std::uint64_t last, std::uint64_t seed = kSeed) {
  Bench bench({fault(Kind::drop, std::move(trigger))}, {}, seed);
  const Ids there = bench.ids(last);
  Ids missing;
  for (std::uint64_t k = 1; k <= last; ++k)
    if (!std::binary_search(there.begin(), there.end(), k)) missing.push_back(k);
  return missing;
}

TEST(FaultTrigger, ByFrameByPeriodAndByTime) {
  EXPECT_EQ(dropped(at_frames({2, 3, 9}), 20), (Ids{2, 3, 9}));
  EXPECT_EQ(dropped({.every = 6}, 20), (Ids{6, 12, 18}));
  EXPECT_EQ(dropped({.every = 6, .count = 2}, 40), (Ids{6, 12}));
  EXPECT_EQ(dropped({.at = 4ms}, 20), (Ids{5})) << "the frame due then, and no other";
  EXPECT_EQ(dropped({.at = 4500us}, 20), (Ids{6}));
  EXPECT_EQ(dropped({.at = 4ms, .span = 3ms}, 20), (Ids{5, 6, 7})) << "4, 5 and 6 ms, not 7";
  EXPECT_EQ(dropped({.at = 4ms, .span = 9ms, .count = 2}, 20), (Ids{5, 6}));
}

TEST(FaultTrigger, ByChanceIsAFunctionOfTheSeed) {
  const FaultTrigger often{.probability = 0.1};
  const Ids once = dropped(often, 5000);
  EXPECT_EQ(once, dropped(often, 5000));
  EXPECT_NE(once, dropped(often, 5000, kSeed + 1));
  EXPECT_NEAR(static_cast<double>(once.size()), 500, 5 * 21.2);  // 5 standard deviations
  EXPECT_EQ(dropped({.probability = 1}, 30).size(), 30U);
}

// Another fault beside it changes nothing about where it strikes.
TEST(FaultTrigger, FaultsStrikeIndependently) {
  const Ids alone = dropped({.probability = 0.2}, 1000);
  Bench bench({fault(Kind::drop, {.probability = 0.2}), fault(Kind::short_frame, {.every = 2})});
  const Ids there = bench.ids(1000);
  for (const std::uint64_t id : alone)
    EXPECT_FALSE(std::binary_search(there.begin(), there.end(), id)) << id;
  std::size_t odd = 0;
  for (const std::uint64_t id : alone) odd += id % 2;
  EXPECT_EQ(there.size(), 500 - odd);
}

TEST(FaultyCamera, StartsAnewWithTheSameFaults) {
  Bench bench({fault(Kind::drop, {.at = 2ms}), fault(Kind::id_jump, at_frames({4}), 10),
               fault(Kind::reorder, at_frames({6}))});
  const Ids first = bench.ids(6);
  EXPECT_EQ(first, (Ids{1, 2, 14, 15}));
  bench.camera().stop();
  bench.start();
  EXPECT_EQ(bench.ids(6), first);
}

TEST(FaultyCamera, CallsHalfWayThroughTheCopy) {
  Bench bench({});
  std::vector<std::byte> before;
  std::uint64_t called = 0;
  static_cast<void>(bench.next());
  before = bench.pixels();
  bench.camera().on_half_way([&](FrameId id) {
    called = id.value;
    const std::size_t half = before.size() / 2;
    EXPECT_NE(std::memcmp(bench.pixels().data(), before.data(), half), 0)
        << "the first half is new";
    EXPECT_EQ(std::memcmp(bench.pixels().data() + half, before.data() + half, half), 0);
  });
  EXPECT_EQ(bench.next().verdict, Verdict::good) << "whole in the end";
  EXPECT_EQ(called, 2U);
}

// ---- what is planned is what comes
// ---------------------------------------------------------------

TEST(PlannedArrivals, AreThoseOfTheCamera) {
  const std::vector<std::vector<CameraFault>> plans{
      {},
      {fault(Kind::drop, at_frames({1, 7, 60})), fault(Kind::short_frame, {.every = 9})},
      {fault(Kind::drop, {.probability = 0.1}),
       fault(Kind::jitter, {.probability = 0.3}, 1, 2500us)},
      {fault(Kind::stall, at_frames({5, 30}), 1, 8700us), fault(Kind::drop, {.every = 4})},
      {fault(Kind::duplicate, {.every = 5}), fault(Kind::reorder, {.every = 7})},
      {fault(Kind::id_jump, {.every = 11}, 3), fault(Kind::drop, {.at = 20ms, .span = 5ms})},
      {fault(Kind::stall, {.at = 12ms}, 1, 3ms), fault(Kind::duplicate, {.at = 15ms}),
       fault(Kind::reorder, {.at = 18ms, .span = 2ms})}};
  for (const OnLate on_late : {OnLate::skip, OnLate::burst})
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const auto planned =
          planned_arrivals(plans[i], kSeed, 60, RateProfile(Rate::hertz(1000)), on_late);
      Bench bench(plans[i], {}, kSeed, on_late);
      std::size_t n = 0;
      while (n < planned.size()) {
        const Taken taken = bench.next();
        if (taken.outcome != WaitOutcome::frame) continue;
        ASSERT_EQ(taken.id, planned[n].id) << "plan " << i << " arrival " << n;
        ASSERT_EQ(taken.at, planned[n].at) << "plan " << i << " arrival " << n;
        ++n;
      }
    }
}

TEST(PlannedArrivals, MissingIdsLieBetweenTheFirstAndTheLast) {
  const auto missing = [](std::vector<CameraFault> faults) {
    return missing_ids(
        planned_arrivals(faults, kSeed, 100, RateProfile(Rate::hertz(1000)), OnLate::skip));
  };
  EXPECT_EQ(missing({}), 0U);
  EXPECT_EQ(missing({fault(Kind::drop, at_frames({10, 20, 21}))}), 3U);
  EXPECT_EQ(missing({fault(Kind::drop, at_frames({1, 2, 50, 99, 100}))}), 1U) << "no end shows";
  EXPECT_EQ(
      missing({fault(Kind::drop, at_frames({10})), fault(Kind::short_frame, at_frames({10}))}), 1U);
  EXPECT_EQ(missing({fault(Kind::stall, at_frames({10}), 1, 5500us)}), 4U);  // T9: floor(5.5) - 1
  EXPECT_EQ(missing({fault(Kind::duplicate, {.every = 3}), fault(Kind::reorder, at_frames({7}))}),
            0U);
  EXPECT_EQ(missing({fault(Kind::id_jump, at_frames({7}), 5)}), 5U);
  EXPECT_EQ(missing({fault(Kind::drop, {.every = 1})}), 0U);
}

}  // namespace
}  // namespace daohil::drivers
