#include "drivers/usb/u3v_camera.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "drivers/checked.hpp"
#include "drivers/stamped/stamped_check.hpp"
#include "simulators/devices/u3v_registers.hpp"
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

  /// The outcome `lost`, after the frames that were still on their way.
  WaitOutcome next_lost() {
    for (int tries = 0; tries < 1000; ++tries) {
      const WaitOutcome outcome = next();
      if (outcome == WaitOutcome::frame) last = camera.read_into(frame);
      if (outcome == WaitOutcome::lost || outcome == WaitOutcome::timeout) return outcome;
    }
    return WaitOutcome::timeout;
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

TEST_F(U3vCameraTest, IsCheckedLikeEveryDriver) {
  bus.add(1, small_model(), stamped_scene);
  Checked checked(std::make_unique<U3vCamera>(shm::system_clock()), "usb");
  expect_error([&] { checked.start({}); }, {"usb", "start()", "configure() first"});
  checked.configure(settings_for(1000));
  checked.start({});
  ASSERT_EQ(checked.wait(patience()), WaitOutcome::frame);
}

TEST_F(U3vCameraTest, WaitsNoLongerThanTheDeadline) {
  bus.add(1, small_model(), stamped_scene);
  CameraSettings settings = settings_for(1000);
  settings.features = {{"TriggerMode", "On"}};
  configure(settings);
  start();
  EXPECT_EQ(camera.wait(shm::system_clock().now() + 1ms), WaitOutcome::timeout);
  EXPECT_EQ(camera.wait({}), WaitOutcome::timeout);
}

// ---------------------------------------------------------------- settings

TEST_F(U3vCameraTest, SetsFeaturesByTheirNames) {
  bus.add(1, small_model(), stamped_scene);
  CameraSettings settings = settings_for(500);
  settings.shape = shm::Shape{48, 64};
  settings.features = {{"OffsetX", "16"},
                       {"ExposureTime", "123.4"},
                       {"Gain", "6.5"},
                       {"TriggerMode", "On"},
                       {"PixelFormat", "Mono12p"}};
  configure(settings);
  bus.with(1, [](VirtualBus::Twin& twin) {
    namespace at = simulators::devices::u3v;
    const auto& registers = twin.registers();
    EXPECT_EQ(registers.get(at::kOffsetX), 16U);
    EXPECT_EQ(registers.get(at::kExposure), 1234U);  // in 0.1 us
    EXPECT_EQ(registers.get_double(at::kGain), 6.5);
    EXPECT_EQ(registers.get_double(at::kFrameRate), 500.0);
    EXPECT_EQ(registers.get(at::kFlags), 1U << 4U);
    EXPECT_EQ(registers.get(at::kTriggerMode), 1U);
    EXPECT_EQ(registers.get(at::kPixelFormat), 0x010C0047U);
  });
}

TEST_F(U3vCameraTest, RefusesSettingsByName) {
  bus.add(1, small_model(), stamped_scene);
  const auto with = [&](const CameraSettings& settings) {
    return [this, settings] { camera.configure(settings); };
  };
  CameraSettings settings;
  settings.file = "x.fits";
  expect_error(with(settings), {"camera usb", "x.fits", "replay"});
  settings = {};
  settings.shape = shm::Shape{48, 63};
  expect_error(with(settings), {"TWIN0001", "Width", "63", "steps of 4"});
  settings.shape = shm::Shape{4800, 64};
  expect_error(with(settings), {"Height", "4800", "480"});
  settings.shape = shm::Shape{4800};
  expect_error(with(settings), {"4800", "two axes"});
  settings = {};
  settings.features = {{"Gian", "1"}};
  expect_error(with(settings), {"Gian", "not there"});
  settings.features = {{"Gain", "much"}};
  expect_error(with(settings), {"Gain", "much", "a number"});
  settings.features = {{"PixelFormat", "RGB8"}};
  expect_error(with(settings), {"PixelFormat", "RGB8", "Mono12p"});
  settings.features = {{"PixelFormat", "Mono8"}};
  settings.type = shm::PixelType::u16;
  expect_error(with(settings), {"u16", "Mono8"});
  settings = {};
  settings.type = shm::PixelType::f32;
  expect_error(with(settings), {"f32", "grey"});
  settings = {};
  settings.rate = Rate::hertz(6000);
  expect_error(with(settings), {"AcquisitionFrameRate", "6000", "5000"});
}

TEST_F(U3vCameraTest, RefusesVirtualTime) {
  const shm::VirtualClock clock;
  U3vCamera other(clock);
  expect_error([&] { other.configure({}); }, {"virtual time", "--mode sim"});
}

TEST_F(U3vCameraTest, ChoosesBySerialNumberPlaceAndVidPid) {
  U3vModel model = small_model();
  bus.add(1, model, stamped_scene);
  model.serial = "OTHER";
  bus.add(2, model, stamped_scene);
  CameraSettings settings;
  expect_error([&] { camera.configure(settings); }, {"TWIN0001", "OTHER", "serial"});
  settings.device = "NOBODY";
  expect_error([&] { camera.configure(settings); }, {"NOBODY", "TWIN0001", "OTHER"});
  settings.device = "OTHER";
  camera.configure(settings);
  EXPECT_NE(camera.describe().identity.find("OTHER"), std::string::npos);
  settings.device = "1-1";
  camera.configure(settings);
  EXPECT_NE(camera.describe().identity.find("TWIN0001"), std::string::npos);
  settings.device = "1209:0001";
  expect_error([&] { camera.configure(settings); }, {"1209:0001", "2 USB3 Vision cameras"});
}

TEST_F(U3vCameraTest, SaysWhatToDoWithoutACamera) {
  expect_error([&] { camera.configure({}); }, {"none is attached"});
  bus.add(1, small_model(), stamped_scene);
  bus.set_open_error(EACCES);
  expect_error([&] { camera.configure({}); }, {"no permission", "udev rule", "1209"});
  bus.set_open_error(0);
  bus.set_claim_error(EBUSY);
  expect_error([&] { camera.configure({}); }, {"in use by another program"});
}

// ---------------------------------------------------------------- pixel formats

class U3vPixelFormats : public U3vCameraTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(U3vPixelFormats, ArriveAsTheyWereSeen) {
  U3vModel model = small_model(2000);
  model.width = 52;
  model.height = 31;
  model.padding_x = std::string_view(GetParam()) == "Mono12" ? 3 : 0;
  bus.add(1, model, [](const Exposure& exposure, std::span<std::uint16_t> pixels) {
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<std::uint16_t>(i * 17 + exposure.block_id);
  });
  CameraSettings settings;
  settings.features = {{"PixelFormat", GetParam()}};
  configure(settings);
  const PixelFormat format = pixel_format_named(GetParam()).value();
  const unsigned mask = (1U << format.bits) - 1;
  EXPECT_EQ(camera.describe().format.type(), format.type());
  start();
  for (std::uint64_t frames = 0; frames < 5; ++frames) {
    const auto id = next_frame();
    ASSERT_TRUE(id);
    const std::size_t each = format.bits > 8 ? 2 : 1;
    for (std::size_t i = 0; i < 52 * 31; ++i) {
      std::uint16_t found = std::to_integer<std::uint16_t>(frame[i * each]);
      if (each == 2) std::memcpy(&found, &frame[i * each], 2);
      ASSERT_EQ(found, (i * 17 + id->value - 1) & mask) << "pixel " << i;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(All, U3vPixelFormats,
                         ::testing::Values("Mono8", "Mono10", "Mono10p", "Mono10Packed", "Mono12",
                                           "Mono12p", "Mono12Packed", "Mono14", "Mono16"));

// ---------------------------------------------------------------- faults of the stream

class U3vStreamFaults : public U3vCameraTest {
 protected:
  void stream_with(std::vector<U3vFault> faults, double rate = 1000) {
    bus.add(1, small_model(rate), stamped_scene);
    configure(settings_for(rate));
    bus.with(1, [&](VirtualBus::Twin& twin) {
      for (const U3vFault& fault : faults) twin.inject(fault);
    });
    start();
  }
};

TEST_F(U3vStreamFaults, DropsADamagedBlockAndKeepsItsPlaceInTheNumbers) {
  for (const Fault kind : {Fault::short_payload, Fault::bad_trailer, Fault::wrong_block,
                           Fault::wrong_size, Fault::discarded}) {
    stream_with({{kind, 5, 64}});
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 8; ++i) {
      const auto id = next_frame();
      ASSERT_TRUE(id) << "fault " << static_cast<int>(kind);
      EXPECT_EQ(stamped_number(), id->value);
      ids.push_back(id->value);
    }
    camera.stop();
    EXPECT_EQ(outcomes[WaitOutcome::damaged], 1) << "fault " << static_cast<int>(kind);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), 5U), 0) << "fault " << static_cast<int>(kind);
    EXPECT_EQ(camera.counts().recoveries, 0U) << "fault " << static_cast<int>(kind);
    outcomes.clear();
    bus.unplug(1);
  }
}

