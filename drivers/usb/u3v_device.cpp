#include "drivers/usb/u3v_device.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/usb/device_gone.hpp"
#include "drivers/usb/little_endian.hpp"
#include "drivers/usb/zip.hpp"

namespace daohil::drivers::usb {
namespace {

// Real descriptions have up to 2 MiB. What a device claims must not fill the memory.
constexpr std::uint64_t kLargestDescription = 32U << 20U;
constexpr std::uint64_t kMostFiles = 64;

template <class T>
T need(Parsed<T> parsed, const std::string& owner, const char* what) {
  if (auto* value = std::get_if<T>(&parsed)) return std::move(*value);
  throw Error(fmt::format("{}: {} are {}; is its firmware in order?", owner, what,
                          name_of(std::get<Malformed>(parsed))));
}

std::string vid_pid(const AttachedCamera& camera) {
  return fmt::format("{:04x}:{:04x}", camera.vendor_id, camera.product_id);
}

bool is_called(const AttachedCamera& camera, std::string_view name) {
  return name == camera.serial || name == camera.guid || name == camera.place ||
         name == vid_pid(camera);
}

std::string listed(const std::vector<AttachedCamera>& attached) {
  if (attached.empty()) return "none is attached";
  std::string text = "attached are";
  for (const AttachedCamera& camera : attached) {
    text += fmt::format("{} '{}' ({} {}, {}, at {})", &camera == attached.data() ? "" : ",",
                        camera.serial, camera.vendor, camera.model, vid_pid(camera), camera.place);
    if (!camera.trouble.empty()) text += ": " + camera.trouble;
  }
  return text;
}

}  // namespace

AttachedCamera choose(const std::vector<AttachedCamera>& attached, std::string_view wanted) {
  std::vector<const AttachedCamera*> fitting;
  for (const AttachedCamera& camera : attached)
    if (wanted.empty() || is_called(camera, wanted)) fitting.push_back(&camera);
  if (fitting.size() == 1) return *fitting.front();
  const std::string which =
      wanted.empty() ? std::string("no device is named") : fmt::format("device '{}'", wanted);
  throw Error(
      fmt::format("camera usb: {}, {} USB3 Vision cameras fit: {}; name one by its serial "
                  "number",
                  which, fitting.size(), listed(attached)));
}

U3vDevice::U3vDevice(std::shared_ptr<Context> context, const AttachedCamera& camera)
    : owner_(fmt::format("camera usb '{}'", camera.serial.empty() ? camera.place : camera.serial)),
      attached_(camera),
      context_(std::move(context)),
      usb_(context_->open(camera)),
      control_(owner_, *usb_, camera.interfaces) {
  // A program that died may have left the endpoints halted.
  usb_->clear_halt(camera.interfaces.command_out);
  usb_->clear_halt(camera.interfaces.ack_in);
  read_registers();
  fetch_description();
}

void U3vDevice::read_registers() {
  std::vector<std::byte> bytes(abrm::kBytes);
  control_.read(0, bytes);
  registers_ = need(parse_device_registers(bytes), owner_, "its bootstrap registers");
  serial_ = registers_.serial_number.empty() ? attached_.serial : registers_.serial_number;

  bytes.resize(kSbrmBytes);
  control_.read(registers_.sbrm.value, bytes);
  const auto transport = need(parse_transport_registers(bytes), owner_, "its transport registers");
  control_.set_limits(transport.max_command_bytes, transport.max_ack_bytes,
                      registers_.max_response_ms);
  sirm_ = transport.sirm;
}

ManifestEntry U3vDevice::find_description() {
  std::array<std::byte, kManifestCountBytes> count_bytes{};
  control_.read(registers_.manifest.value, count_bytes);
  const auto count = std::min(load_le<std::uint64_t>(count_bytes, 0), kMostFiles);
  std::optional<ManifestEntry> best;
  const auto version = [](const ManifestEntry& entry) {
    return std::array<unsigned, 3>{entry.version_major, entry.version_minor,
                                   entry.version_subminor};
  };
  for (std::uint64_t i = 0; i < count; ++i) {
    std::array<std::byte, kManifestEntryBytes> bytes{};
    control_.read(registers_.manifest.value + kManifestCountBytes + i * kManifestEntryBytes, bytes);
    const auto entry = need(parse_manifest_entry(bytes), owner_, "the entries of its manifest");
    if (entry.type != ManifestEntry::Type::device_xml || entry.format == FileFormat::other)
      continue;
    if (!best || version(entry) > version(*best)) best = entry;
  }
  if (!best)
    throw Error(
        fmt::format("{}: it has no description of its features among {} files; is its "
                    "firmware in order?",
                    owner_, count));
  return *best;
}

void U3vDevice::fetch_description() {
  const ManifestEntry entry = find_description();
  if (entry.bytes == 0 || entry.bytes > kLargestDescription)
    throw Error(fmt::format("{}: its description is said to have {} bytes, 1 to {} are possible",
                            owner_, entry.bytes, kLargestDescription));
  std::vector<std::byte> bytes(static_cast<std::size_t>(entry.bytes));
  control_.read(entry.address.value, bytes);
  if (entry.format == FileFormat::zip) {
    xml_ = unzip_first(bytes, kLargestDescription);
  } else {
    xml_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    xml_.erase(std::find(xml_.begin(), xml_.end(), '\0'), xml_.end());  // padded by some
  }
  features_ = std::make_unique<genicam::NodeMap>(owner_, xml_, control_);
}

StreamRequirements U3vDevice::stream_requirements() {
  std::array<std::byte, sirm::kRequirementBytes> bytes{};
  control_.read(sirm_.value, bytes);
  return need(parse_stream_requirements(bytes), owner_, "its stream registers");
}

void U3vDevice::enable_stream(const TransferPlan& plan) {
  const auto set = [&](std::uint64_t offset, std::uint32_t value) {
    control_.write_u32(sirm_ + offset, value);
  };
  set(sirm::kControl, 0);
  set(sirm::kMaxLeader, plan.leader);
  set(sirm::kPayloadSize, plan.payload);
  set(sirm::kPayloadCount, plan.count);
  set(sirm::kFinal1, plan.final1);
  set(sirm::kFinal2, plan.final2);
  set(sirm::kMaxTrailer, plan.trailer);
  if (usb_->clear_halt(attached_.interfaces.stream_in) == TransferEnd::gone)
    throw DeviceGone(fmt::format("{}: the camera is gone; plug it in again", owner_));
  set(sirm::kControl, 1);
}

void U3vDevice::disable_stream() { control_.write_u32(sirm_ + sirm::kControl, 0); }

}  // namespace daohil::drivers::usb
