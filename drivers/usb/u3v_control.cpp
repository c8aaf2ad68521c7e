#include "drivers/usb/u3v_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "drivers/usb/device_gone.hpp"
#include "drivers/usb/little_endian.hpp"

namespace daohil::drivers::usb {
namespace {

using namespace std::chrono_literals;

constexpr int kAttempts = 5;
constexpr int kStrayAcks = 16;  // read away before an attempt is given up
constexpr int kPendings = 100;

// Until the device has said more: what every device must be able to do.
constexpr std::size_t kFirstMessage = 256;
constexpr shm::Duration kFirstResponse = 500ms;
// Devices claim anything from 0 to hours.
constexpr shm::Duration kShortest = 100ms;
constexpr shm::Duration kLongest = 10s;
constexpr std::size_t kLargestMessage = 0xFFFF;
constexpr std::size_t kAckPacket = 1024;  // SuperSpeed; two of high speed

}  // namespace

U3vControl::U3vControl(std::string owner, OpenDevice& device, const U3vInterfaces& interfaces)
    : owner_(std::move(owner)),
      device_(&device),
      interfaces_(interfaces),
      max_command_(kFirstMessage),
      max_ack_(kFirstMessage),
      max_response_(kFirstResponse) {
  command_.resize(kFirstMessage);
  ack_.resize(kAckPacket);
}

void U3vControl::set_limits(std::uint32_t max_command_bytes, std::uint32_t max_ack_bytes,
                            std::uint32_t max_response_ms) {
  max_command_ = std::min<std::size_t>(max_command_bytes, kLargestMessage);
  max_ack_ = std::min<std::size_t>(max_ack_bytes, kLargestMessage);
  max_response_ =
      std::clamp<shm::Duration>(std::chrono::milliseconds(max_response_ms), kShortest, kLongest);
}

void U3vControl::read(std::uint64_t address, std::span<std::byte> into) {
  while (!into.empty()) {
    // Multiples of eight: devices refuse reads that end in the middle of a register.
    std::size_t count = std::min(into.size(), max_ack_ - kPrefixBytes);
    if (count < into.size() && count >= 8) count -= count % 8;
    id_ = id_.next();
    const std::size_t bytes =
        encode_read(command_, id_, {address}, static_cast<std::uint16_t>(count));
    const Answer answer = exchange(std::span(command_).first(bytes), AckKind::read, {address});
    if (answer.data.size() < count)
      fail({address}, fmt::format("{} bytes were asked and {} came", count, answer.data.size()));
    std::copy_n(answer.data.begin(), count, into.begin());
    into = into.subspan(count);
    address += count;
  }
}

void U3vControl::write(std::uint64_t address, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), max_command_ - kWriteOverheadBytes);
    id_ = id_.next();
    const std::size_t size = encode_write(command_, id_, {address}, bytes.first(count));
    exchange(std::span(command_).first(size), AckKind::write, {address});
    bytes = bytes.subspan(count);
    address += count;
  }
}

std::uint32_t U3vControl::read_u32(Address address) {
  std::array<std::byte, 4> bytes{};
  read(address.value, bytes);
  return load_le<std::uint32_t>(bytes, 0);
}

void U3vControl::write_u32(Address address, std::uint32_t value) {
  std::array<std::byte, 4> bytes{};
  store_le(bytes, 0, value);
  write(address.value, bytes);
}

U3vControl::Answer U3vControl::exchange(std::span<const std::byte> command, AckKind kind,
                                        Address address) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // The same request id: a device that has already done it knows that.
    send(command);
    const auto answer = await_answer(kind);
    if (!answer || answer->status == Status::busy) continue;
    if (answer->status == Status::success) return *answer;
    fail(address, fmt::format("{} refused: {}", kind == AckKind::read ? "reading" : "writing",
                              text_of(answer->status)));
  }
  fail(address, fmt::format("no answer to {} attempts of {} ms each; unplug the camera and plug it "
                            "in again",
                            kAttempts, max_response_ / 1ms));
}

void U3vControl::send(std::span<const std::byte> command) {
  const TransferResult sent = device_->write(interfaces_.command_out, command, max_response_);
  if (sent.end != TransferEnd::complete) recover(sent.end, interfaces_.command_out);
}

// Some cameras leave an answer of before in the pipe: what belongs to no command is read away.
std::optional<U3vControl::Answer> U3vControl::await_answer(AckKind kind) {
  shm::Duration wait = max_response_;
  int pendings = 0;
  int strays = 0;
  while (strays < kStrayAcks && pendings < kPendings) {
    const TransferResult got = device_->read(interfaces_.ack_in, ack_, wait);
    if (got.end != TransferEnd::complete) {
      recover(got.end, interfaces_.ack_in);
      return std::nullopt;
    }
    const auto parsed = parse_ack(std::span(ack_).first(got.bytes));
    const auto* ack = std::get_if<Ack>(&parsed);
    if (ack == nullptr || ack->id != id_) {
      ++discarded_;
      ++strays;
      continue;
    }
    if (ack->kind == static_cast<std::uint16_t>(AckKind::pending)) {
      const auto asked = parse_pending(*ack);
      if (const auto* ms = std::get_if<std::uint16_t>(&asked))
        wait = std::min<shm::Duration>(std::chrono::milliseconds(*ms), kLongest) + max_response_;
      ++pendings;
      continue;
    }
    if (ack->kind == static_cast<std::uint16_t>(kind) || ack->status != Status::success)
      return Answer{ack->status, ack->data};
    ++discarded_;
    ++strays;
  }
  return std::nullopt;
}

void U3vControl::recover(TransferEnd end, std::uint8_t endpoint) {
  if (end == TransferEnd::gone)
    throw DeviceGone(fmt::format("{}: the camera is gone; plug it in again", owner_));
  if (end == TransferEnd::timed_out) return;
  if (device_->clear_halt(endpoint) == TransferEnd::gone)
    throw DeviceGone(fmt::format("{}: the camera is gone; plug it in again", owner_));
}

void U3vControl::fail(Address address, const std::string& problem) const {
  throw Error(fmt::format("{}: register 0x{:X}: {}", owner_, address.value, problem));
}

}  // namespace daohil::drivers::usb
