#include "drivers/publisher.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "drivers/registry.hpp"
#include "shm/reader.hpp"
#include "tests/drivers/support/allocations.hpp"
#include "tests/drivers/support/expect_error.hpp"
#include "tests/drivers/support/scripted_camera.hpp"
#include "tests/drivers/support/stream_path.hpp"

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;
using test::expect_error;
using test::ScriptedCamera;
using test::StreamPath;

/// A virtual clock whose sleeps can be made to last too long, as those of a busy host do.
class StallingClock final : public shm::Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return time_.now(); }
  [[nodiscard]] shm::UtcTime utc_now() const override { return time_.utc_now(); }
  void sleep_until(MonotonicTime deadline) const override {
    time_.sleep_until(deadline);
    time_.advance(next_stall_);
    next_stall_ = 0ns;
  }
  void stall_next_sleep(Duration by) { next_stall_ = by; }
  void advance(Duration by) const { time_.advance(by); }

 private:
  shm::VirtualClock time_;
  mutable Duration next_stall_{0};
};

/// A stamped camera at 1 kHz into a stream, and a reader of it.
class Bench {
 public:
  explicit Bench(const shm::Clock& clock, OnLate on_late = OnLate::skip, std::uint32_t depth = 8)
      : camera_(make_camera("stamped", clock)), clock_(&clock) {
    camera_->configure(
        {.shape = shm::Shape{24, 32}, .rate = Rate::millihertz(1'000'000), .on_late = on_late});
    writer.emplace(shm::Writer::create(
        path.get(), {.format = camera_->describe().format, .depth = depth}, clock));
    reader.emplace(shm::Reader::open(path.get()));
    publisher.emplace(*camera_, *writer, clock);
    check = camera_->content_check();
    first = clock.now() + 1ms;
    camera_->start(first);
  }

  Published publish() { return publisher->next(clock_->now() + 1s); }

  /// Publish, then read: the reader must find the same frame, whole.
  Published publish_and_verify() {
    const Published published = publish();
    EXPECT_EQ(published.outcome, WaitOutcome::frame);
    std::vector<std::byte> frame(reader->format().bytes());
    const auto read = reader->next(frame);
    EXPECT_EQ(read.status, shm::ReadStatus::success);
    EXPECT_EQ(read.counter, published.counter);
    EXPECT_EQ(read.id, published.id);
    EXPECT_EQ(check->check(frame, read.id).verdict, ContentCheck::Verdict::good);
    EXPECT_LE(published.claimed, published.publishing);
    EXPECT_LE(published.publishing, published.published);
    EXPECT_GE(published.claimed, published.due);
    return published;
  }

  StreamPath path;
  std::optional<shm::Writer> writer;
  std::optional<shm::Reader> reader;
  std::optional<Publisher> publisher;
  std::shared_ptr<const ContentCheck> check;
  MonotonicTime first;

 private:
  std::unique_ptr<Camera> camera_;
  const shm::Clock* clock_;
};

TEST(Publisher, PublishesEveryFrameAtItsTime) {
  const shm::VirtualClock clock;
  Bench bench(clock);
  for (std::uint64_t k = 1; k <= 100; ++k) {
    const Published published = bench.publish_and_verify();
    ASSERT_EQ(published.counter.value, k);
    ASSERT_EQ(published.id.value, k);
    ASSERT_EQ(published.due, bench.first + (k - 1) * 1ms);
    ASSERT_EQ(published.published, published.due);
  }
  EXPECT_EQ(bench.publisher->counts().frames, 100U);
  EXPECT_EQ(bench.publisher->counts().late, 0U);
  EXPECT_EQ(bench.publisher->counts().worst_lateness, 0ns);
}

TEST(Publisher, ShowsAStallBetweenFramesAsAGapInTheIds) {
  const StallingClock clock;
  Bench bench(clock);
  for (int k = 1; k <= 5; ++k) (void)bench.publish_and_verify();
  clock.advance(3500us);  // from frame 5's due time: 6, 7 and 8 fall due meanwhile
  const Published published = bench.publish_and_verify();
  EXPECT_EQ(published.id.value, 8U);
  EXPECT_EQ(published.counter.value, 6U);
  EXPECT_EQ(published.published - published.due, 500us);
  EXPECT_EQ(bench.publish_and_verify().id.value, 9U);
  EXPECT_EQ(bench.publisher->counts().late, 0U);
  EXPECT_EQ(bench.publisher->counts().worst_lateness, 500us);
}

TEST(Publisher, CountsAFrameThatItsOwnSleepMadeLate) {
  StallingClock clock;
  Bench bench(clock);
  (void)bench.publish_and_verify();
  clock.stall_next_sleep(1ms);  // exactly one period is not yet late
  EXPECT_EQ(bench.publish_and_verify().id.value, 2U);
  EXPECT_EQ(bench.publisher->counts().late, 0U);
  EXPECT_EQ(bench.publish_and_verify().id.value, 3U);
  clock.stall_next_sleep(3500us);
  const Published late = bench.publish_and_verify();
  EXPECT_EQ(late.id.value, 4U);
  EXPECT_EQ(late.published - late.due, 3500us);
  EXPECT_EQ(bench.publisher->counts().late, 1U);
  EXPECT_EQ(bench.publisher->counts().worst_lateness, 3500us);
  EXPECT_EQ(bench.publish_and_verify().id.value, 7U);
  EXPECT_EQ(bench.publisher->counts().late, 1U);
}

