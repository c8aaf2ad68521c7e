#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "drivers/camera.hpp"
#include "drivers/pacer.hpp"

namespace daohil::drivers {

/// A simulated camera whose every frame proves itself: a moving test pattern under a stamp with
/// number, due time and CRC. It checks the way of the frames, not their physics.
///
/// By default an OCAM2K as adaptive optics runs it: 240x240 pixels of 16 bits (14 used) at
/// 2067 Hz (arXiv:2012.14634; the maker's data sheet gives 2060 Hz for the full frame).
///
/// The next frame is rendered ahead of its due time, in next_due() (or in wait(), for callers that
/// do not ask), so that read_into is one memcpy. The frame announced there is the one delivered,
/// however late it is fetched; what was missed meanwhile shows in the frame after it (OnLate).
class StampedCamera final : public Camera {
 public:
  /// @param clock paces it; must outlive it
  explicit StampedCamera(const shm::Clock& clock);

  /// Any shape and type of at least simulators::kStampBytes a frame, any rate.
  /// @throws Error on a smaller or too large frame, or when a file to play is given
  void configure(const CameraSettings& settings) override;
  [[nodiscard]] CameraDescription describe() const override { return description_; }
  [[nodiscard]] std::shared_ptr<const ContentCheck> content_check() const override;

  void start(MonotonicTime first) override;
  [[nodiscard]] std::optional<MonotonicTime> next_due() override;
  WaitOutcome wait(MonotonicTime deadline) override;
  FrameId read_into(std::span<std::byte> slot) override;
  void stop() override;

 private:
  const DueFrame& prepare();

  const shm::Clock* clock_;
  CameraDescription description_;
  Pacer pacer_;
  std::vector<std::byte> frame_;
  std::optional<DueFrame> prepared_;
};

}  // namespace daohil::drivers
