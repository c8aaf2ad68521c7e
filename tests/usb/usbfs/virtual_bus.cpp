#include "tests/usb/usbfs/virtual_bus.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/usbdevice_fs.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

// close() itself comes back here.
extern "C" int __real_close(int fd);

namespace daohil::drivers::usb::test {
namespace {

using namespace simulators::devices;

std::atomic<VirtualBus*> the_bus{nullptr};

constexpr std::size_t kPage = 4096;
constexpr unsigned kLastAddress = 127;  // as Linux: then from the beginning

int errno_of(TransferStatus status) {
  switch (status) {
    case TransferStatus::success:
      return 0;
    case TransferStatus::stall:
      return -EPIPE;
    case TransferStatus::overflow:
      return -EOVERFLOW;
    case TransferStatus::cancelled:
      return -ENOENT;
    case TransferStatus::gone:
      return -ESHUTDOWN;
  }
  return -EIO;
}

int memory_file(std::span<const std::byte> content) {
  const int fd = ::memfd_create("sysfs", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    return -EIO;
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace

struct VirtualBus::Slot {
  Slot(unsigned number, const U3vModel& model, FrameSource source)
      : name(fmt::format("1-{}", number)), device(model, std::move(source)), port(device) {}

  std::string name;
  Twin device;
  UsbPort port;
  unsigned address = 0;
};

// An open usbfs node. Linux says POLLOUT when there is something to reap and POLLERR when the
// device is gone: so does the writing end of a pipe that is kept full, and whose other end closes.
struct VirtualBus::File {
  Slot* slot = nullptr;
  unsigned address = 0;
  int write_end = -1;
  int read_end = -1;
  bool full = false;
  std::map<usbdevfs_urb*, std::size_t> pending;  // urb -> bytes it is charged for
  std::deque<Completion> done;

  ~File() {
    if (read_end >= 0) __real_close(read_end);
  }
  void fill() {
    if (full || read_end < 0) return;
    static const std::array<char, kPage> kBytes{};
    full = ::write(write_end, kBytes.data(), kBytes.size()) > 0;
  }
  void drain() {
    if (!full || read_end < 0) return;
    std::array<char, kPage> bytes{};
    full = ::read(read_end, bytes.data(), bytes.size()) <= 0;
  }
  void hang_up() {
    if (read_end >= 0) __real_close(read_end);
    read_end = -1;
  }
};

VirtualBus* VirtualBus::current() { return the_bus.load(); }

VirtualBus::VirtualBus()
    : event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)),
      began_(std::chrono::steady_clock::now()) {
  the_bus.store(this);
  thread_ = std::thread([this] { drive(); });
}

VirtualBus::~VirtualBus() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
  the_bus.store(nullptr);
  __real_close(event_fd_);
}

VirtualBus::Twin& VirtualBus::add(unsigned port, const U3vModel& model, FrameSource source) {
  {
    const std::lock_guard lock(mutex_);
    slots_[port] = std::make_unique<Slot>(port, model, std::move(source));
    slots_[port]->port.unplug();
  }
  plug(port);
  return slots_[port]->device;
}

void VirtualBus::plug(unsigned port) {
  const std::lock_guard lock(mutex_);
  Slot& slot = *slots_.at(port);
  slot.port.plug();
  last_address_ = last_address_ == kLastAddress ? 2 : last_address_ + 1;
  slot.address = last_address_;
  announce("add", slot);
  changed_.notify_all();
}

void VirtualBus::unplug(unsigned port) {
  const std::lock_guard lock(mutex_);
  Slot& slot = *slots_.at(port);
  slot.port.unplug();
  run(slot);
  for (auto& [fd, file] : files_)
    if (file->slot == &slot) file->hang_up();
  announce("remove", slot);
}

void VirtualBus::announce(const char* action, const Slot& slot) {
  if (!udev_events_) return;
  events_.push_back({action, slot.name, node_path(slot)});
  const std::uint64_t one = 1;
  if (::write(event_fd_, &one, sizeof one) < 0) std::abort();
}

void VirtualBus::with(unsigned port, const std::function<void(Twin&)>& action) {
  const std::lock_guard lock(mutex_);
  action(slots_.at(port)->device);
  changed_.notify_all();
}

void VirtualBus::set_udev_events(bool on) {
  const std::lock_guard lock(mutex_);
  udev_events_ = on;
}
void VirtualBus::set_memory_limit(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  memory_limit_ = bytes;
}
void VirtualBus::set_kernel_memory(bool on) {
  const std::lock_guard lock(mutex_);
  kernel_memory_ = on;
}
void VirtualBus::set_open_error(int error) {
  const std::lock_guard lock(mutex_);
  open_error_ = error;
}
void VirtualBus::set_claim_error(int error) {
  const std::lock_guard lock(mutex_);
  claim_error_ = error;
}

std::size_t VirtualBus::open_files() {
  const std::lock_guard lock(mutex_);
  return files_.size();
}
std::size_t VirtualBus::pending_transfers() {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [fd, file] : files_) count += file->pending.size();
  return count;
}
std::size_t VirtualBus::mapped_bytes() {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (const auto& [address, size] : mappings_) bytes += size;
  return bytes;
}

