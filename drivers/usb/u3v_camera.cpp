#include "drivers/usb/u3v_camera.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/usb/device_gone.hpp"

namespace daohil::drivers::usb {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostBlocks = 16;
constexpr std::size_t kFewestBlocks = 3;
// Many at small regions of interest: the time they span is what the host may be away.
constexpr std::size_t kEnoughBytes = 4U << 20U;
constexpr std::uint64_t kLargestPayload = 1U << 30U;

// A block that began and does not end within this is a camera that has stopped in the middle:
// the slowest real link moves the largest frame in less.
constexpr shm::Duration kSilence = 1s;
constexpr shm::Duration kLook = 200ms;
constexpr shm::Duration kReturn = 250ms;
constexpr int kAttempts = 5;

template <class Call>
void ignoring_errors(const Call& call) {
  try {
    call();
  } catch (const Error&) {
    // The camera is in an unknown state, or gone: what follows finds out.
  }
}

void set_if_there(genicam::NodeMap& features, std::string_view name, std::string_view value) {
  if (features.has(name) && features.is_writable(name)) features.set_text(name, value);
}

}  // namespace

U3vCamera::U3vCamera(const shm::Clock& clock) : clock_(&clock) {}

U3vCamera::~U3vCamera() {
  if (running_) ignoring_errors([this] { stop(); });
}

U3vCamera::Counts U3vCamera::counts() const {
  return {frames_, damaged_, lost_by_camera_, recoveries_, unplugged_};
}

// ---------------------------------------------------------------- configuration

void U3vCamera::configure(const CameraSettings& settings) {
  if (!settings.file.empty())
    throw Error(
        fmt::format("camera usb: file {} is given, but it plays none; use the camera "
                    "'replay' or leave the file out",
                    settings.file.string()));
  if (!settings.rate_steps.empty())
    throw Error("camera usb: rate steps are asked, but it keeps its own pace; leave them out");
  if (clock_ != &shm::system_clock())
    throw Error(
        "camera usb: it is real and cannot run in virtual time; use real time (--mode sim)");
  configuration_.reset();
  open(settings.device);
  configuration_ = apply(settings);
  settings_ = settings;
  xml_ = device_->xml();
  const AttachedCamera& attached = device_->attached();
  identity_ = attached.serial.empty() ? attached.place : attached.serial;
}

CameraDescription U3vCamera::describe() const { return configuration_.value().description; }

void U3vCamera::open(std::string_view wanted) {
  // Given back first: it may be the same one.
  device_.reset();
  context_ = std::make_shared<Context>();
  device_ = std::make_unique<U3vDevice>(context_, choose(context_->cameras(), wanted));
}

U3vCamera::Configuration U3vCamera::apply(const CameraSettings& settings) {
  genicam::NodeMap& features = device_->features();
  // A program that died may have left it running and locked.
  ignoring_errors([&] { features.execute("AcquisitionStop"); });
  ignoring_errors([&] { device_->disable_stream(); });
  set_if_there(features, "TLParamsLocked", "0");

  set_if_there(features, "AcquisitionMode", "Continuous");
  choose_pixel_format(settings);
  if (settings.shape) set_shape(*settings.shape);
  for (const FeatureSetting& feature : settings.features)
    features.set_text(feature.name, feature.value);
  if (settings.rate) set_rate(*settings.rate);
  const ImageLayout image = read_image(settings);
  Configuration found{read_description(image, read_rate(settings)), image, {}, 0};
  plan(found);
  return found;
}

void U3vCamera::set_shape(const shm::Shape& shape) {
  genicam::NodeMap& features = device_->features();
  if (shape.axes() != 2)
    throw Error(fmt::format("{}: shape {} is asked, its frames have two axes: height and width",
                            device_->owner(), shape.str()));
  // An offset may leave too little room.
  set_if_there(features, "OffsetX", "0");
  set_if_there(features, "OffsetY", "0");
  features.set_integer("Width", shape[1]);
  features.set_integer("Height", shape[0]);
}