TEST_F(U3vStreamFaults, CountsTheGapsOfTheCamera) {
  stream_with({{Fault::skip_blocks, 4, 5}});
  std::uint64_t previous = 0;
  std::uint64_t gaps = 0;
  while (previous < 50) {
    const auto id = next_frame();
    ASSERT_TRUE(id);
    EXPECT_EQ(stamped_number(), id->value);
    gaps += id->value - previous - 1;
    previous = id->value;
  }
  EXPECT_GE(gaps, 5U);
  EXPECT_EQ(camera.counts().lost_by_camera, gaps);
}

TEST_F(U3vStreamFaults, ABadLeaderCostsItsFrameOnly) {
  stream_with({{Fault::bad_leader, 3}});
  expect_frames(20);
  EXPECT_EQ(outcomes[WaitOutcome::damaged], 1);
  EXPECT_EQ(camera.counts().recoveries, 0U);
}

TEST_F(U3vStreamFaults, BeginsAnewAfterAStall) {
  stream_with({{Fault::stream_stall, 5}});
  expect_frames(50);
  EXPECT_EQ(camera.counts().recoveries, 1U);
}

TEST_F(U3vStreamFaults, BeginsAnewWhenTheCameraSendsTooMuch) {
  // It fills the transfer of the trailer: from there on all is shifted by one.
  stream_with({{Fault::long_payload, 5, 500}});
  expect_frames(50);
  EXPECT_GE(camera.counts().recoveries, 1U);
}

