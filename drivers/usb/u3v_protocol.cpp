#include "drivers/usb/u3v_protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "drivers/usb/little_endian.hpp"

namespace daohil::drivers::usb {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kControlMagic = 0x43563355;  // "U3VC"
constexpr std::uint32_t kEventMagic = 0x45563355;    // "U3VE"
constexpr std::uint32_t kLeaderMagic = 0x4C563355;   // "U3VL"
constexpr std::uint32_t kTrailerMagic = 0x54563355;  // "U3VT"

constexpr std::uint16_t kAckRequested = 0x4000;
constexpr std::uint16_t kReadCommand = 0x0800;
constexpr std::uint16_t kWriteCommand = 0x0802;
constexpr std::uint16_t kEventCommand = 0x0C00;

constexpr std::size_t kStreamHeaderBytes = 20;  // of leader and trailer, to the end of the type
constexpr std::size_t kShortTrailerBytes = 28;  // without the height

void encode_prefix(std::span<std::byte> into, std::uint16_t command, std::size_t data_bytes,
                   RequestId id) {
  store_le(into, 0, kControlMagic);
  store_le(into, 4, kAckRequested);
  store_le(into, 6, command);
  store_le(into, 8, static_cast<std::uint16_t>(data_bytes));
  store_le(into, 10, id.value);
}

// Of a leader or trailer: magic, and as many bytes as it states itself.
std::optional<Malformed> check_stream_header(Bytes bytes, std::uint32_t magic,
                                             std::size_t smallest) {
  if (bytes.size() < sizeof(std::uint32_t)) return Malformed::too_short;
  if (load_le<std::uint32_t>(bytes, 0) != magic) return Malformed::bad_magic;
  if (bytes.size() < smallest) return Malformed::too_short;
  const std::size_t stated = load_le<std::uint16_t>(bytes, 6);
  if (stated > bytes.size()) return Malformed::too_short;
  if (stated < smallest) return Malformed::bad_value;
  return std::nullopt;
}

std::string text_at(Bytes bytes, Address address) {
  const Bytes field = bytes.subspan(address.value, abrm::kTextBytes);
  std::string text;
  for (const std::byte b : field) {
    const auto c = std::to_integer<unsigned char>(b);
    if (c == 0) break;
    text += c >= 0x20 && c < 0x7F ? static_cast<char>(c) : '?';
  }
  return text;
}

}  // namespace

const char* name_of(Malformed malformed) {
  switch (malformed) {
    case Malformed::too_short:
      return "shorter than it states";
    case Malformed::bad_magic:
      return "without its magic number";
    case Malformed::bad_value:
      return "with an impossible value";
  }
  return "?";
}

std::string text_of(Status status) {
  static constexpr std::array<std::pair<Status, const char*>, 19> kNames{
      {{Status::success, "success"},
       {Status::not_implemented, "not implemented"},
       {Status::invalid_parameter, "invalid parameter"},
       {Status::invalid_address, "invalid address"},
       {Status::write_protect, "write protected"},
       {Status::bad_alignment, "bad alignment"},
       {Status::access_denied, "access denied"},
       {Status::busy, "busy"},
       {Status::timeout, "time-out"},
       {Status::invalid_header, "invalid header"},
       {Status::wrong_configuration, "wrong configuration"},
       {Status::generic_error, "generic error"},
       {Status::resend_unsupported, "resend not supported"},
       {Status::stream_halted, "stream endpoint halted"},
       {Status::payload_not_aligned, "payload size not aligned"},
       {Status::stream_registers_inconsistent, "stream registers inconsistent"},
       {Status::event_halted, "event endpoint halted"},
       {Status::data_discarded, "data discarded"},
       {Status::data_overrun, "data overrun"}}};
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [&](const auto& name) { return name.first == status; });
  return fmt::format("{} (0x{:04X})", found == kNames.end() ? "unknown status" : found->second,
                     static_cast<unsigned>(status));
}

std::size_t encode_read(std::span<std::byte> into, RequestId id, Address address,
                        std::uint16_t count) {
  encode_prefix(into, kReadCommand, kReadCommandBytes - kPrefixBytes, id);
  store_le(into, 12, address.value);
  store_le(into, 20, std::uint16_t{0});
  store_le(into, 22, count);
  return kReadCommandBytes;
}

