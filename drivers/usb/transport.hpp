#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "drivers/usb/u3v_protocol.hpp"
#include "shm/time.hpp"

struct libusb_context;
struct libusb_device;
struct libusb_device_handle;
struct libusb_transfer;

/// USB devices by RAII: transport.cpp is the only file that knows libusb.
namespace daohil::drivers::usb {

/// How a transfer ended.
enum class TransferEnd : std::uint8_t {
  complete,  ///< full, or ended by the device with less
  timed_out,
  stalled,   ///< the endpoint is halted until clear_halt
  overflow,  ///< the device sent more than there was room for
  cancelled,
  gone,   ///< the device is not there any more
  error,  ///< bad cable, bad packet
};
[[nodiscard]] const char* name_of(TransferEnd end);

struct TransferResult {
  TransferEnd end = TransferEnd::complete;
  std::size_t bytes = 0;
};

/// Interfaces and endpoints of a USB3 Vision camera.
struct U3vInterfaces {
  InfoDescriptor info;
  int control_interface = 0;
  std::uint8_t command_out = 0;
  std::uint8_t ack_in = 0;
  int stream_interface = 0;
  std::uint8_t stream_in = 0;
  std::size_t stream_packet = 512;  ///< largest packet of the stream endpoint
};

/// A camera that is attached.
struct AttachedCamera {
  std::string place;  ///< bus and ports: "2-1.4"
  std::uint16_t vendor_id = 0;
  std::uint16_t product_id = 0;
  std::string speed;  ///< "5 Gbit/s"
  U3vInterfaces interfaces;
  // Of the device's strings; empty when it cannot be opened.
  std::string vendor;
  std::string model;
  std::string version;
  std::string serial;
  std::string guid;
  std::string trouble;  ///< why it cannot be opened, with the way out; else empty
};

class OpenDevice;

/// A libusb session with its one event thread, which runs all completions. Members are safe from
/// any thread unless said otherwise.
class Context {
 public:
  /// @throws Error when the system has no USB
  Context();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// USB3 Vision cameras on all buses, in the order of their places. Not while transfers of this
  /// context are in flight.
  [[nodiscard]] std::vector<AttachedCamera> cameras();
  /// Open the camera at a place and claim its interfaces. @throws Error, with the way out
  [[nodiscard]] std::unique_ptr<OpenDevice> open(const AttachedCamera& camera);

  /// Wait until some device came or went, at most so long. @returns whether one did. Where the
  /// system does not tell (no udev), nothing is seen until a new Context is made.
  bool wait_for_change(shm::Duration longest);

  /// Called on the event thread after every batch of events; empty: nothing. When it returns from
  /// setting, the one before is not running any more. Not to be called on the event thread.
  void set_after_events(std::function<void()> hook);
  /// Make the event thread run the hook soon.
  void wake();
  /// Wait, not on the event thread, until a condition holds that completions bring about.
  void wait_until(const std::function<bool()>& condition);

 private:
  friend class OpenDevice;
  class Devices;

  void run();
  void note_change();
  void describe(libusb_device* device, AttachedCamera& camera);
  [[nodiscard]] static std::optional<AttachedCamera> camera_of(libusb_device* device);

  libusb_context* context_ = nullptr;
  int hotplug_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t changes_ = 0;
  std::uint64_t changes_seen_ = 0;
  std::mutex hook_mutex_;
  std::function<void()> hook_;
  std::condition_variable events_done_;
  std::thread thread_;
};

/// An open device, its interfaces claimed. Close all transfers before it. Blocking calls must not
/// be made on the event thread.
class OpenDevice {
 public:
  ~OpenDevice();
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  [[nodiscard]] TransferResult write(std::uint8_t endpoint, std::span<const std::byte> bytes,
                                     shm::Duration longest);
  [[nodiscard]] TransferResult read(std::uint8_t endpoint, std::span<std::byte> into,
                                    shm::Duration longest);
  /// @returns complete, gone or error
  TransferEnd clear_halt(std::uint8_t endpoint);
  [[nodiscard]] Context& context() { return *context_; }

 private:
  friend class Context;
  friend class TransferMemory;
  friend class AsyncTransfer;
  OpenDevice(Context& context, libusb_device_handle* handle)
      : context_(&context), handle_(handle) {}
  void claim(int interface, const std::string& place);
  TransferResult transfer(std::uint8_t endpoint, std::byte* data, std::size_t size,
                          shm::Duration longest);

  Context* context_;
  libusb_device_handle* handle_;
  std::vector<int> claimed_;
};

/// Memory for transfers: of the kernel's own if it gives some, so that nothing is copied between
/// it and us, else of the heap.
class TransferMemory {
 public:
  TransferMemory(OpenDevice& device, std::size_t bytes);
  ~TransferMemory();
  TransferMemory(const TransferMemory&) = delete;
  TransferMemory& operator=(const TransferMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] bool is_of_the_kernel() const { return heap_.empty(); }

 private:
  OpenDevice* device_;
  std::byte* data_ = nullptr;
  std::size_t size_;
  std::vector<std::byte> heap_;
};

/// One reusable bulk transfer without a time limit.
class AsyncTransfer {
 public:
  /// @param done called on the event thread for each submission, once
  AsyncTransfer(OpenDevice& device, std::uint8_t endpoint, std::span<std::byte> buffer,
                std::function<void(TransferResult)> done);
  /// It must not be in flight.
  ~AsyncTransfer();
  AsyncTransfer(const AsyncTransfer&) = delete;
  AsyncTransfer& operator=(const AsyncTransfer&) = delete;

  enum class Submitted : std::uint8_t { yes, gone, no_memory, failed };
  [[nodiscard]] Submitted submit();
  /// It completes soon, as cancelled or as it would have.
  void cancel();
  [[nodiscard]] bool is_in_flight() const { return in_flight_.load(std::memory_order_acquire); }

 private:
  static void on_done(libusb_transfer* transfer);

  libusb_transfer* transfer_;
  std::function<void(TransferResult)> done_;
  std::atomic<bool> in_flight_{false};
};

/// Memory that Linux lets all programs together have for USB transfers; empty: no limit, or not
/// known. Bytes.
[[nodiscard]] std::optional<std::size_t> usb_memory_limit();
/// The limit's file, as text of MiB, in bytes.
[[nodiscard]] std::optional<std::size_t> parse_usb_memory_limit(std::string_view text);
/// What to do when it is too small: one command.
[[nodiscard]] std::string usb_memory_remedy(std::size_t needed_bytes);

}  // namespace daohil::drivers::usb
