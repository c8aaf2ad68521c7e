// One input: the first byte chooses a parser of device bytes, the rest is what a device sends.
// What is accepted lies inside of the input and says of itself what the bytes say; the sanitizers
// watch the reads.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/error.hpp"
#include "drivers/genicam/formula.hpp"
#include "drivers/genicam/node_map.hpp"
#include "drivers/usb/pixel_format.hpp"
#include "drivers/usb/u3v_block.hpp"
#include "drivers/usb/u3v_protocol.hpp"
#include "drivers/usb/zip.hpp"

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

std::string text_of_bytes(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void formula(Bytes bytes) {
  using namespace daohil::drivers::genicam;
  const std::string text = text_of_bytes(bytes);
  const auto lookup = [](std::string_view name) -> Value {
    return static_cast<std::int64_t>(name.size());
  };
  for (const Arithmetic arithmetic : {Arithmetic::integer, Arithmetic::real}) try {
      (void)evaluate(text, arithmetic, lookup);
    } catch (const FormulaError& error) {
      require(std::string_view(error.what()).size() < 400, "messages are short");
    }
}

// A device that has the same byte everywhere and takes everything.
class Anywhere final : public daohil::drivers::genicam::Port {
 public:
  void read(std::uint64_t, std::span<std::byte> into) override {
    for (std::byte& byte : into) byte = std::byte{1};
  }
  void write(std::uint64_t, std::span<const std::byte>) override {}
};

void description(Bytes bytes) {
  using namespace daohil::drivers;
  Anywhere port;
  const auto attempt = [](const auto& call) {
    try {
      call();
    } catch (const Error&) {
    }
  };
  attempt([&] {
    genicam::NodeMap nodes("fuzz", text_of_bytes(bytes), port);
    for (const char* feature : {"A", "B"}) {
      attempt([&] { (void)nodes.has(feature); });
      attempt([&] { (void)nodes.text(feature); });
      attempt([&] { (void)nodes.real(feature); });
      attempt([&] { (void)nodes.entries(feature); });
      attempt([&] { nodes.set_text(feature, "1"); });
      attempt([&] { nodes.set_real(feature, 2.5); });
      attempt([&] { nodes.execute(feature); });
    }
  });
}

void archive(Bytes bytes) {
  constexpr std::size_t kLargest = 1U << 16U;
  try {
    require(unzip_first(bytes, kLargest).size() <= kLargest, "no more than was allowed");
  } catch (const daohil::drivers::Error&) {
  }
}

// Sizes of transfers from the first bytes, their content from the rest.
void block(Bytes bytes) {
  const TransferPlan plan{64, 64, 1, 64, 0, 64};
  std::vector<std::byte> buffer(plan.bytes());
  std::vector<TransferResult> results(plan.transfers());
  if (bytes.size() < results.size()) return;
  for (std::size_t i = 0; i < results.size(); ++i)
    results[i].bytes = std::to_integer<std::size_t>(bytes[i]) % 65;
  const Bytes rest = bytes.subspan(results.size());
  std::copy_n(rest.begin(), std::min(rest.size(), buffer.size()), buffer.begin());
  const ImageLayout image{pixel_format_named("Mono8").value(), 10, 10};
  const ReceivedBlock judged = judge_block(plan, image, results, buffer);
  if (judged.damage != Damage::none) return;
  ImageLayout layout = image;
  layout.padding_x = judged.padding_x;
  std::vector<std::byte> frame(100);
  require(unpack(layout, Bytes(buffer).subspan(plan.leader, plan.payload_bytes()), frame),
          "a block that is judged good can be unpacked");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A copy of exactly this size, so that the sanitizer sees a read behind its end.
  const Bytes input = std::as_bytes(std::span(data, size));
  const std::vector<std::byte> bytes(input.begin() + 1, input.end());
  switch (data[0] % 10) {
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
    case 6:
      formula(bytes);
      break;
    case 7:
      description(bytes);
      break;
    case 8:
      archive(bytes);
      break;
    case 9:
      block(bytes);
      break;
    default:
      break;
  }
  return 0;
}
