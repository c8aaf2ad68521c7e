// One input: the first byte chooses a parser of device bytes, the rest is what a device sends.
// What is accepted lies inside of the input and says of itself what the bytes say; the sanitizers
// watch the reads.

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "drivers/usb/pixel_format.hpp"
#include "drivers/usb/u3v_protocol.hpp"

namespace {

using namespace daohil::drivers::usb;
using Bytes = std::span<const std::byte>;

void require(bool promise, std::string_view what) {
  if (promise) return;
  fmt::print(stderr, "u3v_target: broken promise: {}\n", what);
  std::abort();
}

std::uint64_t number(Bytes bytes, std::size_t at, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8U * i);
  return value;
}

bool within(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void ack(Bytes bytes) {
  const auto parsed = parse_ack(bytes);
  const auto* read = std::get_if<Ack>(&parsed);
  if (read == nullptr) return;
  require(within(read->data, bytes), "an acknowledge's data are of its bytes");
  require(read->data.size() == number(bytes, 8, 2), "as many as it states");
  if (const auto pending = parse_pending(*read); std::holds_alternative<std::uint16_t>(pending))
    require(std::get<std::uint16_t>(pending) == number(bytes, 14, 2), "the wait it asks for");
  (void)parse_written(*read);
  require(!text_of(read->status).empty(), "every status has a name");
}

void event(Bytes bytes) {
  const auto parsed = parse_event(bytes);
  if (const auto* read = std::get_if<Event>(&parsed))
    require(within(read->data, bytes), "an event's data are of its bytes");
}

void image(const ImageInfo& info) {
  const auto format = pixel_format_of(info.pixel_format);
  if (!format) return;
  const ImageLayout layout{*format, info.width, info.height, info.padding_x};
  constexpr std::size_t kLargest = 1U << 16U;
  const std::size_t bytes = payload_bytes(layout);
  if (bytes == 0 || bytes > kLargest) return;
  const std::size_t each = format->type() == daohil::shm::PixelType::u8 ? 1 : 2;
  std::vector<std::byte> frame(layout.width * layout.height * each);
  const std::vector<std::byte> payload(bytes, std::byte{0xA5});
  require(unpack(layout, payload, frame), "a payload of payload_bytes() can be unpacked");
  require(!unpack(layout, Bytes(payload).first(bytes - 1), frame), "a shorter one cannot");
}

void leader(Bytes bytes) {
  const auto parsed = parse_leader(bytes);
  const auto* read = std::get_if<Leader>(&parsed);
  if (read == nullptr) return;
  require(number(bytes, 6, 2) <= bytes.size(), "a leader is whole");
  require(read->block_id == number(bytes, 8, 8), "the block id of a leader");
  if (read->image) image(*read->image);
}

void trailer(Bytes bytes) {
  const auto parsed = parse_trailer(bytes);
  const auto* read = std::get_if<Trailer>(&parsed);
  if (read == nullptr) return;
  require(number(bytes, 6, 2) <= bytes.size(), "a trailer is whole");
  require(read->payload_bytes == number(bytes, 20, 8), "the payload's size in a trailer");
}

void registers(Bytes bytes) {
  const auto device = parse_device_registers(bytes);
  if (const auto* read = std::get_if<DeviceRegisters>(&device))
    for (const std::string& text : {read->manufacturer, read->model, read->serial_number})
      for (const char c : text) require(c >= 0x20 && c < 0x7F, "texts are printable");
  const auto transport = parse_transport_registers(bytes);
  if (const auto* read = std::get_if<TransportRegisters>(&transport))
    require(read->max_ack_bytes > kPrefixBytes && read->max_command_bytes > kWriteOverheadBytes,
            "there is room for data in every message");
  const auto stream = parse_stream_requirements(bytes);
  if (const auto* read = std::get_if<StreamRequirements>(&stream))
    require(read->alignment > 0 && (read->alignment & (read->alignment - 1)) == 0,
            "alignments are powers of two");
  (void)parse_manifest_entry(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A copy of exactly this size, so that the sanitizer sees a read behind its end.
  const Bytes input = std::as_bytes(std::span(data, size));
  const std::vector<std::byte> bytes(input.begin() + 1, input.end());
  switch (data[0] % 6) {
    case 0:
      ack(bytes);
      break;
    case 1:
      event(bytes);
      break;
    case 2:
      leader(bytes);
      break;
    case 3:
      trailer(bytes);
      break;
    case 4:
      registers(bytes);
      break;
    case 5:
      (void)parse_info_descriptor(bytes);
      break;
    default:
      break;
  }
  return 0;
}
