#include "drivers/usb/u3v_camera.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "drivers/checked.hpp"
#include "drivers/stamped/stamped_check.hpp"
#include "tests/drivers/support/expect_error.hpp"
#include "tests/usb/usbfs/virtual_bus.hpp"

// The driver on Debian's libusb on a virtual bus with the simulated camera. Frames are stamped: a
// reader knows which one it has, and that it is whole.

namespace daohil::drivers::usb {
namespace {

using drivers::test::expect_error;
using simulators::devices::Exposure;
using simulators::devices::U3vFault;
using simulators::devices::U3vModel;
using test::VirtualBus;
using Fault = U3vFault::Kind;
using namespace std::chrono_literals;

constexpr shm::Duration kPatience = 20s;

// As the camera sees the scene: pixels that carry the number of the exposure's block.
void stamped_scene(const Exposure& exposure, std::span<std::uint16_t> pixels) {
  const FrameFormat format({exposure.height, exposure.width}, shm::PixelType::u16);
  render_stamped(format, FrameId{exposure.block_id + 1}, {}, std::as_writable_bytes(pixels));
}

U3vModel small_model(double rate = 1000) {
  U3vModel model;
  model.width = 64;
  model.height = 48;
  model.frame_rate_hz = rate;
  return model;
}

CameraSettings settings_for(double hertz) {
  CameraSettings settings;
  settings.type = shm::PixelType::u16;
  settings.rate = Rate::hertz(hertz);
  return settings;
}

class U3vCameraTest : public ::testing::Test {
 protected:
  void configure(const CameraSettings& settings) {
    camera.configure(settings);
    frame.resize(camera.describe().format.bytes());
  }
  void start() { camera.start({}); }

  static MonotonicTime patience() { return shm::system_clock().now() + kPatience; }

  WaitOutcome next() { return camera.wait(patience()); }

  /// The next whole frame: its id. Other outcomes are counted.
  std::optional<FrameId> next_frame() {
    for (int tries = 0; tries < 10'000; ++tries) {
      const WaitOutcome outcome = next();
      ++outcomes[outcome];
      if (outcome == WaitOutcome::timeout) return std::nullopt;
      if (outcome != WaitOutcome::frame) continue;
      return camera.read_into(frame);
    }
    return std::nullopt;
  }

  /// The number in the pixels; it must be a whole frame.
  std::uint64_t stamped_number() {
    const StampedCheck check(camera.describe().format);
    const auto finding = check.check(frame, {});
    EXPECT_NE(finding.verdict, ContentCheck::Verdict::torn);
    return finding.found.value;
  }

  /// So many frames; ids ascend, and each shows what its id says as long as there was no restart.
  void expect_frames(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto id = next_frame();
      ASSERT_TRUE(id) << "no frame " << i << " within " << kPatience.count() << " ns";
      ASSERT_GT(id->value, last.value);
      last = *id;
      (void)stamped_number();
    }
  }

  VirtualBus bus;
  U3vCamera camera{shm::system_clock()};
  std::vector<std::byte> frame;
  FrameId last{};
  std::map<WaitOutcome, int> outcomes;
};

TEST_F(U3vCameraTest, DeliversWhatTheCameraSees) {
  bus.add(1, small_model(), stamped_scene);
  CameraSettings settings = settings_for(1000);
  settings.shape = shm::Shape{32, 40};
  configure(settings);
  EXPECT_EQ(camera.describe().format.str(), "32x40 u16");
  EXPECT_EQ(camera.describe().rate, Rate::hertz(1000));
  EXPECT_EQ(camera.describe().model, "Twin-240");
  EXPECT_NE(camera.describe().identity.find("TWIN0001"), std::string::npos);
  EXPECT_NE(camera.xml().find("<RegisterDescription"), std::string::npos);
  start();
  for (std::uint64_t i = 1; i <= 300; ++i) {
    const auto id = next_frame();
    ASSERT_TRUE(id);
    EXPECT_EQ(stamped_number(), id->value);
  }
  camera.stop();
  EXPECT_EQ(outcomes[WaitOutcome::damaged], 0);
  EXPECT_EQ(camera.counts().frames, 300U);
}

TEST_F(U3vCameraTest, BeginsAgainFromOne) {
  bus.add(1, small_model(), stamped_scene);
  configure(settings_for(2000));
  for (int round = 0; round < 5; ++round) {
    start();
    EXPECT_EQ(next_frame(), FrameId{1});
    camera.stop();
    EXPECT_EQ(bus.pending_transfers(), 0U);
  }
}

}  // namespace
}  // namespace daohil::drivers::usb