std::size_t encode_write(std::span<std::byte> into, RequestId id, Address address, Bytes data) {
  const std::size_t bytes = kWriteOverheadBytes + data.size();
  encode_prefix(into, kWriteCommand, bytes - kPrefixBytes, id);
  store_le(into, 12, address.value);
  std::copy(data.begin(), data.end(), into.begin() + kWriteOverheadBytes);
  return bytes;
}

Parsed<Ack> parse_ack(Bytes bytes) {
  if (bytes.size() < kPrefixBytes) return Malformed::too_short;
  if (load_le<std::uint32_t>(bytes, 0) != kControlMagic) return Malformed::bad_magic;
  const std::size_t data_bytes = load_le<std::uint16_t>(bytes, 8);
  if (bytes.size() - kPrefixBytes < data_bytes) return Malformed::too_short;
  return Ack{static_cast<Status>(load_le<std::uint16_t>(bytes, 4)),
             load_le<std::uint16_t>(bytes, 6),
             {load_le<std::uint16_t>(bytes, 10)},
             bytes.subspan(kPrefixBytes, data_bytes)};
}

Parsed<std::uint16_t> parse_pending(const Ack& ack) {
  if (ack.data.size() < 4) return Malformed::too_short;
  return load_le<std::uint16_t>(ack.data, 2);
}

std::optional<std::uint16_t> parse_written(const Ack& ack) {
  if (ack.data.size() < 4) return std::nullopt;
  return load_le<std::uint16_t>(ack.data, 2);
}

Parsed<Event> parse_event(Bytes bytes) {
  constexpr std::size_t kEventHeader = 12;
  if (bytes.size() < kPrefixBytes) return Malformed::too_short;
  if (load_le<std::uint32_t>(bytes, 0) != kEventMagic) return Malformed::bad_magic;
  if (load_le<std::uint16_t>(bytes, 6) != kEventCommand) return Malformed::bad_value;
  const std::size_t data_bytes = load_le<std::uint16_t>(bytes, 8);
  if (data_bytes < kEventHeader) return Malformed::bad_value;
  if (bytes.size() - kPrefixBytes < data_bytes) return Malformed::too_short;
  const Bytes data = bytes.subspan(kPrefixBytes, data_bytes);
  return Event{load_le<std::uint16_t>(data, 2), load_le<std::uint64_t>(data, 4),
               data.subspan(kEventHeader)};
}

Parsed<Leader> parse_leader(Bytes bytes) {
  constexpr std::size_t kSmallest = kStreamHeaderBytes + 8;  // to the end of the time stamp
  if (const auto wrong = check_stream_header(bytes, kLeaderMagic, kSmallest)) return *wrong;
  Leader leader{load_le<std::uint64_t>(bytes, 8), load_le<std::uint16_t>(bytes, 18),
                load_le<std::uint64_t>(bytes, 20)};
  const auto type = static_cast<PayloadType>(leader.payload_type);
  if (type != PayloadType::image && type != PayloadType::image_with_chunks) return leader;
  if (load_le<std::uint16_t>(bytes, 6) < kImageLeaderBytes) return Malformed::bad_value;
  leader.image = ImageInfo{load_le<std::uint32_t>(bytes, 28), load_le<std::uint32_t>(bytes, 32),
                           load_le<std::uint32_t>(bytes, 36), load_le<std::uint32_t>(bytes, 40),
                           load_le<std::uint32_t>(bytes, 44), load_le<std::uint16_t>(bytes, 48)};
  return leader;
}

Parsed<Trailer> parse_trailer(Bytes bytes) {
  if (const auto wrong = check_stream_header(bytes, kTrailerMagic, kShortTrailerBytes))
    return *wrong;
  Trailer trailer{load_le<std::uint64_t>(bytes, 8),
                  static_cast<Status>(load_le<std::uint16_t>(bytes, 16)),
                  load_le<std::uint64_t>(bytes, 20)};
  if (load_le<std::uint16_t>(bytes, 6) >= kImageTrailerBytes)
    trailer.height = load_le<std::uint32_t>(bytes, kShortTrailerBytes);
  return trailer;
}

