#include "drivers/usb/transport.hpp"

#include <fmt/format.h>
#include <libusb-1.0/libusb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <fstream>
#include <iterator>
#include <semaphore>
#include <utility>

#include "drivers/error.hpp"

namespace daohil::drivers::usb {
namespace {

constexpr std::uint8_t kMiscellaneousClass = 0xEF;
constexpr std::uint8_t kVisionSubclass = 0x05;
enum : std::uint8_t { control_protocol = 0, event_protocol = 1, stream_protocol = 2 };

TransferEnd end_of_status(libusb_transfer_status status) {
  switch (status) {
    case LIBUSB_TRANSFER_COMPLETED:
      return TransferEnd::complete;
    case LIBUSB_TRANSFER_TIMED_OUT:
      return TransferEnd::timed_out;
    case LIBUSB_TRANSFER_STALL:
      return TransferEnd::stalled;
    case LIBUSB_TRANSFER_OVERFLOW:
      return TransferEnd::overflow;
    case LIBUSB_TRANSFER_CANCELLED:
      return TransferEnd::cancelled;
    case LIBUSB_TRANSFER_NO_DEVICE:
      return TransferEnd::gone;
    case LIBUSB_TRANSFER_ERROR:
      return TransferEnd::error;
  }
  return TransferEnd::error;
}

TransferEnd end_of_error(int error) {
  switch (error) {
    case LIBUSB_SUCCESS:
      return TransferEnd::complete;
    case LIBUSB_ERROR_TIMEOUT:
      return TransferEnd::timed_out;
    case LIBUSB_ERROR_PIPE:
      return TransferEnd::stalled;
    case LIBUSB_ERROR_OVERFLOW:
      return TransferEnd::overflow;
    case LIBUSB_ERROR_NO_DEVICE:
      return TransferEnd::gone;
    default:
      return TransferEnd::error;
  }
}

const char* text_of_speed(int speed) {
  switch (speed) {
    case LIBUSB_SPEED_LOW:
      return "1.5 Mbit/s";
    case LIBUSB_SPEED_FULL:
      return "12 Mbit/s";
    case LIBUSB_SPEED_HIGH:
      return "480 Mbit/s";
    case LIBUSB_SPEED_SUPER:
      return "5 Gbit/s";
    case LIBUSB_SPEED_SUPER_PLUS:
      return "10 Gbit/s";
    default:
      return "unknown speed";
  }
}

// As Linux names it: "2-1.4".
std::string place_of(libusb_device* device) {
  std::array<std::uint8_t, 8> ports{};
  const int count = libusb_get_port_numbers(device, ports.data(), static_cast<int>(ports.size()));
  std::string place = fmt::format("{}", libusb_get_bus_number(device));
  if (count <= 0) return fmt::format("{}:{}", place, libusb_get_device_address(device));
  for (int i = 0; i < count; ++i)
    place += fmt::format("{}{}", i == 0 ? '-' : '.', ports[static_cast<std::size_t>(i)]);
  return place;
}

std::string why_not_opened(int error, std::uint16_t vendor_id) {
  switch (error) {
    case LIBUSB_ERROR_ACCESS:
      return fmt::format(
          "no permission; allow it by a udev rule: echo 'SUBSYSTEM==\"usb\", "
          "ATTR{{idVendor}}==\"{:04x}\", MODE=\"0666\"' | sudo tee "
          "/etc/udev/rules.d/70-usb-cameras.rules && sudo udevadm trigger",
          vendor_id);
    case LIBUSB_ERROR_BUSY:
      return "in use by another program; end that one";
    case LIBUSB_ERROR_NO_DEVICE:
      return "it has just been unplugged; plug it in again";
    default:
      return fmt::format("{}; unplug it and plug it in again", libusb_strerror(error));
  }
}

bool is_vision_interface(const libusb_interface_descriptor& interface, std::uint8_t protocol) {
  return interface.bInterfaceClass == kMiscellaneousClass &&
         interface.bInterfaceSubClass == kVisionSubclass &&
         interface.bInterfaceProtocol == protocol;
}

// The first bulk endpoint of a direction.
const libusb_endpoint_descriptor* bulk_endpoint(const libusb_interface_descriptor& interface,
                                                std::uint8_t direction) {
  for (int i = 0; i < interface.bNumEndpoints; ++i) {
    const auto& endpoint = interface.endpoint[i];
    if ((endpoint.bmAttributes & LIBUSB_TRANSFER_TYPE_MASK) == LIBUSB_TRANSFER_TYPE_BULK &&
        (endpoint.bEndpointAddress & LIBUSB_ENDPOINT_DIR_MASK) == direction)
      return &endpoint;
  }
  return nullptr;
}

std::optional<U3vInterfaces> vision_interfaces(const libusb_config_descriptor& configuration) {
  U3vInterfaces found;
  bool control = false;
  bool stream = false;
  for (int i = 0; i < configuration.bNumInterfaces; ++i) {
    if (configuration.interface[i].num_altsetting < 1) continue;
    const auto& interface = configuration.interface[i].altsetting[0];
    const auto* in = bulk_endpoint(interface, LIBUSB_ENDPOINT_IN);
    const auto* out = bulk_endpoint(interface, LIBUSB_ENDPOINT_OUT);
    if (!control && is_vision_interface(interface, control_protocol) && in && out) {
      const auto* extra = reinterpret_cast<const std::byte*>(interface.extra);
      const auto info = parse_info_descriptor(
          {extra, static_cast<std::size_t>(std::max(0, interface.extra_length))});
      // Without it there are no names; registers have them, too.
      if (std::holds_alternative<InfoDescriptor>(info)) found.info = std::get<InfoDescriptor>(info);
      found.control_interface = interface.bInterfaceNumber;
      found.command_out = out->bEndpointAddress;
      found.ack_in = in->bEndpointAddress;
      control = true;
    }
    if (!stream && is_vision_interface(interface, stream_protocol) && in) {
      found.stream_interface = interface.bInterfaceNumber;
      found.stream_in = in->bEndpointAddress;
      found.stream_packet = std::max<std::size_t>(1, in->wMaxPacketSize & 0x7FFU);
      stream = true;
    }
  }
  if (!control || !stream) return std::nullopt;
  return found;
}

std::string string_of(libusb_device_handle* handle, std::uint8_t index) {
  if (index == 0) return {};
  std::array<unsigned char, 256> text{};
  const int length =
      libusb_get_string_descriptor_ascii(handle, index, text.data(), static_cast<int>(text.size()));
  return length > 0 ? std::string(text.begin(), text.begin() + length) : std::string{};
}

unsigned milliseconds(shm::Duration longest) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
  return static_cast<unsigned>(std::clamp<std::int64_t>(ms, 1, INT_MAX));  // 0 would be: for ever
}

}  // namespace