// ---------------------------------------------------------------- time

void VirtualBus::drive() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    run_ports();
    std::optional<DeviceTime> next;
    for (const auto& [number, slot] : slots_)
      if (const auto event = slot->device.next_event(); event && (!next || *event < *next))
        next = event;
    if (next)
      changed_.wait_until(lock, began_ + *next);
    else
      changed_.wait(lock);
  }
}

void VirtualBus::run_ports() {
  for (const auto& [number, slot] : slots_) run(*slot);
}

void VirtualBus::run(Slot& slot) {
  slot.device.advance(std::chrono::steady_clock::now() - began_);
  slot.port.run();
  while (const auto completion = slot.port.reap())
    for (auto& [fd, file] : files_)
      if (file->pending.count(reinterpret_cast<usbdevfs_urb*>(completion->token)) > 0) {
        file->done.push_back(*completion);
        file->drain();
      }
}

// ---------------------------------------------------------------- paths

std::string VirtualBus::node_path(const Slot& slot) {
  return fmt::format("/dev/bus/usb/001/{:03}", slot.address);
}

VirtualBus::Slot* VirtualBus::slot_named(const std::string& name) {
  for (auto& [number, slot] : slots_)
    if (slot->name == name && slot->port.is_plugged()) return slot.get();
  return nullptr;
}

std::vector<std::string> VirtualBus::names() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (auto& [number, slot] : slots_)
    if (slot->port.is_plugged()) all.push_back(slot->name);
  return all;
}

std::string VirtualBus::node_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const Slot* slot = slot_named(name);
  return slot == nullptr ? std::string{} : node_path(*slot);
}

std::optional<VirtualBus::Event> VirtualBus::next_event() {
  const std::lock_guard lock(mutex_);
  if (events_.empty()) return std::nullopt;
  std::uint64_t one = 0;
  if (::read(event_fd_, &one, sizeof one) < 0) return std::nullopt;
  Event event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<int> VirtualBus::open_path(const char* path) {
  const std::string text = path;
  const std::lock_guard lock(mutex_);
  if (text.starts_with("/sys/bus/usb/devices/")) return open_attribute(text);
  if (!text.starts_with("/dev/bus/usb/")) return std::nullopt;
  for (auto& [number, slot] : slots_)
    if (slot->port.is_plugged() && node_path(*slot) == text) return open_node(*slot);
  return -ENODEV;
}

std::optional<int> VirtualBus::open_attribute(const std::string& path) {
  constexpr std::string_view kFolder = "/sys/bus/usb/devices/";
  const std::size_t slash = path.find('/', kFolder.size());
  if (slash == std::string::npos) return -ENOENT;
  Slot* slot = slot_named(path.substr(kFolder.size(), slash - kFolder.size()));
  if (slot == nullptr) return -ENOENT;
  const std::string attribute = path.substr(slash + 1);
  if (attribute == "descriptors") {
    std::vector<std::byte> bytes = slot->device.descriptors().device;
    const auto& configuration = slot->device.descriptors().configuration;
    bytes.insert(bytes.end(), configuration.begin(), configuration.end());
    return memory_file(bytes);
  }
  std::string text;
  if (attribute == "busnum") text = "1\n";
  if (attribute == "devnum") text = fmt::format("{}\n", slot->address);
  if (attribute == "speed") text = "5000\n";
  if (attribute == "bConfigurationValue") text = "1\n";
  if (text.empty()) return -ENOENT;
  return memory_file(std::as_bytes(std::span(text)));
}

int VirtualBus::open_node(Slot& slot) {
  if (open_error_ != 0) return -open_error_;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
  ::fcntl(ends[1], F_SETPIPE_SZ, kPage);
  auto file = std::make_unique<File>();
  file->slot = &slot;
  file->address = slot.address;
  file->read_end = ends[0];
  file->write_end = ends[1];
  file->fill();
  files_[ends[1]] = std::move(file);
  return ends[1];
}

bool VirtualBus::owns(int fd) {
  const std::lock_guard lock(mutex_);
  return files_.count(fd) > 0;
}

bool VirtualBus::close_file(int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(fd);
  if (found == files_.end()) return false;
  // The kernel ends what is still in flight.
  for (const auto& [urb, bytes] : found->second->pending) {
    memory_used_ -= bytes;
    found->second->slot->port.cancel(reinterpret_cast<std::uint64_t>(urb));
  }
  while (found->second->slot->port.reap()) {
  }
  files_.erase(found);
  return true;
}

void* VirtualBus::map(int fd, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (files_.count(fd) == 0 || !kernel_memory_) return MAP_FAILED;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) mappings_[memory] = bytes;
  return memory;
}

