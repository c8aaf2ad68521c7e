#include "drivers/replay/replay_camera.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "drivers/pixel_sum.hpp"
#include "tests/drivers/support/expect_error.hpp"
#include "tests/drivers/support/npy_bytes.hpp"
#include "tests/drivers/support/temp_folder.hpp"

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;
using test::expect_error;
using test::TempFolder;

constexpr MonotonicTime kFirst{10s};
const std::filesystem::path kShipped =
    std::filesystem::path(DAO_HIL_SOURCE_DIR) / "scenarios/data/shwfs20_oopao_50f.fits";

/// Three frames of 2 x 2 bytes: "aaaa", "bbbb", "cccc".
std::filesystem::path three_frames(const TempFolder& folder) {
  return folder.write("abc.npy", test::npy_bytes(1,
                                                 "{'descr': '|u1', 'fortran_order': False, "
                                                 "'shape': (3, 2, 2), }",
                                                 "aaaabbbbcccc"));
}

struct Shown {
  std::uint64_t id;
  std::string pixels;
  bool operator==(const Shown&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Shown& shown) {
  return out << shown.id << ": " << shown.pixels;
}

Shown next_frame(Camera& camera) {
  EXPECT_EQ(camera.wait(kFirst + 1h), WaitOutcome::frame);
  std::string pixels(camera.describe().format.bytes(), '?');
  const FrameId id = camera.read_into(std::as_writable_bytes(std::span(pixels)));
  return {id.value, pixels};
}

TEST(ReplayCamera, SaysWhatItPlays) {
  const shm::VirtualClock clock;
  ReplayCamera camera(clock);
  camera.configure({.file = kShipped});
  const CameraDescription description = camera.describe();
  EXPECT_EQ(description.model, "replay");
  EXPECT_EQ(description.identity, kShipped.string());
  EXPECT_EQ(description.format.str(), "120x120 u16");
  EXPECT_EQ(description.rate, Rate::millihertz(1'000'000)) << "FRATE";
  EXPECT_FALSE(description.frames) << "it loops";
  EXPECT_EQ(description.sha256, "aa73783223a527bb84acc08148abc32651e03364493039ca2051b39878f57bdb");

  camera.configure({.rate = Rate::millihertz(2'000'000), .file = kShipped, .at_end = AtEnd::stop});
  EXPECT_EQ(camera.describe().rate, Rate::millihertz(2'000'000)) << "what is asked goes first";
  EXPECT_EQ(camera.describe().frames, 50U);
}

TEST(ReplayCamera, LoopsWithIdsThatGoOn) {
  const TempFolder folder;
  const shm::VirtualClock clock;
  ReplayCamera camera(clock);
  camera.configure({.rate = Rate::millihertz(1'000'000), .file = three_frames(folder)});
  camera.start(kFirst);
  for (std::uint64_t k = 1; k <= 10; ++k) {
    EXPECT_EQ(camera.next_due(), kFirst + (k - 1) * 1ms);
    const char pixel = "cab"[k % 3];
    EXPECT_EQ(next_frame(camera), (Shown{k, std::string(4, pixel)}));
    EXPECT_EQ(clock.now(), kFirst + (k - 1) * 1ms);
  }
}

TEST(ReplayCamera, EndsAfterOnePassWhenAsked) {
  const TempFolder folder;
  const shm::VirtualClock clock;
  ReplayCamera camera(clock);
  camera.configure(
      {.rate = Rate::millihertz(1'000'000), .file = three_frames(folder), .at_end = AtEnd::stop});
  for (int pass = 0; pass < 2; ++pass) {
    camera.start(clock.now() + 5ms);
    EXPECT_EQ(next_frame(camera), (Shown{1, "aaaa"}));
    EXPECT_EQ(next_frame(camera), (Shown{2, "bbbb"}));
    EXPECT_EQ(next_frame(camera), (Shown{3, "cccc"}));
    const MonotonicTime end = clock.now();
    EXPECT_EQ(camera.next_due(), std::nullopt);
    EXPECT_EQ(camera.wait(end + 1s), WaitOutcome::ended);
    EXPECT_EQ(camera.wait(end + 1s), WaitOutcome::ended);
    EXPECT_EQ(clock.now(), end) << "the end is no reason to wait";
    camera.stop();
  }
}

TEST(ReplayCamera, SkipsFramesThatNobodyFetched) {
  const TempFolder folder;
  const shm::VirtualClock clock;
  ReplayCamera camera(clock);
  camera.configure({.rate = Rate::millihertz(1'000'000), .file = three_frames(folder)});
  camera.start(kFirst);
  EXPECT_EQ(next_frame(camera), (Shown{1, "aaaa"}));
  clock.advance(4500us);
  EXPECT_EQ(next_frame(camera), (Shown{5, "bbbb"}));
}

TEST(ReplayCamera, RefusesWhatTheFileIsNot) {
  const TempFolder folder;
  const auto file = three_frames(folder);
  const Rate rate = Rate::millihertz(1'000'000);
  const shm::VirtualClock clock;
  ReplayCamera camera(clock);
  expect_error([&] { camera.configure({}); }, {"replay", "no file"});
  expect_error([&] { camera.configure({.file = file}); }, {file.string(), "rate"});
  expect_error(
      [&] {
        camera.configure({.shape = shm::Shape{2, 3}, .rate = rate, .file = file});
      },
      {file.string(), "2x3", "2x2"});
  expect_error([&] { camera.configure({.type = shm::PixelType::i8, .rate = rate, .file = file}); },
               {file.string(), "i8", "u8"});
  expect_error([&] { camera.configure({.rate = rate, .file = folder.path() / "none.npy"}); },
               {"none.npy", "no such file"});
  EXPECT_NO_THROW(camera.configure(
      {.shape = shm::Shape{2, 2}, .type = shm::PixelType::u8, .rate = rate, .file = file}));
}

class ReplayCheckTest : public testing::Test {
 protected:
  std::shared_ptr<const ContentCheck> check(AtEnd at_end) {
    camera_.configure(
        {.rate = Rate::millihertz(1'000'000), .file = three_frames(folder_), .at_end = at_end});
    return camera_.content_check();
  }
  static ContentCheck::Finding look(const ContentCheck& check, std::string_view pixels,
                                    std::uint64_t id) {
    return check.check(std::as_bytes(std::span(pixels)), FrameId{id});
  }