TEST(Publisher, BurstsThroughWhatIsOverdue) {
  StallingClock clock;
  Bench bench(clock, OnLate::burst);
  (void)bench.publish_and_verify();
  clock.advance(5500us);
  for (std::uint64_t k = 2; k <= 6; ++k) EXPECT_EQ(bench.publish_and_verify().id.value, k);
  // Frames 2, 3, 4 and 5 came 4.5, 3.5, 2.5 and 1.5 ms after they were due, 6 half a millisecond.
  EXPECT_EQ(bench.publisher->counts().late, 4U);
  EXPECT_EQ(bench.publisher->counts().worst_lateness, 4500us);
  EXPECT_EQ(clock.now(), bench.first + 5500us);
}

TEST(Publisher, NeverClaimsASlotBeforeTheFrameIsThere) {
  const shm::VirtualClock clock;
  auto device = ScriptedCamera({WaitOutcome::frame, WaitOutcome::timeout, WaitOutcome::damaged,
                                WaitOutcome::lost, WaitOutcome::ended, WaitOutcome::frame});
  const StreamPath path;
  auto writer =
      shm::Writer::create(path.get(), {.format = device.describe().format, .depth = 1}, clock);
  auto reader = shm::Reader::open(path.get());
  Publisher publisher(device, writer, clock);
  std::vector<std::byte> frame(6);

  EXPECT_EQ(publisher.next(MonotonicTime{1s}).outcome, WaitOutcome::frame);
  // In a stream of depth 1 a claimed slot would take the only frame away from the reader.
  for (const auto outcome :
       {WaitOutcome::timeout, WaitOutcome::damaged, WaitOutcome::lost, WaitOutcome::ended}) {
    const Published published = publisher.next(MonotonicTime{7s});
    EXPECT_EQ(published.outcome, outcome);
    EXPECT_EQ(published.counter.value, 0U);
    EXPECT_EQ(device.calls.back(), "wait");
    EXPECT_EQ(device.deadlines.back(), MonotonicTime{7s});
    EXPECT_EQ(reader.newest(frame).counter.value, 1U);
    EXPECT_EQ(frame[0], std::byte{1});
  }
  const Published published = publisher.next(MonotonicTime{9s});
  EXPECT_EQ(published.counter.value, 2U);
  EXPECT_EQ(published.id.value, 3U) << "the damaged frame's id is skipped";
  EXPECT_EQ(published.due, published.claimed) << "due is the arrival for cameras without schedule";
  EXPECT_EQ(publisher.counts().frames, 2U);
  EXPECT_EQ(publisher.counts().damaged, 1U);
}

TEST(Publisher, TakesTheStepsOneByOne) {
  const shm::VirtualClock clock;
  Bench bench(clock);
  for (std::uint64_t k = 1; k <= 3; ++k) {
    std::vector<shm::PublishStep> steps;
    std::vector<std::uint64_t> newest;
    const auto published = bench.publisher->next(clock.now() + 1s, [&](shm::PublishStep step) {
      steps.push_back(step);
      newest.push_back(bench.reader->newest_counter().value);
    });
    const auto order = shm::Writer::publication_order();
    EXPECT_EQ(steps, std::vector<shm::PublishStep>(order.begin(), order.end()));
    EXPECT_EQ(newest.front(), k - 1) << "nothing is published after the first step";
    EXPECT_EQ(newest.back(), k);
    EXPECT_EQ(published.counter.value, k);
    std::vector<std::byte> frame(bench.reader->format().bytes());
    const auto read = bench.reader->next(frame);
    EXPECT_EQ(read.status, shm::ReadStatus::success);
    EXPECT_EQ(bench.check->check(frame, read.id).verdict, ContentCheck::Verdict::good);
  }
  EXPECT_EQ(bench.publisher->counts().frames, 3U);
}

TEST(Publisher, CanBeStoppedBetweenSteps) {
  struct Died {};
  const shm::VirtualClock clock;
  Bench bench(clock);
  (void)bench.publish_and_verify();
  const auto die = [](shm::PublishStep) { throw Died{}; };
  EXPECT_THROW(bench.publisher->next(clock.now() + 1s, die), Died);
  EXPECT_EQ(bench.reader->newest_counter().value, 1U) << "only the stamp had been written";
  const Published published = bench.publish_and_verify();
  EXPECT_EQ(published.counter.value, 2U);
  EXPECT_EQ(published.id.value, 3U) << "frame 2 went with the dropped slot";
}

TEST(Publisher, RefusesAStreamOfAnotherFormat) {
  const shm::VirtualClock clock;
  ScriptedCamera device({WaitOutcome::frame});
  for (const auto& format :
       {FrameFormat({3, 2}, shm::PixelType::u8), FrameFormat({2, 3}, shm::PixelType::i8)}) {
    const StreamPath path;
    auto writer = shm::Writer::create(path.get(), {.format = format, .depth = 2}, clock);
    expect_error([&] { Publisher(device, writer, clock); },
                 {"scripted", "2x3 u8", path.get().string(), format.str()});
  }
}

TEST(Publisher, AllocatesNothingOnTheFramePath) {
  const shm::VirtualClock clock;
  Bench bench(clock);
  (void)bench.publish();
  const std::uint64_t before = test::allocations();
  for (int i = 0; i < 100; ++i) (void)bench.publish();
  EXPECT_EQ(test::allocations(), before);
  const auto probe = std::make_unique<int>(1);
  EXPECT_GT(test::allocations(), before) << "the counter itself does not count";
}

TEST(Publisher, KeepsIdentitiesUnderTheSystemClock) {
  Bench bench(shm::system_clock());
  std::uint64_t last_id = 0;
  for (std::uint64_t k = 1; k <= 200; ++k) {
    const Published published = bench.publish_and_verify();
    ASSERT_EQ(published.counter.value, k);
    ASSERT_GT(published.id.value, last_id);
    ASSERT_EQ(published.due, bench.first + (published.id.value - 1) * 1ms);
    last_id = published.id.value;
  }
}

}  // namespace
}  // namespace daohil::drivers
