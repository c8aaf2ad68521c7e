#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "drivers/usb/pixel_format.hpp"
#include "simulators/devices/u3v_camera.hpp"
#include "simulators/devices/u3v_registers.hpp"
#include "simulators/devices/usb_port.hpp"
#include "tests/usb/bytes.hpp"

// The simulated camera as a host sees it that knows nothing but the published facts.

namespace daohil::simulators::devices {
namespace {

using drivers::usb::test::Bytes;
using namespace std::chrono_literals;
using Raw = std::vector<std::byte>;

constexpr std::uint8_t kOut = 0x01;
constexpr std::uint8_t kAck = 0x81;
constexpr std::uint8_t kStream = 0x82;

U3vModel small() {
  U3vModel model;
  model.sensor_width = 64;
  model.sensor_height = 48;
  model.width = 48;
  model.height = 40;  // 1920 bytes of Mono8
  return model;
}

void ramp(const Exposure& exposure, std::span<std::uint16_t> pixels) {
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint16_t>(i * 7 + exposure.number);
}

class Twin : public ::testing::Test {
 protected:
  Completion transfer(std::uint8_t endpoint, Raw& buffer) {
    EXPECT_TRUE(port.submit({1, endpoint, buffer}));
    port.run();
    const auto completion = port.reap();
    if (!completion) port.cancel(1);
    return completion ? *completion : port.reap().value();
  }

  // One command; the acknowledge as it comes.
  Raw command(Bytes bytes) {
    EXPECT_EQ(transfer(kOut, bytes.get()).status, TransferStatus::success);
    Raw ack(1024);
    ack.resize(transfer(kAck, ack).actual);
    return ack;
  }
  Raw read(std::uint64_t address, std::uint64_t count) {
    return command(
        Bytes().text("U3VC", 4).u16(0x4000).u16(0x0800).u16(12).u16(++id).u64(address).u16(0).u16(
            count));
  }
  unsigned write(std::uint64_t address, std::uint64_t value) {
    const Raw ack = command(
        Bytes().text("U3VC", 4).u16(0x4000).u16(0x0802).u16(12).u16(++id).u64(address).u32(value));
    return number(ack, 4, 2);
  }
  static unsigned number(const Raw& bytes, std::size_t at, unsigned size) {
    unsigned value = 0;
    for (unsigned i = 0; i < size; ++i)
      value |= std::to_integer<unsigned>(bytes.at(at + i)) << (8U * i);
    return value;
  }

  void enable(std::uint64_t size, std::uint64_t count, std::uint64_t final1, std::uint64_t final2) {
    using namespace u3v;
    EXPECT_EQ(write(kSirm + 0x18, 1024), 0U);
    EXPECT_EQ(write(kSirm + 0x1C, size), 0U);
    EXPECT_EQ(write(kSirm + 0x20, count), 0U);
    EXPECT_EQ(write(kSirm + 0x24, final1), 0U);
    EXPECT_EQ(write(kSirm + 0x28, final2), 0U);
    EXPECT_EQ(write(kSirm + 0x2C, 1024), 0U);
    EXPECT_EQ(write(kSirm + 0x04, 1), 0U);
  }
  void start() { EXPECT_EQ(write(u3v::kAcquisitionStart, 1), 0U); }
  void expose() { camera.advance(now += 1ms); }

  std::pair<TransferStatus, std::size_t> stream(std::size_t bytes) {
    last.assign(bytes, std::byte{0});
    const Completion completion = transfer(kStream, last);
    return {completion.status, completion.actual};
  }
  static std::pair<TransferStatus, std::size_t> ok(std::size_t bytes) {
    return {TransferStatus::success, bytes};
  }

