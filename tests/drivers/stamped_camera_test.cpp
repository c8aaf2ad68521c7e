#include "drivers/stamped/stamped_camera.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "drivers/pixel_sum.hpp"
#include "simulators/stamp.hpp"
#include "tests/drivers/support/expect_error.hpp"

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;
using test::expect_error;

constexpr MonotonicTime kFirst{10s};

std::vector<std::byte> next_frame(Camera& camera, FrameId& id) {
  EXPECT_EQ(camera.wait(kFirst + 1h), WaitOutcome::frame);
  std::vector<std::byte> frame(camera.describe().format.bytes());
  id = camera.read_into(frame);
  return frame;
}

TEST(StampedCamera, IsAnOcam2kUnlessAskedOtherwise) {
  const shm::VirtualClock clock;
  StampedCamera camera(clock);
  camera.configure({});
  const CameraDescription description = camera.describe();
  EXPECT_EQ(description.model, "stamped");
  EXPECT_EQ(description.format.str(), "240x240 u16");
  EXPECT_EQ(description.rate, Rate::millihertz(2'067'000));
  EXPECT_FALSE(description.frames);
  EXPECT_EQ(description.sha256, "");
}

TEST(StampedCamera, StampsNumberAndDueTimeIntoFramesOfEveryType) {
  for (std::uint8_t code = 1; shm::is_pixel_type(code); ++code) {
    const auto type = static_cast<shm::PixelType>(code);
    const shm::VirtualClock clock;
    StampedCamera camera(clock);
    camera.configure({.shape = shm::Shape{5, 9}, .type = type, .rate = Rate::millihertz(500'000)});
    ASSERT_EQ(camera.describe().format, FrameFormat({5, 9}, type));
    const auto check = camera.content_check();
    camera.start(kFirst);
    std::vector<std::byte> before;
    for (std::uint64_t k = 1; k <= 4; ++k) {
      FrameId id;
      const auto frame = next_frame(camera, id);
      EXPECT_EQ(id.value, k);
      const auto stamp = simulators::check(frame);
      EXPECT_EQ(stamp.verdict, simulators::Verdict::good);
      EXPECT_EQ(stamp.number, k);
      EXPECT_EQ(stamp.due, 10s + (k - 1) * 2ms);
      EXPECT_EQ(clock.now(), MonotonicTime{stamp.due});
      EXPECT_EQ(check->check(frame, id).verdict, ContentCheck::Verdict::good);
      EXPECT_NE(frame, before);
      before = frame;
    }
  }
}

TEST(StampedCamera, TakesShapesOfOneToThreeAxes) {
  for (const auto& shape : {shm::Shape{33}, shm::Shape{3, 17}, shm::Shape{2, 3, 11}}) {
    const shm::VirtualClock clock;
    StampedCamera camera(clock);
    camera.configure({.shape = shape, .type = shm::PixelType::u8});
    camera.start(kFirst);
    FrameId id;
    EXPECT_EQ(simulators::check(next_frame(camera, id)).verdict, simulators::Verdict::good);
  }
}

TEST(StampedCamera, RefusesWhatItCannotDo) {
  const shm::VirtualClock clock;
  StampedCamera camera(clock);
  expect_error(
      [&] {
        camera.configure({.shape = shm::Shape{5, 3}});
      },
      {"stamped", "5x3 u16", "30 bytes", "32"});
  EXPECT_NO_THROW(camera.configure({.shape = shm::Shape{4, 4}}));
  expect_error([&] { camera.configure({.file = "sky.fits"}); }, {"stamped", "sky.fits", "replay"});
  expect_error(
      [&] {
        camera.configure({.shape = shm::Shape{1U << 22, 1U << 22}});
      },
      {"stamped", "4194304x4194304 u16", "do not fit"});
  expect_error(
      [&] {
        camera.configure({.shape = shm::Shape{1U << 31, 1U << 31}});
      },
      {"stamped", "2^45"});
}

TEST(StampedCamera, WaitsNoLongerThanTheDeadline) {
  const shm::VirtualClock clock;
  StampedCamera camera(clock);
  camera.configure({});
  camera.start(kFirst);
  EXPECT_EQ(camera.next_due(), kFirst);
  EXPECT_EQ(camera.wait(MonotonicTime{9s}), WaitOutcome::timeout);
  EXPECT_EQ(clock.now(), MonotonicTime{9s});
  EXPECT_EQ(camera.wait(MonotonicTime{11s}), WaitOutcome::frame);
  EXPECT_EQ(clock.now(), kFirst);
}

TEST(StampedCamera, DeliversTheFrameItAnnouncedThenSkips) {
  const shm::VirtualClock clock;
  StampedCamera camera(clock);
  camera.configure({.rate = Rate::millihertz(1'000'000)});
  camera.start(kFirst);
  EXPECT_EQ(camera.next_due(), kFirst);
  clock.sleep_until(kFirst + 4500us);
  FrameId id;
  (void)next_frame(camera, id);
  EXPECT_EQ(id.value, 1U);
  EXPECT_EQ(camera.next_due(), kFirst + 4ms);
  (void)next_frame(camera, id);
  EXPECT_EQ(id.value, 5U);
}

TEST(StampedCamera, StartsAgainWithFrameOne) {
  const shm::VirtualClock clock;
  StampedCamera camera(clock);
  camera.configure({});
  camera.start(kFirst);
  FrameId id;
  (void)next_frame(camera, id);
  (void)next_frame(camera, id);
  camera.stop();
  camera.start(kFirst + 1s);
  const auto frame = next_frame(camera, id);
  EXPECT_EQ(id.value, 1U);
  EXPECT_EQ(simulators::check(frame).due, 11s);
}

// "123456789" is the check string of both standards' catalogues.
TEST(PixelSum, KnownAnswers) {
  const auto bytes = std::as_bytes(std::span("123456789", 9));
  EXPECT_EQ(sum_of(PixelSum::crc32c, bytes), 0xE3069283U);
  EXPECT_EQ(sum_of(PixelSum::crc32, bytes), 0xCBF43926U);
}

TEST(StampedCheck, TellsTornFromWrong) {
  const shm::VirtualClock clock;
  StampedCamera camera(clock);
  camera.configure({});
  camera.start(kFirst);
  const auto check = camera.content_check();
  FrameId id;
  const auto one = next_frame(camera, id);
  const auto two = next_frame(camera, id);

  EXPECT_EQ(check->check(two, FrameId{2}).verdict, ContentCheck::Verdict::good);
  const auto wrong = check->check(one, FrameId{2});
  EXPECT_EQ(wrong.verdict, ContentCheck::Verdict::wrong_frame);
  EXPECT_EQ(wrong.found.value, 1U);

  auto mix = one;
  std::copy(two.begin() + 9600, two.end(), mix.begin() + 9600);
  EXPECT_EQ(check->check(mix, FrameId{1}).verdict, ContentCheck::Verdict::torn);
  // The sums of what was delivered, had without it; frame 2 is due a period after the first.
  for (const PixelSum kind : {PixelSum::crc32c, PixelSum::crc32}) {
    const MonotonicTime due = kFirst + camera.describe().rate.offset_of(1);
    EXPECT_EQ(check->sum(kind, FrameId{2}, due), sum_of(kind, two));
    EXPECT_NE(check->sum(kind, FrameId{2}, due), sum_of(kind, mix));
    EXPECT_NE(check->sum(kind, FrameId{2}, kFirst), sum_of(kind, two)) << "the stamp has the time";
  }
  const auto zeros = check->check(std::vector<std::byte>(one.size()), FrameId{1});
  EXPECT_EQ(zeros.verdict, ContentCheck::Verdict::torn);
  EXPECT_EQ(zeros.found.value, 0U);
}

}  // namespace
}  // namespace daohil::drivers
