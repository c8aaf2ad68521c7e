#include "drivers/usb/u3v_protocol.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "tests/usb/bytes.hpp"

// Expected bytes are the published layouts of USB3 Vision and GenCP, written down by hand.

namespace daohil::drivers::usb {
namespace {

using test::Bytes;

Bytes leader(std::uint64_t type = 1, std::uint64_t size = 52) {
  return Bytes()
      .text("U3VL", 4)
      .u16(0)
      .u16(size)
      .u64(0x1122334455667788)
      .u16(0)
      .u16(type)
      .u64(5'000'000'123)
      .u32(0x01100007)
      .u32(240)
      .u32(120)
      .u32(16)
      .u32(8)
      .u16(4)
      .u16(0);
}

Bytes trailer(std::uint64_t size = 32) {
  return Bytes().text("U3VT", 4).u16(0).u16(size).u64(77).u16(0xA101).u16(0).u64(115'200).u32(240);
}

template <class T>
Malformed refusal(const Parsed<T>& parsed) {
  EXPECT_TRUE(std::holds_alternative<Malformed>(parsed)) << "was accepted";
  return std::holds_alternative<Malformed>(parsed) ? std::get<Malformed>(parsed)
                                                   : Malformed::bad_value;
}

TEST(U3vProtocol, WritesAReadCommand) {
  std::array<std::byte, 64> into{};
  const std::size_t bytes = encode_read(into, {0xBEEF}, {0x0123456789ABCDEF}, 0x40);
  const auto expected = Bytes()
                            .text("U3VC", 4)
                            .u16(0x4000)
                            .u16(0x0800)
                            .u16(12)
                            .u16(0xBEEF)
                            .u64(0x0123456789ABCDEF)
                            .u16(0)
                            .u16(0x40)
                            .get();
  EXPECT_EQ(std::vector(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(bytes)), expected);
}

TEST(U3vProtocol, WritesAWriteCommand) {
  std::array<std::byte, 64> into{};
  const auto data = Bytes().u32(0xCAFEBABE).get();
  const std::size_t bytes = encode_write(into, {1}, {0x2000}, data);
  const auto expected = Bytes()
                            .text("U3VC", 4)
                            .u16(0x4000)
                            .u16(0x0802)
                            .u16(12)
                            .u16(1)
                            .u64(0x2000)
                            .u32(0xCAFEBABE)
                            .get();
  EXPECT_EQ(std::vector(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(bytes)), expected);
}

TEST(U3vProtocol, NumbersRequestsWithoutZero) {
  EXPECT_EQ(RequestId{0xFFFF}.next(), RequestId{1});
  EXPECT_EQ(RequestId{1}.next(), RequestId{2});
  EXPECT_EQ(RequestId{1}.previous(), RequestId{0xFFFF});
}

TEST(U3vProtocol, ReadsAnAcknowledge) {
  auto bytes = Bytes()
                   .text("U3VC", 4)
                   .u16(0x8003)
                   .u16(0x0801)
                   .u16(4)
                   .u16(9)
                   .u32(0x04030201)
                   .text("behind", 6)
                   .get();
  const auto ack = std::get<Ack>(parse_ack(bytes));
  EXPECT_EQ(ack.status, Status::invalid_address);
  EXPECT_EQ(ack.kind, static_cast<std::uint16_t>(AckKind::read));
  EXPECT_EQ(ack.id, RequestId{9});
  ASSERT_EQ(ack.data.size(), 4U);
  EXPECT_EQ(ack.data[3], std::byte{4});
}

TEST(U3vProtocol, RefusesAnAcknowledgeThatStatesMoreThanCame) {
  auto bytes = Bytes().text("U3VC", 4).u16(0).u16(0x0801).u16(5).u16(9).u32(0).get();
  EXPECT_EQ(refusal(parse_ack(bytes)), Malformed::too_short);
  EXPECT_EQ(refusal(parse_ack(std::span(bytes).first(11))), Malformed::too_short);
  bytes[0] = std::byte{'X'};
  EXPECT_EQ(refusal(parse_ack(bytes)), Malformed::bad_magic);
}

TEST(U3vProtocol, ReadsAPendingAcknowledge) {
  auto bytes = Bytes().text("U3VC", 4).u16(0).u16(0x0805).u16(4).u16(3).u16(0).u16(1500).get();
  EXPECT_EQ(std::get<std::uint16_t>(parse_pending(std::get<Ack>(parse_ack(bytes)))), 1500);
  bytes = Bytes().text("U3VC", 4).u16(0).u16(0x0805).u16(2).u16(3).u16(0).get();
  EXPECT_EQ(refusal(parse_pending(std::get<Ack>(parse_ack(bytes)))), Malformed::too_short);
}

TEST(U3vProtocol, ReadsWhatAWriteWrote) {
  auto bytes = Bytes().text("U3VC", 4).u16(0).u16(0x0803).u16(4).u16(3).u16(0).u16(64).get();
  EXPECT_EQ(parse_written(std::get<Ack>(parse_ack(bytes))), 64);
  bytes = Bytes().text("U3VC", 4).u16(0).u16(0x0803).u16(0).u16(3).get();
  EXPECT_EQ(parse_written(std::get<Ack>(parse_ack(bytes))), std::nullopt);
}

TEST(U3vProtocol, ReadsAnEvent) {
  auto bytes = Bytes()
                   .text("U3VE", 4)
                   .u16(0)
                   .u16(0x0C00)
                   .u16(14)
                   .u16(1)
                   .u16(0)
                   .u16(0x9001)
                   .u64(42)
                   .u16(0xAAAA)
                   .get();
  const auto event = std::get<Event>(parse_event(bytes));
  EXPECT_EQ(event.id, 0x9001);
  EXPECT_EQ(event.timestamp_ns, 42U);
  EXPECT_EQ(event.data.size(), 2U);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(refusal(parse_event(std::span(bytes).first(size))), Malformed::too_short) << size;
}

TEST(U3vProtocol, ReadsAnImageLeader) {
  const auto read = std::get<Leader>(parse_leader(leader().get()));
  EXPECT_EQ(read.block_id, 0x1122334455667788U);
  EXPECT_EQ(read.payload_type, 1);
  EXPECT_EQ(read.timestamp_ns, 5'000'000'123U);
  EXPECT_EQ(read.image, (ImageInfo{0x01100007, 240, 120, 16, 8, 4}));
}

TEST(U3vProtocol, ReadsALeaderOfAnotherPayloadWithoutAnImage) {
  EXPECT_EQ(std::get<Leader>(parse_leader(leader(0x4000).get())).image, std::nullopt);
  EXPECT_EQ(std::get<Leader>(parse_leader(leader(0x4001).get())).image->width, 240U);
}

TEST(U3vProtocol, RefusesLeadersThatLie) {
  auto bytes = leader().get();
  for (std::size_t size = 4; size < bytes.size(); ++size)
    EXPECT_EQ(refusal(parse_leader(std::span(bytes).first(size))), Malformed::too_short) << size;
  EXPECT_EQ(refusal(parse_leader(leader(1, 53).get())), Malformed::too_short);
  EXPECT_EQ(refusal(parse_leader(leader(1, 51).get())), Malformed::bad_value);
  EXPECT_EQ(refusal(parse_leader(leader(1, 0).get())), Malformed::bad_value);
  EXPECT_EQ(refusal(parse_leader(trailer().zeros(20).get())), Malformed::bad_magic);
}

TEST(U3vProtocol, ReadsATrailer) {
  const auto read = std::get<Trailer>(parse_trailer(trailer().get()));
  EXPECT_EQ(read.block_id, 77U);
  EXPECT_EQ(read.status, Status::data_overrun);
  EXPECT_EQ(read.payload_bytes, 115'200U);
  EXPECT_EQ(read.height, 240U);
  EXPECT_EQ(std::get<Trailer>(parse_trailer(trailer(28).get())).height, std::nullopt);
}

TEST(U3vProtocol, RefusesTrailersThatLie) {
  auto bytes = trailer().get();
  for (std::size_t size = 4; size < bytes.size(); ++size)
    EXPECT_EQ(refusal(parse_trailer(std::span(bytes).first(size))), Malformed::too_short) << size;
  EXPECT_EQ(refusal(parse_trailer(trailer(33).get())), Malformed::too_short);
  EXPECT_EQ(refusal(parse_trailer(trailer(27).get())), Malformed::bad_value);
  EXPECT_EQ(refusal(parse_trailer(leader().get())), Malformed::bad_magic);
}

TEST(U3vProtocol, ReadsTheBootstrapRegisters) {
  auto bytes = Bytes()
                   .u32(0x00010002)
                   .text("Maker", 64)
                   .text("Model X", 64)
                   .text("Family", 64)
                   .text("1.2", 64)
                   .text("info", 64)
                   .text("SN\x01\xFF", 64)
                   .text("user", 64)
                   .u64(0)
                   .u32(300)
                   .u64(0x10000)
                   .u64(0x20000)
                   .get();
  ASSERT_EQ(bytes.size(), 0x1E0U);
  const auto read = std::get<DeviceRegisters>(parse_device_registers(bytes));
  EXPECT_EQ(read.gencp_version, 0x00010002U);
  EXPECT_EQ(read.manufacturer, "Maker");
  EXPECT_EQ(read.model, "Model X");
  EXPECT_EQ(read.device_version, "1.2");
  EXPECT_EQ(read.serial_number, "SN??");
  EXPECT_EQ(read.max_response_ms, 300U);
  EXPECT_EQ(read.manifest, Address{0x10000});
  EXPECT_EQ(read.sbrm, Address{0x20000});
  EXPECT_EQ(refusal(parse_device_registers(std::span(bytes).first(0x1DF))), Malformed::too_short);
}

TEST(U3vProtocol, ReadsATextThatFillsItsRegister) {
  auto bytes = Bytes().u32(0).text(std::string(70, 'a'), 64).zeros(0x1E0 - 68).get();
  EXPECT_EQ(std::get<DeviceRegisters>(parse_device_registers(bytes)).manufacturer,
            std::string(64, 'a'));
}

Bytes sbrm(std::uint64_t command, std::uint64_t ack) {
  return Bytes()
      .u32(0x00010000)
      .u64(1)
      .u64(0)
      .u32(command)
      .u32(ack)
      .u32(1)
      .u64(0x21000)
      .u32(0x30)
      .u64(0)
      .u32(0)
      .u64(0)
      .u32(8);
}

TEST(U3vProtocol, ReadsTheTransportRegisters) {
  auto bytes = sbrm(1024, 512).get();
  ASSERT_EQ(bytes.size(), 0x44U);
  const auto read = std::get<TransportRegisters>(parse_transport_registers(bytes));
  EXPECT_EQ(read.max_command_bytes, 1024U);
  EXPECT_EQ(read.max_ack_bytes, 512U);
  EXPECT_EQ(read.stream_channels, 1U);
  EXPECT_EQ(read.sirm, Address{0x21000});
  EXPECT_EQ(read.speed, 8U);
  // Without room for a number no register could be read or written: dividing by such a length, or
  // asking for a negative one, is what a host would do next.
  EXPECT_EQ(refusal(parse_transport_registers(sbrm(1024, 12).get())), Malformed::bad_value);
  EXPECT_EQ(refusal(parse_transport_registers(sbrm(20, 512).get())), Malformed::bad_value);
}

// The values of a real camera (Allied Vision 1800 U-500c, from a public bug report of Aravis).
TEST(U3vProtocol, ReadsTheStreamRequirements) {
  auto bytes = Bytes().u32(0x0A000000).u32(0).u64(0x15F900).u32(0x34).u32(0x20).get();
  const auto read = std::get<StreamRequirements>(parse_stream_requirements(bytes));
  EXPECT_EQ(read.alignment, 1024U);
  EXPECT_EQ(read.payload_bytes, 0x15F900U);
  EXPECT_EQ(read.leader_bytes, 52U);
  EXPECT_EQ(read.trailer_bytes, 32U);
  bytes = Bytes().u32(0xFF000000).u32(0).u64(1).u32(1).u32(1).get();
  EXPECT_EQ(refusal(parse_stream_requirements(bytes)), Malformed::bad_value);
}

TEST(U3vProtocol, ReadsAManifestEntry) {
  auto bytes = Bytes().u32(0x01020003).u32(1U << 10U).u64(0x100000).u64(9000).zeros(40).get();
  const auto read = std::get<ManifestEntry>(parse_manifest_entry(bytes));
  EXPECT_EQ(read.type, ManifestEntry::Type::device_xml);
  EXPECT_EQ(read.format, FileFormat::zip);
  EXPECT_EQ(read.address, Address{0x100000});
  EXPECT_EQ(read.bytes, 9000U);
  EXPECT_EQ(read.version_major, 1);
  EXPECT_EQ(read.version_minor, 2);
  EXPECT_EQ(read.version_subminor, 3);
  bytes = Bytes().u32(0).u32(2U << 10U | 1U).zeros(56).get();
  const auto other = std::get<ManifestEntry>(parse_manifest_entry(bytes));
  EXPECT_EQ(other.type, ManifestEntry::Type::other);
  EXPECT_EQ(other.format, FileFormat::other);
  EXPECT_EQ(refusal(parse_manifest_entry(std::span(bytes).first(63))), Malformed::too_short);
}

TEST(U3vProtocol, FindsTheDeviceInfoBehindOtherDescriptors) {
  auto bytes = Bytes()
                   .u8(4)
                   .u8(0x24)
                   .u8(0x07)
                   .u8(0)  // somebody else's
                   .u8(20)
                   .u8(0x24)
                   .u8(0x01)
                   .u32(0x00010000)
                   .u32(0x00010001)
                   .u8(4)
                   .u8(1)
                   .u8(2)
                   .u8(5)
                   .u8(6)
                   .u8(7)
                   .u8(3)
                   .u8(8)
                   .u8(0x08)
                   .get();
  const auto read = std::get<InfoDescriptor>(parse_info_descriptor(bytes));
  EXPECT_EQ(read.gencp_version, 0x00010000U);
  EXPECT_EQ(read.u3v_version, 0x00010001U);
  EXPECT_EQ(read.guid_index, 4);
  EXPECT_EQ(read.vendor_index, 1);
  EXPECT_EQ(read.model_index, 2);
  EXPECT_EQ(read.device_version_index, 6);
  EXPECT_EQ(read.serial_index, 3);
  EXPECT_EQ(read.user_name_index, 8);
}

TEST(U3vProtocol, RefusesDescriptorsThatDoNotEnd) {
  EXPECT_EQ(refusal(parse_info_descriptor(Bytes().u8(0).u8(0x24).u8(1).get())),
            Malformed::bad_value);
  EXPECT_EQ(refusal(parse_info_descriptor(Bytes().u8(20).u8(0x24).u8(1).get())),
            Malformed::too_short);
  EXPECT_EQ(refusal(parse_info_descriptor({})), Malformed::too_short);
}

TEST(U3vProtocol, NamesEveryStatus) {
  EXPECT_EQ(text_of(Status::access_denied), "access denied (0x8006)");
  EXPECT_EQ(text_of(static_cast<Status>(0x1234)), "unknown status (0x1234)");
}

}  // namespace
}  // namespace daohil::drivers::usb