const char* name_of(TransferEnd end) {
  switch (end) {
    case TransferEnd::complete:
      return "complete";
    case TransferEnd::timed_out:
      return "timed out";
    case TransferEnd::stalled:
      return "stalled";
    case TransferEnd::overflow:
      return "overflow";
    case TransferEnd::cancelled:
      return "cancelled";
    case TransferEnd::gone:
      return "device gone";
    case TransferEnd::error:
      return "bus error";
  }
  return "?";
}

// ---------------------------------------------------------------- context

// The list of devices, each with a reference that is given back.
class Context::Devices {
 public:
  explicit Devices(libusb_context* context) {
    count_ = libusb_get_device_list(context, &list_);
    if (count_ < 0)
      throw Error(fmt::format("USB: the devices cannot be listed: {}; is /dev/bus/usb there?",
                              libusb_strerror(static_cast<int>(count_))));
  }
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;
  ~Devices() { libusb_free_device_list(list_, 1); }

  [[nodiscard]] std::span<libusb_device*> all() const {
    return {list_, static_cast<std::size_t>(count_)};
  }

 private:
  libusb_device** list_ = nullptr;
  ssize_t count_ = 0;
};

Context::Context() {
  if (const int error = libusb_init(&context_); error != LIBUSB_SUCCESS)
    throw Error(
        fmt::format("USB cannot be used: {}; is /dev/bus/usb there?", libusb_strerror(error)));
  const auto events = LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT;
  const auto callback = [](libusb_context*, libusb_device*, libusb_hotplug_event, void* self) {
    static_cast<Context*>(self)->note_change();
    return 0;
  };
  // Without it a new Context sees what is there.
  if (libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG) != 0)
    libusb_hotplug_register_callback(context_, events, LIBUSB_HOTPLUG_NO_FLAGS,
                                     LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
                                     LIBUSB_HOTPLUG_MATCH_ANY, callback, this, &hotplug_);
  thread_ = std::thread([this] { run(); });
}

Context::~Context() {
  stopping_.store(true);
  wake();
  thread_.join();
  if (hotplug_ != 0) libusb_hotplug_deregister_callback(context_, hotplug_);
  libusb_exit(context_);
}

void Context::run() {
  while (!stopping_.load()) {
    libusb_handle_events_completed(context_, nullptr);
    const std::lock_guard lock(hook_mutex_);
    if (hook_) hook_();
    events_done_.notify_all();
  }
}

void Context::wake() { libusb_interrupt_event_handler(context_); }

void Context::set_after_events(std::function<void()> hook) {
  const std::lock_guard lock(hook_mutex_);
  hook_ = std::move(hook);
}

void Context::wait_until(const std::function<bool()>& condition) {
  std::unique_lock lock(hook_mutex_);
  events_done_.wait(lock, condition);
}

