#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/camera.hpp"
#include "drivers/faulty/fault.hpp"

namespace daohil::drivers {

/// Any camera, with faults: the same interface, so that what is under test cannot tell. Strikes are
/// a function of the seed and the frame's number alone, or of its due time; two runs with one seed
/// go wrong in the same places.
///
/// Frames pass through memory of this object, which costs one copy more than the bare camera.
class FaultyCamera final : public Camera {
 public:
  /// @param clock the same as the camera's; must outlive this
  FaultyCamera(std::unique_ptr<Camera> camera, std::vector<CameraFault> faults,
               FrameNumbering numbering, std::uint64_t seed, const shm::Clock& clock);

  void configure(const CameraSettings& settings) override;
  [[nodiscard]] CameraDescription describe() const override { return camera_->describe(); }
  [[nodiscard]] std::shared_ptr<const ContentCheck> content_check() const override;
  void start(MonotonicTime first) override;
  [[nodiscard]] std::optional<MonotonicTime> next_due() override;
  WaitOutcome wait(MonotonicTime deadline) override;
  FrameId read_into(std::span<std::byte> slot) override;
  void stop() override;

  /// Called in the middle of read_into, when half of the pixels are in the slot: for those who test
  /// what a death there leaves behind. It may throw.
  void on_half_way(std::function<void(FrameId)> hook) { half_way_ = std::move(hook); }

 private:
  struct Frame {
    FrameId id;
    MonotonicTime due;
    std::vector<std::byte> pixels;
  };
  struct Armed {
    CameraFault fault;
    std::uint64_t strikes = 0;
    std::uint64_t draws;
  };

  [[nodiscard]] bool strikes(Armed& armed, std::uint64_t number, MonotonicTime due);
  [[nodiscard]] std::optional<MonotonicTime> inner_due();
  WaitOutcome take_from_camera(MonotonicTime deadline);
  WaitOutcome strike(std::uint64_t number);
  void flip(std::vector<std::byte>& pixels, std::uint64_t bits, std::uint64_t number,
            std::uint64_t draws) const;

  std::unique_ptr<Camera> camera_;
  std::vector<Armed> faults_;
  FrameNumbering numbering_;
  const shm::Clock* clock_;
  std::function<void(FrameId)> half_way_;

  RateProfile rate_{Rate::hertz(1)};
  MonotonicTime first_{};
  std::uint64_t jumped_ = 0;          // sum of the id jumps so far
  std::optional<MonotonicTime> due_;  // of the camera's next frame, faults included
  Frame now_;                         // to be read
  Frame later_;                       // to come after now_: a duplicate, or a frame overtaken
  enum class Later { none, next, after_next } later_is_ = Later::none;
};

}  // namespace daohil::drivers