TEST_F(U3vStreamFaults, BeginsAnewWhenABlockDoesNotEnd) {
  stream_with({{Fault::silence, 5}});
  expect_frames(50);
  EXPECT_EQ(camera.counts().recoveries, 1U);
}

TEST_F(U3vStreamFaults, ARestartIsAGapOfOne) {
  stream_with({{Fault::stream_stall, 6}});
  std::uint64_t previous = 0;
  std::vector<std::uint64_t> steps;
  for (int i = 0; i < 20; ++i) {
    const auto id = next_frame();
    ASSERT_TRUE(id);
    if (camera.counts().recoveries == 1 && previous > 0) steps.push_back(id->value - previous);
    previous = id->value;
  }
  EXPECT_EQ(std::count(steps.begin(), steps.end(), 1U) + 1, static_cast<long>(steps.size()));
}

TEST_F(U3vStreamFaults, OutlivesAnyScheduleOfFaults) {
  std::vector<U3vFault> faults;
  std::uint64_t at = 20;
  for (int round = 0; round < 4; ++round)
    for (const Fault kind :
         {Fault::short_payload, Fault::stream_stall, Fault::bad_leader, Fault::long_payload,
          Fault::wrong_block, Fault::bad_trailer, Fault::discarded, Fault::skip_blocks})
      faults.push_back({kind, at += 30, 1500});
  stream_with(faults, 2000);
  expect_frames(1500);
  EXPECT_GE(camera.counts().recoveries, 4U);
}

// ---------------------------------------------------------------- faults of control

class U3vControlFaults : public U3vCameraTest,
                         public ::testing::WithParamInterface<std::pair<Fault, std::uint64_t>> {};