void Context::note_change() {
  const std::lock_guard lock(mutex_);
  ++changes_;
  changed_.notify_all();
}

bool Context::wait_for_change(shm::Duration longest) {
  std::unique_lock lock(mutex_);
  const bool changed =
      changed_.wait_for(lock, longest, [this] { return changes_ != changes_seen_; });
  changes_seen_ = changes_;
  return changed;
}

std::optional<AttachedCamera> Context::camera_of(libusb_device* device) {
  libusb_device_descriptor descriptor{};
  if (libusb_get_device_descriptor(device, &descriptor) != LIBUSB_SUCCESS) return std::nullopt;
  libusb_config_descriptor* configuration = nullptr;
  if (libusb_get_active_config_descriptor(device, &configuration) != LIBUSB_SUCCESS &&
      libusb_get_config_descriptor(device, 0, &configuration) != LIBUSB_SUCCESS)
    return std::nullopt;
  const auto interfaces = vision_interfaces(*configuration);
  libusb_free_config_descriptor(configuration);
  if (!interfaces) return std::nullopt;
  AttachedCamera camera;
  camera.place = place_of(device);
  camera.vendor_id = descriptor.idVendor;
  camera.product_id = descriptor.idProduct;
  camera.speed = text_of_speed(libusb_get_device_speed(device));
  camera.interfaces = *interfaces;
  return camera;
}

void Context::describe(libusb_device* device, AttachedCamera& camera) {
  libusb_device_handle* handle = nullptr;
  if (const int error = libusb_open(device, &handle); error != LIBUSB_SUCCESS) {
    camera.trouble = why_not_opened(error, camera.vendor_id);
    return;
  }
  libusb_device_descriptor descriptor{};
  libusb_get_device_descriptor(device, &descriptor);
  const auto first = [](std::uint8_t special, std::uint8_t general) {
    return special != 0 ? special : general;
  };
  const InfoDescriptor& info = camera.interfaces.info;
  camera.vendor = string_of(handle, first(info.vendor_index, descriptor.iManufacturer));
  camera.model = string_of(handle, first(info.model_index, descriptor.iProduct));
  camera.version = string_of(handle, info.device_version_index);
  camera.serial = string_of(handle, first(info.serial_index, descriptor.iSerialNumber));
  camera.guid = string_of(handle, info.guid_index);
  libusb_close(handle);
}

std::vector<AttachedCamera> Context::cameras() {
  const Devices devices(context_);
  std::vector<AttachedCamera> found;
  for (libusb_device* device : devices.all()) {
    auto camera = camera_of(device);
    if (!camera) continue;
    describe(device, *camera);
    found.push_back(std::move(*camera));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.place < b.place; });
  return found;
}

std::unique_ptr<OpenDevice> Context::open(const AttachedCamera& camera) {
  const Devices devices(context_);
  const auto all = devices.all();
  const auto found = std::find_if(all.begin(), all.end(), [&](libusb_device* device) {
    return place_of(device) == camera.place;
  });
  libusb_device_handle* handle = nullptr;
  const int error =
      found == all.end() ? static_cast<int>(LIBUSB_ERROR_NO_DEVICE) : libusb_open(*found, &handle);
  if (error != LIBUSB_SUCCESS)
    throw Error(
        fmt::format("USB camera at {}: {}", camera.place, why_not_opened(error, camera.vendor_id)));
  std::unique_ptr<OpenDevice> device(new OpenDevice(*this, handle));
  libusb_set_auto_detach_kernel_driver(handle, 1);
  device->claim(camera.interfaces.control_interface, camera.place);
  device->claim(camera.interfaces.stream_interface, camera.place);
  return device;
}

// ---------------------------------------------------------------- device

void OpenDevice::claim(int interface, const std::string& place) {
  const int error = libusb_claim_interface(handle_, interface);
  if (error != LIBUSB_SUCCESS)
    throw Error(fmt::format("USB camera at {}: interface {}: {}", place, interface,
                            why_not_opened(error, 0)));
  claimed_.push_back(interface);
}

OpenDevice::~OpenDevice() {
  for (const int interface : claimed_) libusb_release_interface(handle_, interface);
  libusb_close(handle_);
}

namespace {

struct Waiting {
  std::binary_semaphore done{0};
  TransferResult result;
};

}  // namespace

