#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "simulators/devices/usb_device.hpp"

namespace daohil::simulators::devices {

/// How a transfer ended, as Linux' usbfs reports it.
enum class TransferStatus : std::uint8_t {
  success,   ///< full, or ended by a short packet
  stall,     ///< the endpoint is halted until somebody clears it
  overflow,  ///< the device sent a packet that the buffer has no room for (babble)
  cancelled,
  gone,  ///< unplugged
};

/// One transfer of a host: a buffer that packets fill or empty.
struct Transfer {
  std::uint64_t token = 0;  ///< the submitter's name for it
  std::uint8_t endpoint = 0;
  /// Of endpoint 0: eight bytes of setup, then the data. It must live until completion.
  std::span<std::byte> buffer;
};

struct Completion {
  std::uint64_t token = 0;
  TransferStatus status = TransferStatus::success;
  std::size_t actual = 0;
};

/// One port of a host controller with a device in it, as packets see it: transfers of one endpoint
/// are served in order, a short packet ends one, a packet that is too long is an overflow, a stall
/// halts the endpoint. Pure: nothing moves but in run(). For one thread.
class UsbPort {
 public:
  /// @param device must outlive the port
  explicit UsbPort(UsbDevice& device) : device_(&device) {}

  /// @returns false when there is no device in the port
  [[nodiscard]] bool submit(const Transfer& transfer);
  /// It completes as cancelled, with what it has got so far; unless it has completed already.
  void cancel(std::uint64_t token);
  /// Ask the device to end a halt (CLEAR_FEATURE) and begin again. @returns false when gone
  [[nodiscard]] bool clear_halt(std::uint8_t endpoint);

  /// Move packets until neither side has more to say.
  void run();
  /// The oldest completion that nobody has fetched.
  std::optional<Completion> reap();
  [[nodiscard]] bool has_completions() const { return !completions_.empty(); }
  [[nodiscard]] std::size_t pending() const;

  [[nodiscard]] bool is_plugged() const { return plugged_; }
  /// Everything pending completes as gone; the device loses its power.
  void unplug();
  void plug() { plugged_ = true; }

 private:
  struct Pending {
    Transfer transfer;
    std::size_t done = 0;
  };
  struct Endpoint {
    std::deque<Pending> queue;
    bool halted = false;
  };

  void run_control(Endpoint& endpoint);
  bool move_out(std::uint8_t number, Endpoint& endpoint);
  bool move_in(std::uint8_t number, Endpoint& endpoint);
  void finish_front(Endpoint& endpoint, TransferStatus status);

  UsbDevice* device_;
  bool plugged_ = true;
  std::map<std::uint8_t, Endpoint> endpoints_;
  std::deque<Completion> completions_;
  std::vector<std::byte> packet_;
};

}  // namespace daohil::simulators::devices