// With the type that is asked, the format with most bits; and of equal ones that which the camera
// has set. Whoever wants another one names it.
void U3vCamera::choose_pixel_format(const CameraSettings& settings) {
  genicam::NodeMap& features = device_->features();
  const auto is_format = [](const FeatureSetting& each) { return each.name == "PixelFormat"; };
  if (!settings.type || std::any_of(settings.features.begin(), settings.features.end(), is_format))
    return;
  const auto current = pixel_format_named(features.text("PixelFormat"));
  if (current && current->type() == *settings.type) return;
  const auto entries = features.entries("PixelFormat");
  for (const PixelFormat& format : pixel_formats()) {
    if (format.type() != *settings.type ||
        std::find(entries.begin(), entries.end(), format.name) == entries.end())
      continue;
    features.set_text("PixelFormat", format.name);
    return;
  }
  throw Error(
      fmt::format("{}: type {} is asked, but it has no grey pixel format of it; leave the "
                  "type out",
                  device_->owner(), shm::name_of(*settings.type)));
}

void U3vCamera::set_rate(Rate rate) {
  genicam::NodeMap& features = device_->features();
  // The switch has its SFNC name in some cameras and an older one in others.
  set_if_there(features, "AcquisitionFrameRateEnable", "true");
  set_if_there(features, "AcquisitionFrameRateEnabled", "true");
  if (features.has("AcquisitionFrameRate"))
    features.set_real("AcquisitionFrameRate", rate.hertz());
  else
    features.set_real("AcquisitionFrameRateAbs", rate.hertz());
}

ImageLayout U3vCamera::read_image(const CameraSettings& settings) {
  genicam::NodeMap& features = device_->features();
  const std::string& owner = device_->owner();
  const std::string name = features.text("PixelFormat");
  const auto format = pixel_format_named(name);
  if (!format)
    throw Error(
        fmt::format("{}: its pixel format is {}, which is no grey one; set PixelFormat "
                    "among its features",
                    owner, name));
  if (settings.type && format->type() != *settings.type)
    throw Error(fmt::format("{}: type {} is asked, but pixel format {} gives {}; leave one out",
                            owner, shm::name_of(*settings.type), name,
                            shm::name_of(format->type())));
  const std::int64_t width = features.integer("Width");
  const std::int64_t height = features.integer("Height");
  constexpr std::int64_t kLargest = 1U << 20U;
  if (width < 1 || height < 1 || width > kLargest || height > kLargest)
    throw Error(
        fmt::format("{}: its image is said to have {} x {} pixels; is its firmware in "
                    "order?",
                    owner, width, height));
  return {*format, static_cast<std::size_t>(width), static_cast<std::size_t>(height), 0};
}

// What it will do if it says so, else what is set.
Rate U3vCamera::read_rate(const CameraSettings& settings) {
  genicam::NodeMap& features = device_->features();
  for (const char* feature :
       {"AcquisitionResultingFrameRate", "ResultingFrameRate", "AcquisitionFrameRate"})
    if (features.has(feature)) return Rate::hertz(features.real(feature));
  if (settings.rate) return *settings.rate;
  throw Error(fmt::format("{}: it does not say its frame rate; give a rate", device_->owner()));
}

CameraDescription U3vCamera::read_description(const ImageLayout& image, Rate rate) {
  const DeviceRegisters& registers = device_->registers();
  return {.model = registers.model,
          .identity = fmt::format("{} {}, firmware {}", registers.manufacturer, device_->serial(),
                                  registers.device_version),
          .format = FrameFormat(
              {static_cast<std::uint32_t>(image.height), static_cast<std::uint32_t>(image.width)},
              image.format.type()),
          .rate = rate};
}