void VirtualBus::unmapped(void* address, std::size_t) {
  const std::lock_guard lock(mutex_);
  mappings_.erase(address);
}

// ---------------------------------------------------------------- usbfs

int VirtualBus::control(int fd, unsigned long request, void* argument) {
  const std::lock_guard lock(mutex_);
  File& file = *files_.at(fd);
  const bool here = file.slot->port.is_plugged() && file.slot->address == file.address;
  if (request == USBDEVFS_REAPURBNDELAY) return reap(file, static_cast<usbdevfs_urb**>(argument));
  if (request == USBDEVFS_DISCARDURB) return discard(file, static_cast<usbdevfs_urb*>(argument));
  if (!here) return -ENODEV;
  switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
      *static_cast<std::uint32_t*>(argument) =
          USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
          USBDEVFS_CAP_REAP_AFTER_DISCONNECT | USBDEVFS_CAP_MMAP;
      return 0;
    case USBDEVFS_SUBMITURB:
      return submit(file, static_cast<usbdevfs_urb*>(argument));
    case USBDEVFS_CLEAR_HALT:
      return file.slot->port.clear_halt(
                 static_cast<std::uint8_t>(*static_cast<unsigned*>(argument)))
                 ? 0
                 : -ENODEV;
    case USBDEVFS_CLAIMINTERFACE:
    case USBDEVFS_DISCONNECT_CLAIM:
      return -claim_error_;
    case USBDEVFS_RELEASEINTERFACE:
    case USBDEVFS_SETINTERFACE:
    case USBDEVFS_SETCONFIGURATION:
      return 0;
    case USBDEVFS_GETDRIVER:
      return -ENODATA;  // no kernel driver has the interface
    default:
      return -ENOTTY;
  }
}

int VirtualBus::submit(File& file, usbdevfs_urb* urb) {
  const auto bytes = static_cast<std::size_t>(urb->buffer_length);
  if (memory_limit_ > 0 && memory_used_ + bytes > memory_limit_) return -ENOMEM;
  const std::uint8_t endpoint = urb->type == USBDEVFS_URB_TYPE_CONTROL ? 0 : urb->endpoint;
  urb->status = -EINPROGRESS;
  urb->actual_length = 0;
  file.pending[urb] = bytes;
  memory_used_ += bytes;
  const Transfer transfer{reinterpret_cast<std::uint64_t>(urb),
                          endpoint,
                          {static_cast<std::byte*>(urb->buffer), bytes}};
  if (!file.slot->port.submit(transfer)) {
    file.pending.erase(urb);
    memory_used_ -= bytes;
    return -ENODEV;
  }
  run(*file.slot);
  changed_.notify_all();  // what it did may bring the next event nearer
  return 0;
}

int VirtualBus::discard(File& file, usbdevfs_urb* urb) {
  if (file.pending.count(urb) == 0) return -EINVAL;
  const bool done = std::any_of(file.done.begin(), file.done.end(), [&](const Completion& each) {
    return each.token == reinterpret_cast<std::uint64_t>(urb);
  });
  if (done) return -EINVAL;
  file.slot->port.cancel(reinterpret_cast<std::uint64_t>(urb));
  run(*file.slot);
  return 0;
}

int VirtualBus::reap(File& file, usbdevfs_urb** urb) {
  if (file.done.empty()) {
    file.fill();
    const bool here = file.slot->port.is_plugged() && file.slot->address == file.address;
    return here ? -EAGAIN : -ENODEV;
  }
  const Completion completion = file.done.front();
  file.done.pop_front();
  *urb = reinterpret_cast<usbdevfs_urb*>(completion.token);
  (*urb)->status = errno_of(completion.status);
  (*urb)->actual_length = static_cast<int>(completion.actual);
  memory_used_ -= file.pending[*urb];
  file.pending.erase(*urb);
  return 0;
}

}  // namespace daohil::drivers::usb::test