TEST_P(U3vControlFaults, AreOvercome) {
  const auto [kind, amount] = GetParam();
  U3vModel model = small_model();
  model.max_response_ms = 100;
  bus.add(1, model, stamped_scene);
  bus.with(1, [&, kind = kind, amount = amount](VirtualBus::Twin& twin) {
    for (std::uint64_t at = 2; at < 40; at += 7) twin.inject({kind, at, amount});
  });
  configure(settings_for(1000));
  EXPECT_EQ(camera.describe().format.str(), "48x64 u16");
  start();
  expect_frames(10);
}
INSTANTIATE_TEST_SUITE_P(
    All, U3vControlFaults,
    ::testing::Values(std::pair{Fault::control_stall, 1U}, std::pair{Fault::no_ack, 1U},
                      std::pair{Fault::wrong_ack_id, 1U}, std::pair{Fault::stale_ack, 1U},
                      std::pair{Fault::bad_ack, 1U}, std::pair{Fault::pending, 150U},
                      std::pair{Fault::busy, 1U}));

TEST_F(U3vCameraTest, NamesTheRegisterThatIsRefused) {
  bus.add(1, small_model(), stamped_scene);
  bus.with(1, [](VirtualBus::Twin& twin) { twin.inject({Fault::error, 1, 0x8006}); });
  expect_error([&] { camera.configure({}); }, {"TWIN0001", "register 0x0", "access denied"});
}

TEST_F(U3vCameraTest, ASlowCameraIsWaitedFor) {
  U3vModel model = small_model();
  model.response_us = 3000;
  bus.add(1, model, stamped_scene);
  configure(settings_for(1000));
  start();
  expect_frames(5);
}

// ---------------------------------------------------------------- memory

TEST_F(U3vCameraTest, WorksWithoutMemoryOfTheKernel) {
  bus.set_kernel_memory(false);
  bus.add(1, small_model(), stamped_scene);
  configure(settings_for(1000));
  start();
  expect_frames(50);
}