// How the frames will come, and whether there is memory for as many as should wait.
void U3vCamera::plan(Configuration& into) {
  const std::string& owner = device_->owner();
  const StreamRequirements required = device_->stream_requirements();
  if (required.payload_bytes < payload_bytes(into.image) ||
      required.payload_bytes > kLargestPayload)
    throw Error(fmt::format(
        "{}: it says that a frame of {} in {} has {} bytes; is its firmware in "
        "order?",
        owner, into.description.format.str(), into.image.format.name, required.payload_bytes));
  into.plan = plan_transfers(required, device_->attached().interfaces.stream_packet);
  const std::size_t each = into.plan.bytes();
  into.blocks = std::clamp(kEnoughBytes / each, kFewestBlocks, kMostBlocks);
  const auto limit = usb_memory_limit();
  if (!limit) return;
  // All programs share it: half of it is for others.
  const std::size_t fitting = *limit / 2 / each;
  if (fitting < kFewestBlocks)
    throw Error(
        fmt::format("{}: {} frames of {} bytes in flight need {} MiB, Linux allows {} MiB "
                    "for all USB transfers; {}",
                    owner, kFewestBlocks, each, (kFewestBlocks * each >> 20U) + 1, *limit >> 20U,
                    usb_memory_remedy(2 * kFewestBlocks * each)));
  into.blocks = std::min(into.blocks, fitting);
}

// ---------------------------------------------------------------- start and stop

void U3vCamera::start(MonotonicTime) {
  for (auto* count : {&frames_, &damaged_, &lost_by_camera_, &recoveries_, &unplugged_}) *count = 0;
  numbering_ = {};
  lost_ = false;
  stopping_ = false;
  try {
    start_again();
  } catch (const Error&) {
    ignoring_errors([this] { stop_stream(); });
    throw;
  }
  running_ = true;
  supervisor_ = std::thread([this] { supervise(); });
}

// It may have gone, and come back, since it was configured.
void U3vCamera::start_again() {
  if (device_) try {
      return start_stream();
    } catch (const DeviceGone&) {
      owned_stream_.reset();
    }
  reopen();
  start_stream();
}

void U3vCamera::stop() {
  if (held_) {
    held_.reset();
    leave();
  }
  stopping_ = true;
  running_ = false;
  attention_.raise();
  supervisor_.join();
  retire();
  ignoring_errors([this] { stop_stream(); });
}

void U3vCamera::start_stream() {
  device_->enable_stream(configuration_->plan);
  owned_stream_ = std::make_unique<U3vStream>(
      device_->owner(), device_->usb(), device_->attached().interfaces.stream_in,
      U3vStream::Settings{configuration_->plan, configuration_->image, configuration_->blocks},
      arrived_, attention_);
  owned_stream_->start();
  set_if_there(device_->features(), "TLParamsLocked", "1");
  device_->features().execute("AcquisitionStart");
  ++session_;
  stream_.store(owned_stream_.get());
  arrived_.raise();  // for what has come already, when the consumer could not look
}

// Transfers are cancelled before the interface is disabled: data may be in flight until then.
void U3vCamera::stop_stream() {
  if (!device_) return;
  ignoring_errors([this] { device_->features().execute("AcquisitionStop"); });
  owned_stream_.reset();
  device_->disable_stream();
  set_if_there(device_->features(), "TLParamsLocked", "0");
}

// ---------------------------------------------------------------- the frame path

// Dekker's pattern with the two flags: either the consumer sees that the stream has been retired,
// or the supervisor sees that it is in use. Both are sequentially consistent.
U3vStream* U3vCamera::enter() {
  using_stream_.store(true);
  U3vStream* stream = stream_.load();
  if (stream == nullptr) leave();
  return stream;
}

void U3vCamera::leave() {
  using_stream_.store(false);
  if (stream_.load() == nullptr) left_.raise();
}

// The consumer holds a stream for the time from wait to read_into, which is microseconds.
void U3vCamera::retire() {
  stream_.store(nullptr);
  while (using_stream_.load()) left_.wait();
}

