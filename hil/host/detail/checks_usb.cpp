#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

constexpr std::string_view kDevices = "/sys/bus/usb/devices";

struct Device {
  std::string name;  ///< of sysfs, "2-1.4"
  std::string text;  ///< for people
  std::string controller;
  double mbit = 0;
  enum class Kind { hub, camera, other } kind = Kind::other;
  std::string power;  ///< power/control
  int bus = 0;
  int number = 0;
};

std::string hex_field(const Subject& subject, const std::string& folder, const char* name) {
  return subject.root.line(folder + "/" + name).value_or("");
}

Device device_of(const Subject& subject, const std::string& name,
                 const std::vector<std::string>& names) {
  const std::string folder = std::string(kDevices) + "/" + name;
  const auto field = [&](const char* file) { return hex_field(subject, folder, file); };
  const auto number = [&](const char* file) { return number_in<int>(field(file)).value_or(0); };
  Device device;
  device.name = name;
  const std::string id = field("idVendor") + ":" + field("idProduct");
  device.text = fmt::format("{} {} {}", id, field("manufacturer"), field("product"));
  device.mbit = number_in<double>(field("speed")).value_or(0);
  device.power = field("power/control");
  device.bus = number("busnum");
  device.number = number("devnum");
  if (field("bDeviceClass") == "09") device.kind = Device::Kind::hub;

  const auto usb_id = usb_id_in(id);
  const auto& cameras = subject.request.usb_cameras;
  if (usb_id && std::find(cameras.begin(), cameras.end(), *usb_id) != cameras.end())
    device.kind = Device::Kind::camera;
  for (const auto& interface : names) {
    if (!interface.starts_with(name + ":")) continue;
    const std::string at = std::string(kDevices) + "/" + interface;
    // USB3 Vision: miscellaneous class, subclass 5.
    if (hex_field(subject, at, "bInterfaceClass") == "ef" &&
        hex_field(subject, at, "bInterfaceSubClass") == "05")
      device.kind = Device::Kind::camera;
  }
  // .../pci0000:00/0000:00:14.0/usb2/2-1: the root hubs for USB 2 and 3 have one controller.
  if (const auto real = subject.root.resolved(folder)) {
    auto at = *real;
    while (at.has_relative_path() && !(at.filename().string().starts_with("usb") &&
                                       number_in<int>(at.filename().string().substr(3))))
      at = at.parent_path();
    if (at.has_relative_path()) device.controller = at.parent_path().filename().string();
  }
  return device;
}

std::vector<Device> devices_of(const Subject& subject) {
  const auto names = subject.root.list(kDevices);
  std::vector<Device> devices;
  for (const auto& name : names)
    if (name.find(':') == std::string::npos) devices.push_back(device_of(subject, name, names));
  return devices;
}

constexpr std::array<std::string_view, 4> kOfCameras{"host.usb.speed", "host.usb.autosuspend",
                                                     "host.usb.sharing", "host.usb.access"};

void usbfs(const Subject& subject, Findings& findings, bool camera) {
  constexpr std::string_view kId = "host.usb.usbfs";
  constexpr std::int64_t kUsual = 1000;
  const auto line = subject.root.line("/sys/module/usbcore/parameters/usbfs_memory_mb");
  const auto mb = line ? number_in<std::int64_t>(*line) : std::nullopt;
  if (!mb) return findings.not_applicable(kId, "usbfs_memory_mb cannot be read");
  findings.metric("host.usb.usbfs_mb", static_cast<double>(*mb));
  const std::string observed = *mb == 0 ? "unlimited" : fmt::format("{} MB", *mb);
  if (*mb == 0 || *mb >= kUsual) return findings.pass(kId, observed);
  findings.add(kId, camera ? Status::fail : Status::warn, observed,
               {camera ? "too little for a camera at its rate" : "too little for most cameras",
                "echo 1000 | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb   # to keep "
                "it: boot with usbcore.usbfs_memory_mb=1000"});
}

