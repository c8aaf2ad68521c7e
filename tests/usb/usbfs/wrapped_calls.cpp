// The system calls of libusb, caught by the linker (--wrap): those that concern the virtual bus go
// there, all others to the system. And libudev, as far as libusb knows it.

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <string>

#include "tests/usb/usbfs/virtual_bus.hpp"

using daohil::drivers::usb::test::VirtualBus;

namespace {

// Of the kernel's -errno the C library's -1 and errno.
int returned(int result) {
  if (result >= 0) return result;
  errno = -result;
  return -1;
}

}  // namespace

extern "C" {

int __real_open(const char* path, int flags, ...);
int __real___open_2(const char* path, int flags);
int __real_close(int fd);
int __real_ioctl(int fd, unsigned long request, ...);
void* __real_mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset);
int __real_munmap(void* address, size_t bytes);
int __real_statfs(const char* path, struct statfs* into);
DIR* __real_opendir(const char* path);

int __wrap_open(const char* path, int flags, ...) {
  if (VirtualBus* bus = VirtualBus::current())
    if (const auto opened = bus->open_path(path)) return returned(*opened);
  if ((flags & (O_CREAT | O_TMPFILE)) == 0) return __real_open(path, flags);
  va_list rest;
  va_start(rest, flags);
  const int mode = va_arg(rest, int);
  va_end(rest);
  return __real_open(path, flags, mode);
}

int __wrap___open_2(const char* path, int flags) { return __wrap_open(path, flags); }

int __wrap_close(int fd) {
  if (VirtualBus* bus = VirtualBus::current()) bus->close_file(fd);
  return __real_close(fd);
}

int __wrap_ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  VirtualBus* bus = VirtualBus::current();
  if (bus != nullptr && bus->owns(fd)) return returned(bus->control(fd, request, argument));
  return __real_ioctl(fd, request, argument);
}

void* __wrap_mmap(void* address, size_t bytes, int protection, int flags, int fd, off_t offset) {
  VirtualBus* bus = VirtualBus::current();
  if (fd >= 0 && bus != nullptr && bus->owns(fd)) {
    void* memory = bus->map(fd, bytes);
    if (memory == MAP_FAILED) errno = ENODEV;
    return memory;
  }
  return __real_mmap(address, bytes, protection, flags, fd, offset);
}

int __wrap_munmap(void* address, size_t bytes) {
  if (VirtualBus* bus = VirtualBus::current()) bus->unmapped(address, bytes);
  return __real_munmap(address, bytes);
}

int __wrap_statfs(const char* path, struct statfs* into) {
  if (VirtualBus::current() == nullptr || std::strcmp(path, "/sys") != 0)
    return __real_statfs(path, into);
  *into = {};
  into->f_type = SYSFS_MAGIC;
  return 0;
}

// libusb only looks whether the folder has something in it.
DIR* __wrap_opendir(const char* path) {
  const bool ours = VirtualBus::current() != nullptr && std::strcmp(path, "/dev/bus/usb") == 0;
  return __real_opendir(ours ? "/" : path);
}

// ---------------------------------------------------------------- libudev

struct udev {};
struct udev_monitor {};
struct udev_device {
  VirtualBus::Event event;
};
struct udev_list_entry {
  std::string name;
  udev_list_entry* next = nullptr;
};
struct udev_enumerate {
  std::vector<udev_list_entry> entries;
};

udev* udev_new() { return new udev; }
udev* udev_unref(udev* context) {
  delete context;
  return nullptr;
}

udev_monitor* udev_monitor_new_from_netlink(udev*, const char*) { return new udev_monitor; }
udev_monitor* udev_monitor_unref(udev_monitor* monitor) {
  delete monitor;
  return nullptr;
}
int udev_monitor_filter_add_match_subsystem_devtype(udev_monitor*, const char*, const char*) {
  return 0;
}
int udev_monitor_enable_receiving(udev_monitor*) { return 0; }
int udev_monitor_get_fd(udev_monitor*) { return VirtualBus::current()->event_fd(); }
udev_device* udev_monitor_receive_device(udev_monitor*) {
  auto event = VirtualBus::current()->next_event();
  return event ? new udev_device{*event} : nullptr;
}

udev_enumerate* udev_enumerate_new(udev*) { return new udev_enumerate; }
udev_enumerate* udev_enumerate_unref(udev_enumerate* enumerate) {
  delete enumerate;
  return nullptr;
}
int udev_enumerate_add_match_subsystem(udev_enumerate*, const char*) { return 0; }
int udev_enumerate_add_match_property(udev_enumerate*, const char*, const char*) { return 0; }
int udev_enumerate_scan_devices(udev_enumerate* enumerate) {
  for (const std::string& name : VirtualBus::current()->names())
    enumerate->entries.push_back({name});
  for (size_t i = 0; i + 1 < enumerate->entries.size(); ++i)
    enumerate->entries[i].next = &enumerate->entries[i + 1];
  return 0;
}
udev_list_entry* udev_enumerate_get_list_entry(udev_enumerate* enumerate) {
  return enumerate->entries.empty() ? nullptr : enumerate->entries.data();
}
udev_list_entry* udev_list_entry_get_next(udev_list_entry* entry) { return entry->next; }
const char* udev_list_entry_get_name(udev_list_entry* entry) { return entry->name.c_str(); }

udev_device* udev_device_new_from_syspath(udev*, const char* name) {
  return new udev_device{{"", name, VirtualBus::current()->node_of(name)}};
}
udev_device* udev_device_unref(udev_device* device) {
  delete device;
  return nullptr;
}
const char* udev_device_get_devnode(udev_device* device) { return device->event.node.c_str(); }
const char* udev_device_get_sysname(udev_device* device) { return device->event.name.c_str(); }
const char* udev_device_get_action(udev_device* device) { return device->event.action.c_str(); }
}
