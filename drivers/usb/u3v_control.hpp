#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/genicam/port.hpp"
#include "drivers/usb/transport.hpp"
#include "drivers/usb/u3v_protocol.hpp"

namespace daohil::drivers::usb {

/// The registers of a camera, through GenCP: one command at a time, split by what the device takes,
/// repeated when an answer is missing or belongs to another command, waiting on when the device
/// asks for it. For one thread at a time; blocks.
class U3vControl final : public genicam::Port {
 public:
  /// @param owner for messages @param device must outlive it
  U3vControl(std::string owner, OpenDevice& device, const U3vInterfaces& interfaces);

  /// How much fits into one message, and how long an answer may take: of the device's registers.
  void set_limits(std::uint32_t max_command_bytes, std::uint32_t max_ack_bytes,
                  std::uint32_t max_response_ms);

  /// Any number of bytes. @throws DeviceGone, else Error naming address and status
  void read(std::uint64_t address, std::span<std::byte> into) override;
  void write(std::uint64_t address, std::span<const std::byte> bytes) override;

  [[nodiscard]] std::uint32_t read_u32(Address address);
  void write_u32(Address address, std::uint32_t value);

  /// Answers that came too late or for nobody, so far.
  [[nodiscard]] std::uint64_t discarded_acks() const { return discarded_; }

 private:
  struct Answer {
    Status status = Status::success;
    std::span<const std::byte> data;
  };

  Answer exchange(std::span<const std::byte> command, AckKind kind, Address address);
  /// Empty: nothing that answers the command came in time.
  std::optional<Answer> await_answer(AckKind kind);
  void send(std::span<const std::byte> command);
  void recover(TransferEnd end, std::uint8_t endpoint);
  [[noreturn]] void fail(Address address, const std::string& problem) const;

  std::string owner_;
  OpenDevice* device_;
  U3vInterfaces interfaces_;
  std::size_t max_command_;
  std::size_t max_ack_;
  shm::Duration max_response_;
  RequestId id_;
  std::vector<std::byte> command_;
  std::vector<std::byte> ack_;
  std::uint64_t discarded_ = 0;
};

}  // namespace daohil::drivers::usb
