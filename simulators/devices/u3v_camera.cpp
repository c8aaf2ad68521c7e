#include "simulators/devices/u3v_camera.hpp"

#include <algorithm>
#include <utility>

#include "simulators/devices/detail/wire.hpp"
#include "simulators/devices/u3v_registers.hpp"
#include "simulators/devices/u3v_xml.hpp"

// Section numbers are those of USB 2.0 for control requests; the rest is USB3 Vision.

namespace daohil::simulators::devices {
namespace {

using namespace u3v;
using detail::append;
using Access = RegisterMap::Access;

constexpr std::uint16_t kSuccess = 0;
constexpr std::uint16_t kNotImplemented = 0x8001;
constexpr std::uint16_t kInvalidParameter = 0x8002;
constexpr std::uint16_t kInvalidAddress = 0x8003;
constexpr std::uint16_t kWriteProtected = 0x8004;
constexpr std::uint16_t kAccessDenied = 0x8006;
constexpr std::uint16_t kBusy = 0x8007;
constexpr std::uint16_t kInvalidHeader = 0x800E;

constexpr std::uint32_t kControlMagic = 0x43563355;
constexpr std::size_t kPrefix = 12;

constexpr std::uint64_t kSiControl = kSirm + 0x04;

}  // namespace

U3vCamera::U3vCamera(U3vModel model, FrameSource source)
    : model_(std::move(model)), source_(std::move(source)), descriptors_(u3v_descriptors(model_)) {
  make_registers();
  reset_values();
}

// ---------------------------------------------------------------- registers

void U3vCamera::make_registers() {
  make_bootstrap_registers();
  make_camera_registers();
  const std::string xml = !model_.zipped_xml.empty()  ? model_.zipped_xml
                          : !model_.other_xml.empty() ? model_.other_xml
                                                      : u3v_xml(model_);
  registers_.add_text(kXml, xml.size(), xml, Access::read_only);
  registers_.set(kManifest + 8, 0x01000000);
  registers_.set(kManifest + 12, model_.zipped_xml.empty() ? 0U : 1U << 10U);
  registers_.set(kManifest + 16, kXml, 8);
  registers_.set(kManifest + 24, xml.size(), 8);
}

void U3vCamera::make_bootstrap_registers() {
  constexpr std::size_t kText = 64;
  registers_.add(kAbrm, 4, Access::read_only);
  registers_.set(kAbrm, 0x00010000);
  registers_.add_text(0x004, kText, model_.vendor, Access::read_only);
  registers_.add_text(0x044, kText, model_.model, Access::read_only);
  registers_.add_text(0x084, kText, model_.family, Access::read_only);
  registers_.add_text(0x0C4, kText, model_.version, Access::read_only);
  registers_.add_text(0x104, kText, "a simulation", Access::read_only);
  registers_.add_text(0x144, kText, model_.serial, Access::read_only);
  registers_.add_text(0x184, kText, "", Access::read_write);
  registers_.add(0x1C4, 0x250 - 0x1C4, Access::read_only);
  registers_.set(0x1C4, 0x101, 8);  // user name and family name are there
  registers_.set(0x1CC, model_.max_response_ms);
  registers_.set(0x1D0, kManifest, 8);
  registers_.set(0x1D8, kSbrm, 8);

  registers_.add(kSbrm, 0x44, Access::read_only);
  registers_.set(kSbrm + 0x00, 0x00010000);
  registers_.set(kSbrm + 0x04, 1, 8);  // there is a SIRM
  registers_.set(kSbrm + 0x14, model_.max_command_bytes);
  registers_.set(kSbrm + 0x18, model_.max_ack_bytes);
  registers_.set(kSbrm + 0x1C, 1);
  registers_.set(kSbrm + 0x20, kSirm, 8);
  registers_.set(kSbrm + 0x28, 0x30);
  registers_.set(kSbrm + 0x40, 0x08);  // SuperSpeed

  registers_.add(kSirm, 4, Access::read_only);
  registers_.set(kSirm, model_.alignment_log2 << 24U);
  registers_.add(kSiControl, 4, Access::read_write);
  registers_.add(kSirm + 0x08, 0x10, Access::read_only);
  registers_.set(kSirm + 0x10, 52);
  registers_.set(kSirm + 0x14, 32);
  registers_.add(kSirm + 0x18, 0x18, Access::read_write);

  registers_.add(kManifest, 8 + 64, Access::read_only);
  registers_.set(kManifest, 1, 8);
}

void U3vCamera::make_camera_registers() {
  const auto payload = [this] { update_payload(); };
  for (const std::uint64_t address : {kWidth, kHeight, kPixelFormat})
    registers_.add(address, 4, Access::read_write, payload);
  for (const std::uint64_t address : {kOffsetX, kOffsetY, kAcquisitionMode, kTriggerMode,
                                      kTriggerSource, kLocked, kExposure, kFlags})
    registers_.add(address, 4, Access::read_write);
  for (const std::uint64_t address : {kSensorWidth, kSensorHeight, kPayloadSize})
    registers_.add(address, 4, Access::read_only);
  registers_.add(kFrameRate, 8, Access::read_write);
  registers_.add(kGain, 8, Access::read_write);
  registers_.add(kAcquisitionStart, 4, Access::read_write, [this] { start(); });
  registers_.add(kAcquisitionStop, 4, Access::read_write, [this] { stop(); });
  registers_.add(kTriggerSoftware, 4, Access::read_write, [this] {
    if (acquiring_ && registers_.get(kTriggerMode) == 1) expose(now_);
  });
}

void U3vCamera::reset_values() {
  registers_.set(kSensorWidth, model_.sensor_width);
  registers_.set(kSensorHeight, model_.sensor_height);
  registers_.set(kWidth, model_.width);
  registers_.set(kHeight, model_.height);
  for (const std::uint64_t address :
       {kOffsetX, kOffsetY, kAcquisitionMode, kTriggerMode, kTriggerSource, kLocked, kFlags,
        kSiControl, kSirm + 0x18, kSirm + 0x1C, kSirm + 0x20, kSirm + 0x24, kSirm + 0x28,
        kSirm + 0x2C})
    registers_.set(address, 0);
  registers_.set(kPixelFormat, wire_pixels().front().code);
  registers_.set(kExposure, 1000);
  registers_.set_double(kFrameRate, model_.frame_rate_hz);
  registers_.set_double(kGain, 0);
  update_payload();
}

void U3vCamera::update_payload() {
  const auto& format = *wire_pixels_of(static_cast<std::uint32_t>(registers_.get(kPixelFormat)));
  const std::size_t width = registers_.get(kWidth);
  const std::size_t height = registers_.get(kHeight);
  const std::size_t bytes = model_.padding_x == 0
                                ? wire_bytes(format, width * height)
                                : (wire_bytes(format, width) + model_.padding_x) * height;
  registers_.set(kPayloadSize, bytes);
  registers_.set(kSirm + 0x08, bytes, 8);
}

// ---------------------------------------------------------------- endpoint 0

std::size_t U3vCamera::max_packet(std::uint8_t) const { return kPacket; }

Answer U3vCamera::control(const Setup& setup, std::span<std::byte> data) {
  constexpr std::uint8_t kKindMask = 0x60;
  if ((setup.type & kKindMask) != 0) return {Handshake::stall, 0};  // not a standard request
  return standard_request(setup, data);
}

Answer U3vCamera::standard_request(const Setup& setup, std::span<std::byte> data) {
  enum : std::uint8_t {
    get_status = 0,
    clear_feature = 1,
    set_feature = 3,
    get_descriptor = 6,
    get_configuration = 8,
    set_configuration = 9,
    set_interface = 11,
    set_sel = 48,
    set_isoch_delay = 49,
  };
  const bool of_endpoint = (setup.type & 0x1FU) == 2;
  const auto endpoint = static_cast<std::uint8_t>(setup.index & 0xFFU);
  switch (setup.request) {
    case get_status:
      if (data.size() < 2) return {Handshake::stall, 0};
      data[0] = std::byte{of_endpoint && halted_[endpoint]};
      data[1] = std::byte{0};
      return {Handshake::ack, 2};
    case clear_feature:
    case set_feature:
      // Feature 0 is ENDPOINT_HALT. Hosts halt endpoints themselves, too, to begin anew.
      if (of_endpoint && setup.value == 0) halted_[endpoint] = setup.request == set_feature;
      return {Handshake::ack, 0};
    case get_descriptor:
      return descriptor(setup.value, data);
    case get_configuration:
      if (data.empty()) return {Handshake::stall, 0};
      data[0] = std::byte{configured_};
      return {Handshake::ack, 1};
    case set_configuration:
      configured_ = setup.value == 1;
      return {Handshake::ack, 0};
    case set_interface:
    case set_isoch_delay:
      return {Handshake::ack, 0};
    case set_sel:
      return {Handshake::ack, data.size()};
    default:
      return {Handshake::stall, 0};
  }
}

Answer U3vCamera::descriptor(std::uint16_t which, std::span<std::byte> data) const {
  enum : unsigned { of_device = 1, of_configuration = 2, of_string = 3, of_bos = 15 };
  std::vector<std::byte> bytes;
  const unsigned index = which & 0xFFU;
  switch (which >> 8U) {
    case of_device:
      bytes = descriptors_.device;
      break;
    case of_configuration:
      bytes = descriptors_.configuration;
      break;
    case of_bos:
      bytes = descriptors_.bos;
      break;
    case of_string:
      if (index == 0) {
        append(bytes, 4, 1), append(bytes, 3, 1), append(bytes, 0x0409, 2);
      } else if (index <= descriptors_.strings.size()) {
        const std::string& text = descriptors_.strings[index - 1];
        append(bytes, 2 + 2 * text.size(), 1), append(bytes, 3, 1);
        for (const char c : text) append(bytes, static_cast<unsigned char>(c), 2);
      }
      break;
    default:
      break;
  }
  if (bytes.empty()) return {Handshake::stall, 0};
  const std::size_t count = std::min(bytes.size(), data.size());
  std::copy_n(bytes.begin(), count, data.begin());
  return {Handshake::ack, count};
}

// ---------------------------------------------------------------- GenCP

Handshake U3vCamera::out(std::uint8_t endpoint, std::span<const std::byte> packet) {
  if (endpoint != kCommandOut || halted_[endpoint]) return Handshake::stall;
  command_.insert(command_.end(), packet.begin(), packet.end());
  const bool whole =
      command_.size() >= kPrefix && command_.size() >= kPrefix + detail::get(command_, 8, 2);
  if (whole || packet.size() < kPacket) take_command();
  return Handshake::ack;
}

void U3vCamera::take_command() {
  const std::vector<std::byte> bytes = std::exchange(command_, {});
  if (bytes.size() < kPrefix || detail::get(bytes, 0, 4) != kControlMagic) return;
  ++counts_.commands;
  const auto command = static_cast<std::uint16_t>(detail::get(bytes, 6, 2));
  const auto id = static_cast<std::uint16_t>(detail::get(bytes, 10, 2));
  const auto data = std::span(bytes).subspan(kPrefix);
  const auto fault = strikes_command();
  const auto struck = [&](Kind kind) { return fault && fault->kind == kind; };

  if (struck(Kind::no_ack)) return;
  if (struck(Kind::control_stall)) {
    halted_[kAckIn] = true;
    return;
  }
  if (struck(Kind::busy)) return acknowledge(kBusy, command, id, {}, now_);
  if (struck(Kind::error))
    return acknowledge(static_cast<std::uint16_t>(fault->amount), command, id, {}, now_);

  DeviceTime ready = now_ + std::chrono::microseconds(model_.response_us);
  if (struck(Kind::stale_ack) && !last_ack_.empty()) acks_.push_back({now_, last_ack_});
  if (struck(Kind::pending)) {
    std::vector<std::byte> wait;
    append(wait, 0, 2), append(wait, fault->amount, 2);
    acknowledge(kSuccess, 0x0804, id, wait, now_);
    ready += std::chrono::milliseconds(fault->amount);
  }
  std::vector<std::byte> answer;
  const bool lies = detail::get(bytes, 8, 2) != data.size();
  const std::uint16_t status = lies ? kInvalidHeader : execute(command, data, answer);
  const auto wrong = static_cast<std::uint16_t>(id + 1U);
  acknowledge(status, command, struck(Kind::wrong_ack_id) ? wrong : id, answer, ready);
  if (struck(Kind::bad_ack)) acks_.back().bytes[0] = std::byte{'X'};
}

std::uint16_t U3vCamera::execute(std::uint16_t command, std::span<const std::byte> data,
                                 std::vector<std::byte>& answer) {
  constexpr std::uint16_t kRead = 0x0800;
  constexpr std::uint16_t kWrite = 0x0802;
  if (command == kRead && data.size() == 12) {
    const std::size_t count = detail::get(data, 10, 2);
    if (kPrefix + count > model_.max_ack_bytes) return kInvalidParameter;
    answer.resize(count);
    if (registers_.read(detail::get(data, 0, 8), answer) == RegisterMap::Result::ok)
      return kSuccess;
    answer.clear();
    return kInvalidAddress;
  }
  if (command == kWrite && data.size() > 8) {
    if (kPrefix + data.size() > model_.max_command_bytes) return kInvalidParameter;
    const std::uint16_t status = write_register(detail::get(data, 0, 8), data.subspan(8));
    if (status == kSuccess) append(answer, 0, 2), append(answer, data.size() - 8, 2);
    return status;
  }
  return kNotImplemented;
}

std::uint16_t U3vCamera::write_register(std::uint64_t address, std::span<const std::byte> data) {
  if (const std::uint16_t refusal = refusal_of(address, data); refusal != kSuccess) return refusal;
  if (address == kSiControl && data.size() == 4) {
    const std::uint16_t status = stream_control((detail::get(data, 0, 4) & 1U) != 0);
    if (status != kSuccess) return status;
  }
  switch (registers_.write(address, data)) {
    case RegisterMap::Result::ok:
      return kSuccess;
    case RegisterMap::Result::invalid_address:
      return kInvalidAddress;
    case RegisterMap::Result::write_protected:
      return kWriteProtected;
  }
  return kInvalidAddress;
}

// What a camera does not take, although the register could hold it.
std::uint16_t U3vCamera::refusal_of(std::uint64_t address, std::span<const std::byte> data) const {
  if (address >= kSirm + 0x18 && address < kSirm + 0x30) return enabled_ ? kAccessDenied : kSuccess;
  const bool is_double = data.size() == 8;
  if (address == kFrameRate) {
    if (!is_double) return kInvalidParameter;
    const double rate = detail::get_double(data);
    return rate > 0 && rate <= model_.highest_rate_hz ? kSuccess : kInvalidParameter;
  }
  if (data.size() != 4) return kSuccess;
  const std::uint64_t value = detail::get(data, 0, 4);
  const bool of_format = address == kWidth || address == kHeight || address == kOffsetX ||
                         address == kOffsetY || address == kPixelFormat;
  if (of_format && (acquiring_ || registers_.get(kLocked) != 0)) return kAccessDenied;
  const auto fits = [&](std::uint64_t size, std::uint64_t offset, std::uint64_t sensor,
                        std::uint64_t step) {
    return size > 0 && size % step == 0 && offset % step == 0 && size + offset <= sensor
               ? kSuccess
               : kInvalidParameter;
  };
  const std::uint64_t step = model_.width_step;
  if (address == kWidth) return fits(value, registers_.get(kOffsetX), model_.sensor_width, step);
  if (address == kOffsetX) return fits(registers_.get(kWidth), value, model_.sensor_width, step);
  if (address == kHeight) return fits(value, registers_.get(kOffsetY), model_.sensor_height, 1);
  if (address == kOffsetY) return fits(registers_.get(kHeight), value, model_.sensor_height, 1);
  if (address == kPixelFormat)
    return wire_pixels_of(static_cast<std::uint32_t>(value)) != nullptr ? kSuccess
                                                                        : kInvalidParameter;
  return kSuccess;
}

std::optional<U3vFault> U3vCamera::strikes_command() {
  std::optional<U3vFault> hit;
  for (U3vFault& fault : faults_)
    if (fault.kind >= Kind::control_stall && fault.at > 0 && --fault.at == 0) hit = fault;
  std::erase_if(faults_, [](const U3vFault& fault) { return fault.at == 0; });
  return hit;
}

void U3vCamera::acknowledge(std::uint16_t status, std::uint16_t command, std::uint16_t id,
                            std::span<const std::byte> data, DeviceTime ready) {
  Ack ack{ready, {}, 0};
  append(ack.bytes, kControlMagic, 4);
  append(ack.bytes, status, 2);
  append(ack.bytes, command + 1U, 2);
  append(ack.bytes, data.size(), 2);
  append(ack.bytes, id, 2);
  ack.bytes.insert(ack.bytes.end(), data.begin(), data.end());
  last_ack_ = ack.bytes;
  acks_.push_back(std::move(ack));
}

Answer U3vCamera::in(std::uint8_t endpoint, std::span<std::byte> into) {
  if (endpoint != kAckIn && endpoint != kStreamIn) return {Handshake::stall, 0};
  if (halted_[endpoint]) return {Handshake::stall, 0};
  return endpoint == kAckIn ? send_ack(into) : send_stream(into);
}

Answer U3vCamera::send_ack(std::span<std::byte> into) {
  if (acks_.empty() || acks_.front().ready > now_) return {Handshake::nak, 0};
  Ack& ack = acks_.front();
  const std::size_t count = std::min(into.size(), ack.bytes.size() - ack.sent);
  std::copy_n(ack.bytes.begin() + static_cast<std::ptrdiff_t>(ack.sent), count, into.begin());
  ack.sent += count;
  if (ack.sent == ack.bytes.size()) acks_.pop_front();
  return {Handshake::ack, count};
}

// ---------------------------------------------------------------- life

void U3vCamera::power_cycle() {
  configured_ = false;
  halted_.fill(false);
  command_.clear();
  acks_.clear();
  last_ack_.clear();
  stop();
  enabled_ = false;
  blocks_.clear();
  exposures_since_power_ = 0;
  reset_values();
}

void U3vCamera::advance(DeviceTime now) {
  now_ = std::max(now_, now);
  while (next_exposure_ && *next_exposure_ <= now_) {
    const DeviceTime due = *next_exposure_;
    next_exposure_ = due + period();
    expose(due);
  }
}

std::optional<DeviceTime> U3vCamera::next_event() const {
  std::optional<DeviceTime> next = next_exposure_;
  for (const Ack& ack : acks_)
    if (ack.ready > now_ && (!next || ack.ready < *next)) next = ack.ready;
  return next;
}

void U3vCamera::inject(const U3vFault& fault) { faults_.push_back(fault); }

DeviceTime U3vCamera::period() const {
  constexpr double kSecond = 1e9;
  return DeviceTime(static_cast<std::int64_t>(kSecond / registers_.get_double(kFrameRate)));
}

void U3vCamera::start() {
  if (acquiring_) return;
  acquiring_ = true;
  number_ = 0;
  block_id_ = model_.first_block_id;
  if (registers_.get(kTriggerMode) == 0) next_exposure_ = now_ + period();
}

void U3vCamera::stop() {
  acquiring_ = false;
  next_exposure_.reset();
}

}  // namespace daohil::simulators::devices
