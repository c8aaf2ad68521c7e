#pragma once

#include <memory>
#include <optional>

#include "drivers/camera.hpp"
#include "drivers/pacer.hpp"
#include "drivers/replay/cube.hpp"

namespace daohil::drivers {

/// Plays a recording (FITS cube or .npy) at a fixed rate, from memory: read_into is one memcpy.
/// Frame id k shows frame (k - 1) mod n; ids go on when it loops, and a frame that was announced
/// by next_due() is the one delivered, however late it is fetched.
class ReplayCamera final : public Camera {
 public:
  /// @param clock paces it; must outlive it
  explicit ReplayCamera(const shm::Clock& clock);

  /// Loads settings.file whole. The rate is settings.rate, else the recorded one; shape and type
  /// are the file's, and if given must equal them.
  /// @throws Error when the file cannot be played as asked, naming both sides
  void configure(const CameraSettings& settings) override;
  [[nodiscard]] CameraDescription describe() const override;
  [[nodiscard]] std::shared_ptr<const ContentCheck> content_check() const override;

  void start(MonotonicTime first) override;
  [[nodiscard]] std::optional<MonotonicTime> next_due() override;
  WaitOutcome wait(MonotonicTime deadline) override;
  FrameId read_into(std::span<std::byte> slot) override;
  void stop() override;

 private:
  struct Playing {
    Cube cube;
    CameraDescription description;
    Pacer pacer;
    std::shared_ptr<const ContentCheck> check;
  };

  const std::optional<DueFrame>& announce();

  const shm::Clock* clock_;
  std::optional<Playing> playing_;
  std::optional<DueFrame> next_;
};

}  // namespace daohil::drivers