WaitOutcome U3vCamera::wait(MonotonicTime deadline) {
  for (;;) {
    if (U3vStream* stream = enter()) {
      if (const auto arrival = stream->next()) {
        number(arrival->block);
        if (arrival->block.damage == Damage::none) {
          held_ = arrival;
          held_stream_ = stream;
          return WaitOutcome::frame;
        }
        leave();
        damaged_.fetch_add(1, std::memory_order_relaxed);
        return WaitOutcome::damaged;
      }
      leave();
    }
    if (lost_.exchange(false)) return WaitOutcome::lost;
    if (!arrived_.wait_until(deadline)) return WaitOutcome::timeout;
  }
}

void U3vCamera::number(const ReceivedBlock& block) {
  // Without a block id nothing is known: the next good one shows the gap.
  if (!block.block_id) return;
  const bool goes_on = numbering_.session == session_ && *block.block_id >= numbering_.base_block;
  std::uint64_t id = goes_on ? numbering_.base_id + (*block.block_id - numbering_.base_block) : 0;
  if (id <= numbering_.last) {
    id = numbering_.last == 0 ? 1 : numbering_.last + 2;
    numbering_ = {numbering_.last, id, *block.block_id, session_};
  } else if (goes_on) {
    lost_by_camera_.fetch_add(id - numbering_.last - 1, std::memory_order_relaxed);
  }
  numbering_.last = id;
}

FrameId U3vCamera::read_into(std::span<std::byte> slot) {
  ImageLayout layout = configuration_->image;
  layout.padding_x = held_->block.padding_x;
  // The block was judged: it is large enough.
  (void)unpack(layout, held_stream_->payload(*held_), slot);
  held_stream_->give_back(*held_);
  held_.reset();
  leave();
  frames_.fetch_add(1, std::memory_order_relaxed);
  return {numbering_.last};
}

// ---------------------------------------------------------------- the supervising thread

bool U3vCamera::is_silent() const {
  const auto since = owned_stream_->incomplete_since();
  return since && shm::system_clock().now() - *since > kSilence;
}

void U3vCamera::supervise() {
  while (!stopping_.load()) {
    attention_.wait_until(shm::system_clock().now() + kLook);
    if (stopping_.load()) return;
    const Trouble trouble = owned_stream_->trouble();
    if (trouble == Trouble::none && !is_silent()) continue;
    try {
      if (trouble == Trouble::gone) throw DeviceGone(device_->owner());
      recover();
    } catch (const Error&) {
      reconnect();
    }
  }
}

// From the beginning, because what host and camera think of each other is not known.
void U3vCamera::recover() {
  recoveries_.fetch_add(1);
  retire();
  for (int attempt = 1;; ++attempt) try {
      stop_stream();
      start_stream();
      return;
    } catch (const DeviceGone&) {
      throw;
    } catch (const Error&) {
      if (attempt == kAttempts || stopping_.load()) throw;
      attention_.wait_until(shm::system_clock().now() + attempt * 10ms);
    }
}

// The same camera with the same settings, or none: who reads the stream relies on its format.
void U3vCamera::reopen() {
  open(identity_);
  const Configuration found = apply(settings_);
  if (found.description.format != configuration_->description.format ||
      found.image.format.code != configuration_->image.format.code ||
      found.plan != configuration_->plan)
    throw Error(fmt::format("{}: it came back with {}, it had {}", device_->owner(),
                            found.description.format.str(),
                            configuration_->description.format.str()));
}

void U3vCamera::reconnect() {
  unplugged_.fetch_add(1);
  retire();
  owned_stream_.reset();
  device_.reset();
  lost_.store(true);
  arrived_.raise();
  while (!stopping_.load()) try {
      reopen();
      start_stream();
      return;
    } catch (const Error&) {
      owned_stream_.reset();
      device_.reset();
      // Looked for in a new context, which sees devices even where the system tells of none.
      if (context_) context_->wait_for_change(kReturn);
    }
}

}  // namespace daohil::drivers::usb
