#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/usb/signal.hpp"
#include "drivers/usb/spsc_queue.hpp"
#include "drivers/usb/u3v_block.hpp"
#include "shm/time.hpp"

namespace daohil::drivers::usb {

/// Why a stream does not go on by itself.
enum class Trouble : std::uint8_t {
  none,
  out_of_step,  ///< transfers failed, or blocks no longer begin where they should
  no_memory,    ///< the kernel has no memory for transfers
  gone,         ///< unplugged
};

/// Blocks of one camera, always with transfers queued ahead: the buffers of whole blocks go round
/// from the kernel (event thread) to the one consumer thread and back. A consumer that is slow
/// holds up the camera, which then loses frames by itself and shows it in its block ids; nothing
/// here is overwritten.
class U3vStream {
 public:
  struct Settings {
    TransferPlan plan;
    ImageLayout image;
    std::size_t blocks = 16;  ///< queued ahead
  };
  /// @param arrived raised for every block @param attention raised for trouble; both must outlive
  ///        the stream
  /// @throws Error when the memory for it cannot be had
  U3vStream(std::string owner, OpenDevice& device, std::uint8_t endpoint, const Settings& settings,
            Signal& arrived, Signal& attention);
  /// Stops.
  ~U3vStream();
  U3vStream(const U3vStream&) = delete;
  U3vStream& operator=(const U3vStream&) = delete;

  /// Queue all transfers. @throws Error, DeviceGone
  void start();
  /// Cancel what is in flight and wait for it. Not on the event thread.
  void stop();

  struct Arrival {
    std::size_t buffer = 0;
    ReceivedBlock block;
  };
  // Of the consumer:
  /// The next block, good or damaged; damaged ones need not be given back.
  std::optional<Arrival> next() { return ready_.pop(); }
  /// Its payload, until it is given back.
  [[nodiscard]] std::span<const std::byte> payload(const Arrival& arrival) const;
  void give_back(const Arrival& arrival);

  // Of any thread:
  [[nodiscard]] Trouble trouble() const { return trouble_.load(std::memory_order_acquire); }
  /// Since when a block has begun and not ended; empty: none has.
  [[nodiscard]] std::optional<shm::MonotonicTime> incomplete_since() const;

 private:
  class Buffer;

  void on_transfer(std::size_t buffer, std::size_t index, TransferResult result);
  void block_ended(std::size_t buffer);
  void take_back();
  void submit(std::size_t buffer);
  void report(Trouble trouble);
  [[nodiscard]] bool is_idle() const;

  std::string owner_;
  OpenDevice* device_;
  Settings settings_;
  Signal* arrived_;
  Signal* attention_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  SpscQueue<Arrival> ready_;
  SpscQueue<std::size_t> returned_;
  std::atomic<std::size_t> in_flight_{0};  // blocks
  std::atomic<bool> running_{false};
  std::atomic<Trouble> trouble_{Trouble::none};
  std::atomic<std::int64_t> incomplete_since_ns_{0};
};

}  // namespace daohil::drivers::usb