// Not libusb's blocking call: that one may run completions of others on the calling thread, and
// they are promised to run on the event thread.
TransferResult OpenDevice::transfer(std::uint8_t endpoint, std::byte* data, std::size_t size,
                                    shm::Duration longest) {
  const std::unique_ptr<libusb_transfer, void (*)(libusb_transfer*)> transfer(
      libusb_alloc_transfer(0), libusb_free_transfer);
  if (!transfer) throw Error("USB: no memory for a transfer; end other programs");
  Waiting waiting;
  const auto callback = [](libusb_transfer* ended) {
    auto& waits = *static_cast<Waiting*>(ended->user_data);
    waits.result = {end_of_status(ended->status), static_cast<std::size_t>(ended->actual_length)};
    waits.done.release();
  };
  libusb_fill_bulk_transfer(transfer.get(), handle_, endpoint,
                            reinterpret_cast<unsigned char*>(data), static_cast<int>(size),
                            callback, &waiting, milliseconds(longest));
  if (const int error = libusb_submit_transfer(transfer.get()); error != LIBUSB_SUCCESS)
    return {end_of_error(error), 0};
  waiting.done.acquire();
  return waiting.result;
}

TransferResult OpenDevice::write(std::uint8_t endpoint, std::span<const std::byte> bytes,
                                 shm::Duration longest) {
  // libusb does not write to what it sends; its interface is not const-correct.
  return transfer(endpoint, const_cast<std::byte*>(bytes.data()), bytes.size(), longest);
}

TransferResult OpenDevice::read(std::uint8_t endpoint, std::span<std::byte> into,
                                shm::Duration longest) {
  return transfer(endpoint, into.data(), into.size(), longest);
}

TransferEnd OpenDevice::clear_halt(std::uint8_t endpoint) {
  const TransferEnd end = end_of_error(libusb_clear_halt(handle_, endpoint));
  return end == TransferEnd::complete || end == TransferEnd::gone ? end : TransferEnd::error;
}

// ---------------------------------------------------------------- memory and transfers

TransferMemory::TransferMemory(OpenDevice& device, std::size_t bytes)
    : device_(&device), size_(bytes) {
  data_ = reinterpret_cast<std::byte*>(libusb_dev_mem_alloc(device.handle_, bytes));
  if (data_ != nullptr) return;
  heap_.resize(bytes);
  data_ = heap_.data();
}

TransferMemory::~TransferMemory() {
  if (is_of_the_kernel())
    libusb_dev_mem_free(device_->handle_, reinterpret_cast<unsigned char*>(data_), size_);
}

AsyncTransfer::AsyncTransfer(OpenDevice& device, std::uint8_t endpoint, std::span<std::byte> buffer,
                             std::function<void(TransferResult)> done)
    : transfer_(libusb_alloc_transfer(0)), done_(std::move(done)) {
  if (transfer_ == nullptr) throw Error("USB: no memory for a transfer; end other programs");
  constexpr unsigned kForEver = 0;
  const auto callback = [](libusb_transfer* transfer) { on_done(transfer); };
  libusb_fill_bulk_transfer(transfer_, device.handle_, endpoint,
                            reinterpret_cast<unsigned char*>(buffer.data()),
                            static_cast<int>(buffer.size()), callback, this, kForEver);
}

AsyncTransfer::~AsyncTransfer() { libusb_free_transfer(transfer_); }

void AsyncTransfer::on_done(libusb_transfer* transfer) {
  auto& self = *static_cast<AsyncTransfer*>(transfer->user_data);
  const TransferResult result{end_of_status(transfer->status),
                              static_cast<std::size_t>(transfer->actual_length)};
  self.in_flight_.store(false, std::memory_order_release);
  self.done_(result);
}

AsyncTransfer::Submitted AsyncTransfer::submit() {
  // Before, because it may complete at once on the event thread.
  in_flight_.store(true, std::memory_order_release);
  const int error = libusb_submit_transfer(transfer_);
  if (error == LIBUSB_SUCCESS) return Submitted::yes;
  in_flight_.store(false, std::memory_order_release);
  if (error == LIBUSB_ERROR_NO_DEVICE) return Submitted::gone;
  // Before libusb 1.0.24 a lack of memory was reported as an I/O error.
  return error == LIBUSB_ERROR_NO_MEM ? Submitted::no_memory : Submitted::failed;
}

void AsyncTransfer::cancel() {
  if (is_in_flight()) libusb_cancel_transfer(transfer_);
}

// ---------------------------------------------------------------- usbfs memory

std::optional<std::size_t> parse_usb_memory_limit(std::string_view text) {
  std::size_t mib = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mib);
  // 0 is Linux' word for no limit.
  if (error != std::errc() || mib == 0 || mib > SIZE_MAX >> 20U) return std::nullopt;
  return mib << 20U;
}

std::optional<std::size_t> usb_memory_limit() {
  std::ifstream file("/sys/module/usbcore/parameters/usbfs_memory_mb");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return parse_usb_memory_limit(text);
}

std::string usb_memory_remedy(std::size_t needed_bytes) {
  constexpr std::size_t kSmallest = 64;
  const std::size_t mib = std::max(kSmallest, 2 * ((needed_bytes >> 20U) + 1));
  return fmt::format("echo {} | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb", mib);
}

}  // namespace daohil::drivers::usb