TEST_F(U3vCameraTest, SaysHowToGetMoreMemoryForTransfers) {
  bus.add(1, small_model(), stamped_scene);
  configure(settings_for(1000));
  bus.set_memory_limit(20'000);
  expect_error([&] { camera.start({}); }, {"memory", "usbfs_memory_mb", "sudo tee"});
  bus.set_memory_limit(0);
  start();
  expect_frames(5);
}

TEST(UsbMemory, LimitIsReadAsLinuxWritesIt) {
  EXPECT_EQ(parse_usb_memory_limit("16\n"), std::size_t{16} << 20U);
  EXPECT_EQ(parse_usb_memory_limit("0\n"), std::nullopt);  // no limit
  EXPECT_EQ(parse_usb_memory_limit(""), std::nullopt);
  EXPECT_EQ(usb_memory_remedy(100U << 20U),
            "echo 202 | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb");
}

// ---------------------------------------------------------------- descriptions

TEST_F(U3vCameraTest, RefusesADescriptionThatIsNone) {
  U3vModel model = small_model();
  model.other_xml = "no XML at all";
  bus.add(1, model, stamped_scene);
  expect_error([&] { camera.configure({}); }, {"TWIN0001", "description"});
  bus.unplug(1);
  model.other_xml = "<RegisterDescription></RegisterDescription>";
  bus.add(1, model, stamped_scene);
  expect_error([&] { camera.configure({}); }, {"PixelFormat", "not there"});
}

// ---------------------------------------------------------------- unplugging

TEST_F(U3vCameraTest, SaysOnceThatItIsGoneAndComesBack) {
  bus.add(1, small_model(), stamped_scene);
  configure(settings_for(1000));
  start();
  expect_frames(10);
  bus.unplug(1);
  bool lost = false;
  while (!lost) {
    const WaitOutcome outcome = next();
    ASSERT_NE(outcome, WaitOutcome::timeout);
    if (outcome == WaitOutcome::frame) last = camera.read_into(frame);
    lost = outcome == WaitOutcome::lost;
  }
  EXPECT_EQ(camera.wait(shm::system_clock().now() + 20ms), WaitOutcome::timeout);
  bus.plug(1);
  expect_frames(10);
  EXPECT_EQ(camera.counts().unplugged, 1U);
}

TEST_F(U3vCameraTest, ComesBackInAnotherPortByItsSerialNumber) {
  U3vModel model = small_model();
  bus.add(1, model, stamped_scene);
  configure(settings_for(1000));
  start();
  expect_frames(10);
  bus.unplug(1);
  model.serial = "STRANGER";
  bus.add(2, model, stamped_scene);
  EXPECT_EQ(next_lost(), WaitOutcome::lost);
  EXPECT_EQ(camera.wait(shm::system_clock().now() + 300ms), WaitOutcome::timeout);
  model.serial = "TWIN0001";
  bus.add(3, model, stamped_scene);
  expect_frames(10);
}

TEST_F(U3vCameraTest, ComesBackWithoutUdev) {
  bus.add(1, small_model(), stamped_scene);
  bus.set_udev_events(false);
  configure(settings_for(1000));
  start();
  expect_frames(10);
  bus.unplug(1);
  EXPECT_EQ(next_lost(), WaitOutcome::lost);
  bus.plug(1);
  expect_frames(10);
}

TEST_F(U3vCameraTest, UnpluggedInAnyStateItCanBeUsedAgain) {
  bus.add(1, small_model(), stamped_scene);
  configure(settings_for(1000));
  bus.unplug(1);
  expect_error([&] { camera.start({}); }, {"none is attached"});
  expect_error([&] { camera.configure({}); }, {"none is attached"});
  bus.plug(1);
  configure(settings_for(1000));
  start();
  expect_frames(3);
  bus.unplug(1);
  camera.stop();
  bus.plug(1);
  start();
  last = {};
  expect_frames(3);
  ASSERT_EQ(next(), WaitOutcome::frame);
  bus.unplug(1);  // between wait and read_into
  (void)camera.read_into(frame);
  camera.stop();
  EXPECT_EQ(bus.pending_transfers(), 0U);
}

std::size_t entries_of(const char* folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST_F(U3vCameraTest, TwoHundredUnplugsLeakNothing) {
  bus.add(1, small_model(2000), stamped_scene);
  configure(settings_for(2000));
  start();
  const auto cycle = [&] {
    expect_frames(3);
    bus.unplug(1);
    ASSERT_EQ(next_lost(), WaitOutcome::lost);
    bus.plug(1);
  };
  for (int i = 0; i < 5; ++i) cycle();
  expect_frames(3);
  const std::size_t files = entries_of("/proc/self/fd");
  const std::size_t threads = entries_of("/proc/self/task");
  const std::size_t mapped = bus.mapped_bytes();
  for (int i = 0; i < 200; ++i) cycle();
  expect_frames(3);
  EXPECT_EQ(entries_of("/proc/self/fd"), files);
  EXPECT_EQ(entries_of("/proc/self/task"), threads);
  EXPECT_EQ(bus.mapped_bytes(), mapped);
  EXPECT_EQ(camera.counts().unplugged, 205U);
  camera.stop();
  EXPECT_EQ(bus.pending_transfers(), 0U);
  EXPECT_EQ(bus.mapped_bytes(), 0U);
}

// ---------------------------------------------------------------- rates

// No absolute time: how many frames come at one rate while so many came at the other.
TEST_F(U3vCameraTest, TwiceTheRateIsTwiceTheFrames) {
  bus.add(1, small_model(), stamped_scene);
  const auto time_of = [&](double hertz) {
    configure(settings_for(hertz));
    start();
    EXPECT_TRUE(next_frame());
    const MonotonicTime begin = shm::system_clock().now();
    std::uint64_t id = 0;
    // By the camera's count: a busy machine may lose frames, the time stays the camera's.
    while (id < 400) id = next_frame().value_or(FrameId{400}).value;
    camera.stop();
    return std::chrono::duration<double>(shm::system_clock().now() - begin).count();
  };
  // The shortest of three each: the machine may have been elsewhere.
  const auto shortest = [&](double hertz) {
    return std::min({time_of(hertz), time_of(hertz), time_of(hertz)});
  };
  const double ratio = shortest(1000) / shortest(2000);
  EXPECT_GT(ratio, 1.4);
  EXPECT_LT(ratio, 2.8);
}

}  // namespace
}  // namespace daohil::drivers::usb
