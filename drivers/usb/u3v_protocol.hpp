#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

/// The bytes of USB3 Vision and of GenCP, the control protocol inside: requests are encoded,
/// everything from a device is parsed with every bound checked. Pure: no USB, no state, safe from
/// any thread. All numbers on the wire are little endian.
///
/// Not registered with A3, which owns the name: compatible, no more.
namespace daohil::drivers::usb {

/// Why bytes of a device are not what they should be.
enum class Malformed : std::uint8_t {
  too_short,  ///< less than the structure, or less than the length it states
  bad_magic,  ///< another structure, or the two sides are out of step
  bad_value,  ///< a field with a value that it cannot have
};
[[nodiscard]] const char* name_of(Malformed malformed);

template <class T>
using Parsed = std::variant<T, Malformed>;

// ---------------------------------------------------------------- GenCP on two bulk pipes

/// Bytes before the data of a command or acknowledge, and before that of a read command's answer.
inline constexpr std::size_t kPrefixBytes = 12;
inline constexpr std::size_t kReadCommandBytes = kPrefixBytes + 12;
/// A write command without its data.
inline constexpr std::size_t kWriteOverheadBytes = kPrefixBytes + 8;
/// A pending acknowledge may come instead of any other, also of a shorter one.
inline constexpr std::size_t kSmallestAckBuffer = 16;

/// A place in the device's registers.
struct Address {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(std::uint64_t offset) const { return {value + offset}; }
};

/// 1 .. 65535: 0 is no request's.
struct RequestId {
  std::uint16_t value = 1;
  constexpr bool operator==(const RequestId&) const = default;
  /// The one after, never 0.
  [[nodiscard]] constexpr RequestId next() const {
    return {static_cast<std::uint16_t>(value == 0xFFFFU ? 1U : value + 1U)};
  }
  [[nodiscard]] constexpr RequestId previous() const {
    return {static_cast<std::uint16_t>(value <= 1U ? 0xFFFFU : value - 1U)};
  }
};

/// What a device answers (GenCP and USB3 Vision status codes). Others are possible.
enum class Status : std::uint16_t {
  success = 0,
  not_implemented = 0x8001,
  invalid_parameter = 0x8002,
  invalid_address = 0x8003,
  write_protect = 0x8004,
  bad_alignment = 0x8005,
  access_denied = 0x8006,
  busy = 0x8007,
  timeout = 0x800B,
  invalid_header = 0x800E,
  wrong_configuration = 0x800F,
  generic_error = 0x8FFF,
  resend_unsupported = 0xA001,
  stream_halted = 0xA002,
  payload_not_aligned = 0xA003,
  stream_registers_inconsistent = 0xA004,
  event_halted = 0xA005,
  data_discarded = 0xA100,  ///< in trailers
  data_overrun = 0xA101,    ///< in trailers
};
/// "invalid address (0x8003)".
[[nodiscard]] std::string text_of(Status status);

/// Write a read command. @param into at least kReadCommandBytes @returns the bytes of the command
std::size_t encode_read(std::span<std::byte> into, RequestId id, Address address,
                        std::uint16_t count);
/// Write a write command. @param into at least kWriteOverheadBytes + data.size()
/// @param data 1 .. 65527 bytes @returns the bytes of the command
std::size_t encode_write(std::span<std::byte> into, RequestId id, Address address,
                         std::span<const std::byte> data);

/// What an acknowledge is the answer to.
enum class AckKind : std::uint16_t {
  read = 0x0801,
  write = 0x0803,
  pending = 0x0805,  ///< not yet: wait again, for so long
};

struct Ack {
  Status status = Status::success;
  std::uint16_t kind = 0;  ///< an AckKind, or something unknown
  RequestId id;
  std::span<const std::byte> data;  ///< of the bytes that were parsed
};
/// @param bytes what one transfer brought; bytes behind the stated length are ignored
[[nodiscard]] Parsed<Ack> parse_ack(std::span<const std::byte> bytes);
/// Of a pending acknowledge: how much longer the device asks to wait, in ms.
[[nodiscard]] Parsed<std::uint16_t> parse_pending(const Ack& ack);
/// Of a write acknowledge: bytes written. Devices that leave it out have written all.
[[nodiscard]] std::optional<std::uint16_t> parse_written(const Ack& ack);

struct Event {
  std::uint16_t id = 0;
  std::uint64_t timestamp_ns = 0;
  std::span<const std::byte> data;
};
/// A message on the event pipe.
[[nodiscard]] Parsed<Event> parse_event(std::span<const std::byte> bytes);

// ---------------------------------------------------------------- stream

inline constexpr std::size_t kImageLeaderBytes = 52;
inline constexpr std::size_t kImageTrailerBytes = 32;

enum class PayloadType : std::uint16_t {
  image = 0x0001,
  chunk = 0x4000,
  image_with_chunks = 0x4001,
  gendc = 0x1001,
};

struct ImageInfo {
  std::uint32_t pixel_format = 0;  ///< a PFNC code
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t offset_x = 0;
  std::uint32_t offset_y = 0;
  std::uint16_t padding_x = 0;  ///< bytes at the end of every line
  bool operator==(const ImageInfo&) const = default;
};

struct Leader {
  std::uint64_t block_id = 0;
  std::uint16_t payload_type = 0;
  std::uint64_t timestamp_ns = 0;
  std::optional<ImageInfo> image{};  ///< of types image and image_with_chunks
};
[[nodiscard]] Parsed<Leader> parse_leader(std::span<const std::byte> bytes);

struct Trailer {
  std::uint64_t block_id = 0;
  Status status = Status::success;
  std::uint64_t payload_bytes = 0;        ///< valid ones
  std::optional<std::uint32_t> height{};  ///< lines that were really sent, where it is stated
};
[[nodiscard]] Parsed<Trailer> parse_trailer(std::span<const std::byte> bytes);

// ---------------------------------------------------------------- bootstrap registers

/// The registers that every device has at address 0 (ABRM). Text registers hold 64 bytes.
namespace abrm {
inline constexpr std::size_t kTextBytes = 64;
inline constexpr Address kVersion{0x000};
inline constexpr Address kManufacturer{0x004};
inline constexpr Address kModel{0x044};
inline constexpr Address kFamily{0x084};
inline constexpr Address kDeviceVersion{0x0C4};
inline constexpr Address kManufacturerInfo{0x104};
inline constexpr Address kSerialNumber{0x144};
inline constexpr Address kUserName{0x184};
inline constexpr Address kCapability{0x1C4};
inline constexpr Address kMaxResponseTime{0x1CC};
inline constexpr Address kManifestTable{0x1D0};
inline constexpr Address kSbrm{0x1D8};
/// Up to and with the SBRM address.
inline constexpr std::size_t kBytes = 0x1E0;
}  // namespace abrm

struct DeviceRegisters {
  std::uint32_t gencp_version = 0;  ///< major in the upper 16 bits
  std::string manufacturer;
  std::string model;
  std::string family;
  std::string device_version;
  std::string manufacturer_info;
  std::string serial_number;
  std::uint32_t max_response_ms = 0;
  Address manifest;
  Address sbrm;
};
/// @param bytes abrm::kBytes of address 0 on. Texts end at their first zero byte; what is not
///        printable ASCII in them becomes '?'.
[[nodiscard]] Parsed<DeviceRegisters> parse_device_registers(std::span<const std::byte> bytes);

/// What is special to USB3 Vision (SBRM).
struct TransportRegisters {
  std::uint32_t u3v_version = 0;
  std::uint64_t capability = 0;
  std::uint32_t max_command_bytes = 0;
  std::uint32_t max_ack_bytes = 0;
  std::uint32_t stream_channels = 0;
  Address sirm;
  std::uint32_t speed = 0;  ///< one bit of bmSpeedSupport
};
inline constexpr std::size_t kSbrmBytes = 0x44;
/// Refused where the lengths do not even leave room for a number: bad_value.
[[nodiscard]] Parsed<TransportRegisters> parse_transport_registers(
    std::span<const std::byte> bytes);

/// Registers of the streaming interface (SIRM), from its address on.
namespace sirm {
inline constexpr std::uint64_t kInfo = 0x00;
inline constexpr std::uint64_t kControl = 0x04;  ///< bit 0: enabled
inline constexpr std::uint64_t kRequiredPayload = 0x08;
inline constexpr std::uint64_t kRequiredLeader = 0x10;
inline constexpr std::uint64_t kRequiredTrailer = 0x14;
inline constexpr std::uint64_t kMaxLeader = 0x18;
inline constexpr std::uint64_t kPayloadSize = 0x1C;
inline constexpr std::uint64_t kPayloadCount = 0x20;
inline constexpr std::uint64_t kFinal1 = 0x24;
inline constexpr std::uint64_t kFinal2 = 0x28;
inline constexpr std::uint64_t kMaxTrailer = 0x2C;
inline constexpr std::size_t kRequirementBytes = 0x18;
}  // namespace sirm

/// What a device asks of the stream, at its present settings.
struct StreamRequirements {
  std::uint32_t alignment = 1;  ///< payload transfers are multiples of it; a power of two
  std::uint64_t payload_bytes = 0;
  std::uint32_t leader_bytes = 0;
  std::uint32_t trailer_bytes = 0;
};
/// @param bytes sirm::kRequirementBytes from the SIRM's address on
[[nodiscard]] Parsed<StreamRequirements> parse_stream_requirements(
    std::span<const std::byte> bytes);

// ---------------------------------------------------------------- manifest

inline constexpr std::size_t kManifestCountBytes = 8;
inline constexpr std::size_t kManifestEntryBytes = 64;

enum class FileFormat : std::uint8_t { plain, zip, other };

/// One file that the device holds.
struct ManifestEntry {
  enum class Type : std::uint8_t { device_xml, other } type = Type::other;
  FileFormat format = FileFormat::plain;
  Address address;
  std::uint64_t bytes = 0;
  std::uint8_t version_major = 0;
  std::uint8_t version_minor = 0;
  std::uint16_t version_subminor = 0;
};
[[nodiscard]] Parsed<ManifestEntry> parse_manifest_entry(std::span<const std::byte> bytes);

// ---------------------------------------------------------------- class descriptor

inline constexpr std::size_t kInfoDescriptorBytes = 20;

/// What stands behind the control interface's descriptor. Indices are of string descriptors.
struct InfoDescriptor {
  std::uint32_t gencp_version = 0;
  std::uint32_t u3v_version = 0;
  std::uint8_t guid_index = 0;
  std::uint8_t vendor_index = 0;
  std::uint8_t model_index = 0;
  std::uint8_t device_version_index = 0;
  std::uint8_t serial_index = 0;
  std::uint8_t user_name_index = 0;
};
/// @param extra all class-specific descriptors of the interface; the first fitting one is taken
[[nodiscard]] Parsed<InfoDescriptor> parse_info_descriptor(std::span<const std::byte> extra);

}  // namespace daohil::drivers::usb