void usb(const Subject& subject, Findings& findings) {
  if (!subject.root.exists(kDevices)) {
    const std::string reason = "this machine has no USB";
    findings.not_applicable("host.usb.controllers", reason);
    findings.not_applicable("host.usb.usbfs", reason);
    for (const auto id : kOfCameras) findings.not_applicable(id, reason);
    return;
  }
  const auto devices = devices_of(subject);
  std::map<std::string, double> controllers;  // fastest root hub of each
  for (const auto& device : devices)
    if (device.name.starts_with("usb")) {
      auto& mbit = controllers[device.controller];
      mbit = std::max(mbit, device.mbit);
    }
  const auto cameras = std::count_if(devices.begin(), devices.end(), [](const Device& device) {
    return device.kind == Device::Kind::camera;
  });
  findings.metric("host.usb.controllers", static_cast<double>(controllers.size()));
  findings.metric("host.usb.cameras", static_cast<double>(cameras));
  usbfs(subject, findings, cameras > 0);
  if (controllers.empty()) {
    findings.not_applicable("host.usb.controllers", "there is no USB controller");
  } else {
    std::string text;
    for (const auto& [name, mbit] : controllers)
      text += fmt::format("{}{} up to {:.0f} Mbit/s", text.empty() ? "" : ", ", name, mbit);
    findings.info("host.usb.controllers", text);
  }
  if (cameras == 0) {
    const std::string reason = "no USB3 Vision camera is connected; --usb VID:PID names another";
    for (const auto id : kOfCameras) findings.not_applicable(id, reason);
    return;
  }

  for (const auto& camera : devices) {
    if (camera.kind != Device::Kind::camera) continue;
    const std::string who = camera.name + " " + camera.text;
    const std::string speed = fmt::format("{}: {:.0f} Mbit/s", who, camera.mbit);
    if (camera.mbit >= 5000)
      findings.pass("host.usb.speed", speed);
    else
      findings.add("host.usb.speed", Status::fail, speed,
                   {"not on a USB 3 port, hub or cable: plug it elsewhere", "lsusb -t"});

    const auto everywhere =
        subject.root.line("/sys/module/usbcore/parameters/autosuspend").value_or("");
    if (camera.power == "on" || everywhere == "-1")
      findings.pass("host.usb.autosuspend",
                    fmt::format("{}: power/control {}, usbcore.autosuspend {}", who, camera.power,
                                everywhere));
    else
      findings.add(
          "host.usb.autosuspend", Status::fail,
          fmt::format("{}: power/control {}", who, camera.power),
          {"the kernel may put it to sleep",
           fmt::format("echo on | sudo tee {}",
                       shell_word(std::string(kDevices) + "/" + camera.name + "/power/control"))});

    int other_cameras = 0;
    std::string others;
    for (const auto& other : devices) {
      if (other.name == camera.name || other.controller != camera.controller ||
          other.kind == Device::Kind::hub || other.name.starts_with("usb"))
        continue;
      if (other.kind == Device::Kind::camera) ++other_cameras;
      others += (others.empty() ? "" : ", ") + other.name + " " + other.text;
    }
    if (others.empty())
      findings.pass("host.usb.sharing", who + ": alone on " + camera.controller);
    else
      findings.add("host.usb.sharing", other_cameras > 0 ? Status::fail : Status::warn,
                   fmt::format("{} shares {} with {}", who, camera.controller, others),
                   {"plug one of them into a port of another controller", "lsusb -t"});

    const std::string node = fmt::format("/dev/bus/usb/{:03}/{:03}", camera.bus, camera.number);
    const auto access = subject.probes().access(subject.root.path_of(node));
    if (access == Probes::Access::granted)
      findings.pass("host.usb.access", who + ": " + node);
    else
      findings.add(
          "host.usb.access", Status::fail,
          fmt::format("{}: {} {}", who, node,
                      access == Probes::Access::absent ? "does not exist" : "is refused"),
          {"a udev rule gives it to the group plugdev",
           "echo 'SUBSYSTEM==\"usb\", ENV{ID_USB_INTERFACES}==\"*:ef0500:*\", MODE=\"0660\", "
           "GROUP=\"plugdev\", ATTR{power/control}=\"on\"' | sudo tee "
           "/etc/udev/rules.d/60-dao-hil.rules && sudo udevadm control --reload && sudo udevadm "
           "trigger && sudo adduser \"$(id -un)\" plugdev   # then log in again"});
  }
}

}  // namespace

std::vector<Step> usb_steps() {
  return {{{"host.usb.controllers", "host.usb.usbfs", kOfCameras[0], kOfCameras[1], kOfCameras[2],
            kOfCameras[3]},
           usb}};
}

}  // namespace daohil::hil::host::detail
