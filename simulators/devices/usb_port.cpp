#include "simulators/devices/usb_port.hpp"

#include <algorithm>

namespace daohil::simulators::devices {
namespace {

constexpr std::size_t kSetupBytes = 8;
constexpr std::uint8_t kIn = 0x80;
constexpr std::uint8_t kClearFeature = 1;
constexpr std::uint8_t kToEndpoint = 2;

std::uint16_t word(std::span<const std::byte> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) |
                                    std::to_integer<unsigned>(bytes[at + 1]) << 8U);
}

}  // namespace

bool UsbPort::submit(const Transfer& transfer) {
  if (!plugged_) return false;
  Endpoint& endpoint = endpoints_[transfer.endpoint];
  endpoint.queue.push_back({transfer});
  // A host does not even try a halted endpoint; the halt lasts until it is cleared.
  if (endpoint.halted) finish_front(endpoint, TransferStatus::stall);
  return true;
}

void UsbPort::cancel(std::uint64_t token) {
  for (auto& [number, endpoint] : endpoints_) {
    const auto found =
        std::find_if(endpoint.queue.begin(), endpoint.queue.end(),
                     [&](const Pending& pending) { return pending.transfer.token == token; });
    if (found == endpoint.queue.end()) continue;
    completions_.push_back({token, TransferStatus::cancelled, found->done});
    endpoint.queue.erase(found);
    return;
  }
}

bool UsbPort::clear_halt(std::uint8_t endpoint) {
  if (!plugged_) return false;
  device_->control({kToEndpoint, kClearFeature, 0, endpoint, 0}, {});
  endpoints_[endpoint].halted = false;
  return true;
}

void UsbPort::run() {
  if (!plugged_) return;
  bool moved = true;
  while (moved) {
    moved = false;
    for (auto& [number, endpoint] : endpoints_) {
      while (!endpoint.queue.empty() && !endpoint.halted) {
        if (number == 0) {
          run_control(endpoint);
        } else if (!((number & kIn) != 0 ? move_in(number, endpoint)
                                         : move_out(number, endpoint))) {
          break;
        }
        moved = true;
      }
    }
  }
}

void UsbPort::run_control(Endpoint& endpoint) {
  Pending& pending = endpoint.queue.front();
  const auto buffer = pending.transfer.buffer;
  const Setup setup{std::to_integer<std::uint8_t>(buffer[0]),
                    std::to_integer<std::uint8_t>(buffer[1]), word(buffer, 2), word(buffer, 4),
                    word(buffer, 6)};
  const auto data = buffer.subspan(kSetupBytes);
  const Answer answer =
      device_->control(setup, data.first(std::min<std::size_t>(setup.length, data.size())));
  pending.done = answer.bytes;
  finish_front(endpoint, answer.handshake == Handshake::ack ? TransferStatus::success
                                                            : TransferStatus::stall);
}

bool UsbPort::move_out(std::uint8_t number, Endpoint& endpoint) {
  Pending& pending = endpoint.queue.front();
  const auto rest = pending.transfer.buffer.subspan(pending.done);
  const auto packet = rest.first(std::min(rest.size(), device_->max_packet(number)));
  const Handshake handshake = device_->out(number, packet);
  if (handshake == Handshake::nak) return false;
  if (handshake == Handshake::stall) {
    endpoint.halted = true;
    finish_front(endpoint, TransferStatus::stall);
    return true;
  }
  pending.done += packet.size();
  if (pending.done == pending.transfer.buffer.size())
    finish_front(endpoint, TransferStatus::success);
  return true;
}

bool UsbPort::move_in(std::uint8_t number, Endpoint& endpoint) {
  Pending& pending = endpoint.queue.front();
  const auto rest = pending.transfer.buffer.subspan(pending.done);
  const std::size_t most = device_->max_packet(number);
  packet_.resize(most);
  // Straight into the buffer while a whole packet has room in it.
  const auto into = rest.size() >= most ? rest.first(most) : std::span<std::byte>(packet_);
  const Answer answer = device_->in(number, into);
  if (answer.handshake == Handshake::nak) return false;
  if (answer.handshake == Handshake::stall) {
    endpoint.halted = true;
    finish_front(endpoint, TransferStatus::stall);
    return true;
  }
  if (answer.bytes > rest.size()) {
    finish_front(endpoint, TransferStatus::overflow);
    return true;
  }
  if (rest.size() < most) std::copy_n(packet_.begin(), answer.bytes, rest.begin());
  pending.done += answer.bytes;
  if (answer.bytes < most || answer.bytes == rest.size())
    finish_front(endpoint, TransferStatus::success);
  return true;
}

void UsbPort::finish_front(Endpoint& endpoint, TransferStatus status) {
  const Pending& front = endpoint.queue.front();
  completions_.push_back({front.transfer.token, status, front.done});
  endpoint.queue.pop_front();
}

std::optional<Completion> UsbPort::reap() {
  if (completions_.empty()) return std::nullopt;
  const Completion completion = completions_.front();
  completions_.pop_front();
  return completion;
}

std::size_t UsbPort::pending() const {
  std::size_t count = 0;
  for (const auto& [number, endpoint] : endpoints_) count += endpoint.queue.size();
  return count;
}

void UsbPort::unplug() {
  plugged_ = false;
  for (auto& [number, endpoint] : endpoints_)
    while (!endpoint.queue.empty()) finish_front(endpoint, TransferStatus::gone);
  endpoints_.clear();
  device_->power_cycle();
}

}  // namespace daohil::simulators::devices
