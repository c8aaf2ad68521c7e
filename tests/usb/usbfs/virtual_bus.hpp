#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "simulators/devices/u3v_camera.hpp"
#include "simulators/devices/usb_port.hpp"

struct usbdevfs_urb;

namespace daohil::drivers::usb::test {

/// A USB bus of this process: what Linux would show as /dev/bus/usb, /sys/bus/usb and udev, with
/// simulated cameras on it. Debian's own libusb runs on it unchanged; its system calls are caught
/// when the test program is linked (wrapped_calls.cpp). One at a time. Safe from any thread.
class VirtualBus {
 public:
  VirtualBus();
  ~VirtualBus();
  VirtualBus(const VirtualBus&) = delete;
  VirtualBus& operator=(const VirtualBus&) = delete;

  using Twin = simulators::devices::U3vCamera;

  /// Put a camera into a port, from 1 on. The bus drives its time from now on.
  Twin& add(unsigned port, const simulators::devices::U3vModel& model,
            simulators::devices::FrameSource source);
  void unplug(unsigned port);
  void plug(unsigned port);
  /// Do something with a camera while the bus stands still.
  void with(unsigned port, const std::function<void(Twin&)>& action);
  /// Whether udev tells of devices that come and go.
  void set_udev_events(bool on);
  /// As usbfs_memory_mb, in bytes; 0: none.
  void set_memory_limit(std::size_t bytes);
  /// Whether mmap of a device gives memory for transfers.
  void set_kernel_memory(bool on);
  /// Who opens a device, or claims an interface, gets this error; 0: none.
  void set_open_error(int error);
  void set_claim_error(int error);

  // What is left open, for the search of leaks.
  [[nodiscard]] std::size_t open_files();
  [[nodiscard]] std::size_t pending_transfers();
  [[nodiscard]] std::size_t mapped_bytes();

  // ---- for wrapped_calls.cpp; errors as in the kernel: a negative errno
  static VirtualBus* current();
  /// @returns a descriptor, -errno, or empty: not one of our paths
  std::optional<int> open_path(const char* path);
  bool close_file(int fd);
  [[nodiscard]] bool owns(int fd);
  int control(int fd, unsigned long request, void* argument);
  void* map(int fd, std::size_t bytes);
  void unmapped(void* address, std::size_t bytes);

  struct Event {
    std::string action;  ///< "add", "remove"
    std::string name;    ///< "1-1"
    std::string node;
  };
  [[nodiscard]] int event_fd() const { return event_fd_; }
  std::optional<Event> next_event();
  [[nodiscard]] std::vector<std::string> names();
  [[nodiscard]] std::string node_of(const std::string& name);

 private:
  struct Slot;
  struct File;

  void drive();
  void run_ports();
  void run(Slot& slot);
  void settle(File& file);
  void announce(const char* action, const Slot& slot);
  int submit(File& file, usbdevfs_urb* urb);
  int discard(File& file, usbdevfs_urb* urb);
  int reap(File& file, usbdevfs_urb** urb);
  [[nodiscard]] Slot* slot_named(const std::string& name);
  [[nodiscard]] static std::string node_path(const Slot& slot);
  int open_node(Slot& slot);
  std::optional<int> open_attribute(const std::string& path);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<unsigned, std::unique_ptr<Slot>> slots_;
  std::map<int, std::unique_ptr<File>> files_;
  std::map<void*, std::size_t> mappings_;
  std::deque<Event> events_;
  int event_fd_;
  unsigned last_address_ = 1;
  std::size_t memory_limit_ = 0;
  std::size_t memory_used_ = 0;
  bool udev_events_ = true;
  bool kernel_memory_ = true;
  int open_error_ = 0;
  int claim_error_ = 0;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point began_;
  std::thread thread_;
};

}  // namespace daohil::drivers::usb::test