  TempFolder folder_;
  shm::VirtualClock clock_;
  ReplayCamera camera_{clock_};
};

TEST_F(ReplayCheckTest, AcceptsTheFrameThatTheIdNames) {
  const auto loop = check(AtEnd::loop);
  for (const std::uint64_t pass : {0, 1, 1000}) {
    EXPECT_EQ(look(*loop, "aaaa", 3 * pass + 1).verdict, ContentCheck::Verdict::good);
    EXPECT_EQ(look(*loop, "bbbb", 3 * pass + 2).verdict, ContentCheck::Verdict::good);
    EXPECT_EQ(look(*loop, "cccc", 3 * pass + 3).verdict, ContentCheck::Verdict::good);
  }
}

TEST_F(ReplayCheckTest, NamesTheNearestIdOfAWrongFrame) {
  const auto loop = check(AtEnd::loop);
  const auto expect_wrong = [](ContentCheck::Finding finding, std::uint64_t id) {
    EXPECT_EQ(finding.verdict, ContentCheck::Verdict::wrong_frame);
    EXPECT_EQ(finding.found.value, id);
  };
  expect_wrong(look(*loop, "aaaa", 302), 301);  // a duplicate of the frame before
  expect_wrong(look(*loop, "cccc", 301), 300);
  expect_wrong(look(*loop, "aaaa", 300), 301);
  expect_wrong(look(*loop, "cccc", 1), 3);  // there is no frame 0
  const auto stop = check(AtEnd::stop);
  expect_wrong(look(*stop, "aaaa", 4), 1);  // frame 4 has never been sent
  expect_wrong(look(*stop, "cccc", 1), 3);
  expect_wrong(look(*stop, "bbbb", 0), 2);
}

TEST_F(ReplayCheckTest, KnowsTheSumsOfWhatItPlays) {
  const auto loop = check(AtEnd::loop);
  const auto bbbb = std::as_bytes(std::span("bbbb", 4));
  for (const PixelSum kind : {PixelSum::crc32c, PixelSum::crc32}) {
    EXPECT_EQ(loop->sum(kind, FrameId{302}, {}), sum_of(kind, bbbb));
    EXPECT_NE(loop->sum(kind, FrameId{301}, {}), sum_of(kind, bbbb));
    EXPECT_FALSE(loop->sum(kind, FrameId{0}, {}));
    EXPECT_FALSE(check(AtEnd::stop)->sum(kind, FrameId{4}, {}));
  }
}

TEST_F(ReplayCheckTest, CallsEverythingElseTorn) {
  const auto loop = check(AtEnd::loop);
  for (const char* pixels : {"aaab", "aabb", "zzzz", "aaa", "aaaaa", ""}) {
    const auto finding = look(*loop, pixels, 1);
    EXPECT_EQ(finding.verdict, ContentCheck::Verdict::torn) << pixels;
    EXPECT_EQ(finding.found.value, 0U);
  }
}

}  // namespace
}  // namespace daohil::drivers
