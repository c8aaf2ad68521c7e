#include "drivers/stamped/stamped_camera.hpp"

#include <fmt/format.h>

#include <cstring>

#include "drivers/error.hpp"
#include "drivers/pixel_memory.hpp"
#include "drivers/stamped/stamped_check.hpp"
#include "shm/error.hpp"
#include "simulators/stamp.hpp"

namespace daohil::drivers {
namespace {

using shm::PixelType;

CameraDescription defaults() {
  return {.model = "stamped",
          .identity = "test pattern, stamp version 1",
          .format = FrameFormat({240, 240}, PixelType::u16),
          .rate = Rate::millihertz(2'067'000)};
}

FrameFormat format_for(const CameraSettings& settings, const FrameFormat& preset) try {
  return {settings.shape.value_or(preset.shape()), settings.type.value_or(preset.type())};
} catch (const shm::Error& error) {
  throw Error(fmt::format("camera stamped: {}", error.what()));
}

}  // namespace

StampedCamera::StampedCamera(const shm::Clock& clock)
    : clock_(&clock), description_(defaults()), pacer_(description_.rate, OnLate::skip) {}

void StampedCamera::configure(const CameraSettings& settings) {
  CameraDescription wanted = defaults();
  wanted.format = format_for(settings, wanted.format);
  wanted.rate = settings.rate.value_or(wanted.rate);
  if (!settings.file.empty())
    throw Error(
        fmt::format("camera stamped: file {} is given, but it plays none; use the camera "
                    "'replay' or leave the file out",
                    settings.file.string()));
  if (wanted.format.bytes() < simulators::kStampBytes)
    throw Error(
        fmt::format("camera stamped: a frame of {} has {} bytes, less than the {} of its "
                    "stamp; use a larger shape or type",
                    wanted.format.str(), wanted.format.bytes(), simulators::kStampBytes));

  frame_ = allocate_pixels("camera stamped", wanted.format, 1);
  pacer_ = Pacer(RateProfile(wanted.rate, settings.rate_steps), settings.on_late);
  description_ = std::move(wanted);
  prepared_.reset();
}

std::shared_ptr<const ContentCheck> StampedCamera::content_check() const {
  return std::make_shared<StampedCheck>(description_.format);
}

void StampedCamera::start(MonotonicTime first) {
  pacer_.start(first);
  prepared_.reset();
}

const DueFrame& StampedCamera::prepare() {
  if (!prepared_) {
    prepared_ = pacer_.next(clock_->now());
    render_stamped(description_.format, prepared_->id, prepared_->at, frame_);
  }
  return *prepared_;
}

std::optional<MonotonicTime> StampedCamera::next_due() { return prepare().at; }

WaitOutcome StampedCamera::wait(MonotonicTime deadline) {
  return wait_until_due(*clock_, prepare().at, deadline);
}

FrameId StampedCamera::read_into(std::span<std::byte> slot) {
  std::memcpy(slot.data(), frame_.data(), frame_.size());
  const FrameId id = prepared_->id;
  prepared_.reset();
  return id;
}

void StampedCamera::stop() { prepared_.reset(); }

}  // namespace daohil::drivers