Parsed<DeviceRegisters> parse_device_registers(Bytes bytes) {
  if (bytes.size() < abrm::kBytes) return Malformed::too_short;
  return DeviceRegisters{load_le<std::uint32_t>(bytes, abrm::kVersion.value),
                         text_at(bytes, abrm::kManufacturer),
                         text_at(bytes, abrm::kModel),
                         text_at(bytes, abrm::kFamily),
                         text_at(bytes, abrm::kDeviceVersion),
                         text_at(bytes, abrm::kManufacturerInfo),
                         text_at(bytes, abrm::kSerialNumber),
                         load_le<std::uint32_t>(bytes, abrm::kMaxResponseTime.value),
                         {load_le<std::uint64_t>(bytes, abrm::kManifestTable.value)},
                         {load_le<std::uint64_t>(bytes, abrm::kSbrm.value)}};
}

Parsed<TransportRegisters> parse_transport_registers(Bytes bytes) {
  if (bytes.size() < kSbrmBytes) return Malformed::too_short;
  const TransportRegisters registers{
      load_le<std::uint32_t>(bytes, 0x00), load_le<std::uint64_t>(bytes, 0x04),
      load_le<std::uint32_t>(bytes, 0x14), load_le<std::uint32_t>(bytes, 0x18),
      load_le<std::uint32_t>(bytes, 0x1C), {load_le<std::uint64_t>(bytes, 0x20)},
      load_le<std::uint32_t>(bytes, 0x40)};
  constexpr std::size_t kNumber = 8;
  if (registers.max_command_bytes < std::max(kReadCommandBytes, kWriteOverheadBytes + kNumber) ||
      registers.max_ack_bytes < kPrefixBytes + kNumber)
    return Malformed::bad_value;
  return registers;
}

Parsed<StreamRequirements> parse_stream_requirements(Bytes bytes) {
  if (bytes.size() < sirm::kRequirementBytes) return Malformed::too_short;
  const std::uint32_t log2 = load_le<std::uint32_t>(bytes, sirm::kInfo) >> 24U;
  constexpr std::uint32_t kLargestLog2 = 24;  // 16 MiB: the usbfs limit of all transfers together
  if (log2 > kLargestLog2) return Malformed::bad_value;
  return StreamRequirements{1U << log2, load_le<std::uint64_t>(bytes, sirm::kRequiredPayload),
                            load_le<std::uint32_t>(bytes, sirm::kRequiredLeader),
                            load_le<std::uint32_t>(bytes, sirm::kRequiredTrailer)};
}

Parsed<ManifestEntry> parse_manifest_entry(Bytes bytes) {
  if (bytes.size() < kManifestEntryBytes) return Malformed::too_short;
  const auto version = load_le<std::uint32_t>(bytes, 0);
  const auto info = load_le<std::uint32_t>(bytes, 4);
  ManifestEntry entry;
  entry.type = (info & 0x7U) == 0 ? ManifestEntry::Type::device_xml : ManifestEntry::Type::other;
  const std::uint32_t format = (info >> 10U) & 0x3FU;
  entry.format = format == 0   ? FileFormat::plain
                 : format == 1 ? FileFormat::zip
                               : FileFormat::other;
  entry.address = {load_le<std::uint64_t>(bytes, 8)};
  entry.bytes = load_le<std::uint64_t>(bytes, 16);
  entry.version_subminor = static_cast<std::uint16_t>(version & 0xFFFFU);
  entry.version_minor = static_cast<std::uint8_t>((version >> 16U) & 0xFFU);
  entry.version_major = static_cast<std::uint8_t>(version >> 24U);
  return entry;
}

Parsed<InfoDescriptor> parse_info_descriptor(Bytes extra) {
  constexpr auto kClassInterface = std::byte{0x24};
  constexpr auto kDeviceInfo = std::byte{0x01};
  while (extra.size() >= 3) {
    const auto length = std::to_integer<std::size_t>(extra[0]);
    if (length < 2) return Malformed::bad_value;
    if (length > extra.size()) return Malformed::too_short;
    if (length >= kInfoDescriptorBytes && extra[1] == kClassInterface && extra[2] == kDeviceInfo) {
      const auto index = [&](std::size_t at) { return std::to_integer<std::uint8_t>(extra[at]); };
      return InfoDescriptor{load_le<std::uint32_t>(extra, 3),
                            load_le<std::uint32_t>(extra, 7),
                            index(11),
                            index(12),
                            index(13),
                            index(15),
                            index(17),
                            index(18)};
    }
    extra = extra.subspan(length);
  }
  return Malformed::too_short;
}

}  // namespace daohil::drivers::usb
