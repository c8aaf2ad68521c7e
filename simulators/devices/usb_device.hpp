#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace daohil::simulators::devices {

/// The eight bytes that begin a control transfer (USB 2.0, table 9-2).
struct Setup {
  std::uint8_t type = 0;
  std::uint8_t request = 0;
  std::uint16_t value = 0;
  std::uint16_t index = 0;
  std::uint16_t length = 0;

  [[nodiscard]] bool is_in() const { return (type & 0x80U) != 0; }
};

/// What a device answers to one packet.
enum class Handshake : std::uint8_t {
  ack,    ///< taken, or data sent
  nak,    ///< nothing now; ask again
  stall,  ///< the endpoint is halted, or the request not supported
};

struct Answer {
  Handshake handshake = Handshake::nak;
  std::size_t bytes = 0;  ///< sent by the device, with ack
};

/// What a device says of itself before anything else.
struct Descriptors {
  std::vector<std::byte> device;
  std::vector<std::byte> configuration;  ///< with interfaces, endpoints, class descriptors
  std::vector<std::byte> bos;            ///< empty below USB 2.1
  std::vector<std::string> strings;      ///< index 1 is the first
};

/// A USB device, packet by packet: a pure state machine. A host controller asks, it answers.
class UsbDevice {
 public:
  virtual ~UsbDevice() = default;

  [[nodiscard]] virtual const Descriptors& descriptors() const = 0;
  [[nodiscard]] virtual std::size_t max_packet(std::uint8_t endpoint) const = 0;
  /// A whole control transfer on endpoint 0, standard requests included.
  /// @param data of setup.length bytes: read, or filled by an IN request
  virtual Answer control(const Setup& setup, std::span<std::byte> data) = 0;
  /// A packet from the host. @param packet at most max_packet(endpoint) bytes
  virtual Handshake out(std::uint8_t endpoint, std::span<const std::byte> packet) = 0;
  /// A packet to the host, of 0 to max_packet(endpoint) bytes. @param into max_packet(endpoint)
  virtual Answer in(std::uint8_t endpoint, std::span<std::byte> into) = 0;
  /// It lost its power: as new, with nothing that was set.
  virtual void power_cycle() = 0;
};

}  // namespace daohil::simulators::devices
