#pragma once

#include <algorithm>

#include "drivers/camera.hpp"
#include "drivers/error.hpp"
#include "drivers/pacer.hpp"

namespace daohil::drivers {

/// A camera with its shutter closed: bias of 100 ADU and nothing else. It has no clock of its own,
/// so the pacer is its clock.
class DarkCamera final : public Camera {
 public:
  explicit DarkCamera(const shm::Clock& clock) : clock_(&clock) {}

  // Say no here, with the setting, its value and the way out; later there is nobody to tell.
  void configure(const CameraSettings& settings) override {
    if (settings.type && *settings.type != shm::PixelType::u8)
      throw Error("camera dark: type " + std::string(shm::name_of(*settings.type)) +
                  " is asked, it has u8 only; leave the type out");
    const shm::Shape shape = settings.shape.value_or(shm::Shape{128, 128});
    description_.format = FrameFormat(shape, shm::PixelType::u8);
    description_.rate = settings.rate.value_or(Rate::millihertz(500'000));
    pacer_ = Pacer(description_.rate, settings.on_late);
  }

  [[nodiscard]] CameraDescription describe() const override { return description_; }

  void start(MonotonicTime first) override {
    pacer_.start(first);
    next_.reset();
  }

  // Ahead of time: whatever takes longer than one copy belongs here.
  [[nodiscard]] std::optional<MonotonicTime> next_due() override {
    if (!next_) next_ = pacer_.next(clock_->now());
    return next_->at;
  }

  // The only place that blocks. A real device waits here for its transfer and says damaged, lost.
  WaitOutcome wait(MonotonicTime deadline) override {
    return wait_until_due(*clock_, *next_due(), deadline);
  }

  // One copy: as long as this runs, the oldest frame of the stream is gone for its readers.
  FrameId read_into(std::span<std::byte> slot) override {
    std::fill(slot.begin(), slot.end(), std::byte{100});
    const FrameId id = next_->id;
    next_.reset();
    return id;
  }

  void stop() override { next_.reset(); }

 private:
  const shm::Clock* clock_;
  CameraDescription description_{.model = "dark",
                                 .identity = "simulated",
                                 .format = FrameFormat({128, 128}, shm::PixelType::u8),
                                 .rate = Rate::millihertz(500'000)};
  Pacer pacer_{description_.rate, OnLate::skip};
  std::optional<DueFrame> next_;
};

}  // namespace daohil::drivers