  DeviceTime now{0};
  std::uint16_t id = 0;
  U3vCamera camera{small(), ramp};
  UsbPort port{camera};
  Raw last;
};

TEST_F(Twin, AnswersStandardRequests) {
  Raw setup = Bytes().u8(0x80).u8(6).u16(0x0100).u16(0).u16(18).zeros(18).get();
  const Completion device = transfer(0, setup);
  ASSERT_EQ(device.actual, 18U);
  EXPECT_EQ(number(setup, 8 + 4, 3), 0x0102EFU);  // class EF, subclass 02, protocol 01
  Raw unknown = Bytes().u8(0x80).u8(6).u16(0x2200).u16(0).u16(64).zeros(64).get();
  EXPECT_EQ(transfer(0, unknown).status, TransferStatus::stall);
  Raw serial = Bytes().u8(0x80).u8(6).u16(0x0303).u16(0x0409).u16(64).zeros(64).get();
  EXPECT_EQ(transfer(0, serial).actual, 2U + 2 * std::strlen("TWIN0001"));
}

TEST_F(Twin, ItsConfigurationIsAsLongAsItSays) {
  const Raw& all = camera.descriptors().configuration;
  EXPECT_EQ(number(all, 2, 2), all.size());
  std::size_t at = 0;
  unsigned interfaces = 0;
  unsigned endpoints = 0;
  while (at < all.size()) {
    interfaces += all[at + 1] == std::byte{4} ? 1 : 0;
    endpoints += all[at + 1] == std::byte{5} ? 1 : 0;
    ASSERT_GT(all[at], std::byte{1});
    at += std::to_integer<std::size_t>(all[at]);
  }
  EXPECT_EQ(at, all.size());
  EXPECT_EQ(interfaces, 2U);
  EXPECT_EQ(endpoints, 3U);
}

TEST_F(Twin, ReadsAndRefusesRegisters) {
  const Raw ack = read(0x144, 64);
  ASSERT_EQ(ack.size(), 76U);
  EXPECT_EQ(number(ack, 4, 2), 0U);
  EXPECT_EQ(number(ack, 6, 2), 0x0801U);
  EXPECT_EQ(number(ack, 10, 2), id);
  EXPECT_EQ(std::memcmp(&ack[12], "TWIN0001", 9), 0);
  EXPECT_EQ(number(read(0x900000, 4), 4, 2), 0x8003U);
  EXPECT_EQ(write(0x144, 1), 0x8004U);
  EXPECT_EQ(write(u3v::kWidth, 47), 0x8002U);
  EXPECT_EQ(write(u3v::kWidth, 68), 0x8002U);
  EXPECT_EQ(write(u3v::kWidth, 32), 0U);
  EXPECT_EQ(number(read(u3v::kPayloadSize, 4), 12, 4), 32U * 40);
}

TEST_F(Twin, CutsPayloadsByTheSizesOfTheHost) {
  enable(1024, 1, 1024, 0);
  start();
  expose();
  EXPECT_EQ(stream(1024), ok(52));
  EXPECT_EQ(stream(1024), ok(1024));
  EXPECT_EQ(stream(1024), ok(896));
  EXPECT_EQ(stream(1024), ok(32));
  EXPECT_EQ(stream(1024).first, TransferStatus::cancelled);  // nothing more
  EXPECT_EQ(camera.counts().sent, 1U);
}

TEST_F(Twin, EndsATransferThatIsNotFullByAnEmptyPacket) {
  EXPECT_EQ(write(u3v::kWidth, 64), 0U);
  EXPECT_EQ(write(u3v::kHeight, 16), 0U);  // 1024 bytes
  enable(0, 0, 4096, 0);
  start();
  expose();
  EXPECT_EQ(stream(1024), ok(52));
  EXPECT_EQ(stream(4096), ok(1024));
  EXPECT_EQ(stream(1024), ok(32));
}

TEST_F(Twin, ASmallerBufferThanThePacketOverflows) {
  enable(1024, 1, 1024, 0);
  start();
  expose();
  EXPECT_EQ(stream(40).first, TransferStatus::overflow);
}

TEST_F(Twin, LosesFramesThatNobodyFetches) {
  enable(1024, 1, 1024, 0);
  start();
  for (int i = 0; i < 10; ++i) expose();
  EXPECT_EQ(camera.counts().exposed, 10U);
  EXPECT_EQ(camera.counts().lost, 10U - small().buffered_frames);
}

TEST_F(Twin, IsLockedWhileItAcquires) {
  start();
  EXPECT_EQ(write(u3v::kWidth, 32), 0x8006U);
  EXPECT_EQ(write(u3v::kAcquisitionStop, 1), 0U);
  EXPECT_EQ(write(u3v::kWidth, 32), 0U);
  EXPECT_EQ(write(u3v::kLocked, 1), 0U);
  EXPECT_EQ(write(u3v::kWidth, 48), 0x8006U);
}

TEST_F(Twin, StallsUntilTheHaltIsCleared) {
  camera.inject({U3vFault::Kind::stream_stall, 1});
  enable(1024, 1, 1024, 0);
  start();
  expose();
  EXPECT_EQ(stream(1024), ok(52));
  EXPECT_EQ(stream(1024), ok(1024));
  EXPECT_EQ(stream(1024).first, TransferStatus::stall);
  EXPECT_EQ(stream(1024).first, TransferStatus::stall);
  EXPECT_TRUE(port.clear_halt(kStream));
  expose();
  EXPECT_EQ(stream(1024), ok(52));
}

TEST_F(Twin, SpoilsTheBlocksItIsToldTo) {
  using Kind = U3vFault::Kind;
  camera.inject({Kind::bad_leader, 1});
  camera.inject({Kind::short_payload, 2, 100});
  camera.inject({Kind::wrong_size, 3, 8});
  camera.inject({Kind::skip_blocks, 4, 5});
  enable(2048, 1, 0, 0);
  start();
  std::vector<std::size_t> payloads;
  std::vector<unsigned> ids;
  std::vector<unsigned> claimed;
  for (int i = 0; i < 4; ++i) {
    expose();
    stream(1024);
    EXPECT_EQ(last[0] == std::byte{'X'}, i == 0);
    ids.push_back(number(last, 8, 4));
    payloads.push_back(stream(2048).second);
    stream(1024);
    claimed.push_back(number(last, 20, 4));
  }
  EXPECT_EQ(ids, (std::vector<unsigned>{0, 1, 2, 8}));
  EXPECT_EQ(payloads, (std::vector<std::size_t>{1920, 1820, 1920, 1920}));
  EXPECT_EQ(claimed, (std::vector<unsigned>{1920, 1920, 1912, 1920}));
}

TEST_F(Twin, AsksForMoreTime) {
  camera.inject({U3vFault::Kind::pending, 1, 30});
  const Raw pending = read(0, 4);
  EXPECT_EQ(number(pending, 6, 2), 0x0805U);
  EXPECT_EQ(number(pending, 14, 2), 30U);
  EXPECT_EQ(camera.next_event(), DeviceTime(30ms));
  Raw ack(1024);
  EXPECT_EQ(transfer(kAck, ack).status, TransferStatus::cancelled);
  camera.advance(30ms);
  EXPECT_EQ(transfer(kAck, ack).actual, 16U);
  EXPECT_EQ(number(ack, 10, 2), id);
}

TEST_F(Twin, AStrictOneRefusesSizesThatDoNotFit) {
  U3vModel model = small();
  model.checks = U3vModel::Checks::strict;
  U3vCamera strict(model, ramp);
  UsbPort its_port(strict);
  const auto set = [&](std::uint64_t address, std::uint64_t value) {
    auto command = Bytes()
                       .text("U3VC", 4)
                       .u16(0x4000)
                       .u16(0x0802)
                       .u16(12)
                       .u16(1)
                       .u64(address)
                       .u32(value)
                       .get();
    Raw ack(1024);
    EXPECT_TRUE(its_port.submit({1, kOut, command}) && its_port.submit({2, kAck, ack}));
    its_port.run();
    while (its_port.reap()) {
    }
    return number(ack, 4, 2);
  };
  EXPECT_EQ(set(u3v::kSirm + 0x1C, 1000), 0U);
  EXPECT_EQ(set(u3v::kSirm + 0x04, 1), 0xA003U);
  EXPECT_EQ(set(u3v::kSirm + 0x1C, 1024), 0U);
  EXPECT_EQ(set(u3v::kSirm + 0x04, 1), 0xA004U);
}

TEST_F(Twin, UnpluggedItFinishesAllTransfersAndForgetsItsSettings) {
  EXPECT_EQ(write(u3v::kWidth, 32), 0U);
  Raw a(1024);
  Raw b(1024);
  EXPECT_TRUE(port.submit({7, kStream, a}) && port.submit({8, kStream, b}));
  port.unplug();
  EXPECT_EQ(port.reap()->status, TransferStatus::gone);
  EXPECT_EQ(port.reap()->status, TransferStatus::gone);
  EXPECT_FALSE(port.submit({9, kStream, a}));
  port.plug();
  EXPECT_EQ(number(read(u3v::kWidth, 4), 12, 4), small().width);
}

// The twin packs by its own code; the driver's unpacking is the other implementation.
TEST(TwinPixels, AreUnpackedToWhatWasPacked) {
  std::vector<std::uint16_t> values(101);
  std::iota(values.begin(), values.end(), std::uint16_t{0});
  for (std::uint16_t& value : values) value = static_cast<std::uint16_t>(value * 40'503U);
  for (const WirePixels& wire : wire_pixels()) {
    Raw payload(wire_bytes(wire, values.size()));
    pack(wire, values, payload);
    const auto format = drivers::usb::pixel_format_of(wire.code).value();
    EXPECT_EQ(format.name, wire.name);
    const std::size_t each = wire.bits > 8 ? 2 : 1;
    Raw frame(values.size() * each);
    ASSERT_TRUE(drivers::usb::unpack({format, values.size(), 1}, payload, frame)) << wire.name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      unsigned found = std::to_integer<unsigned>(frame[i * each]);
      if (each == 2) found |= std::to_integer<unsigned>(frame[i * each + 1]) << 8U;
      EXPECT_EQ(found, values[i] & ((1U << wire.bits) - 1)) << wire.name << " pixel " << i;
    }
  }
}

}  // namespace
}  // namespace daohil::simulators::devices
