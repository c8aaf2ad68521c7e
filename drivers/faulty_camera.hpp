#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "drivers/camera.hpp"
#include "drivers/fault.hpp"

namespace daohil::drivers {

/// A fault and what is needed to say when it strikes.
class ArmedFault {
 public:
  ArmedFault(CameraFault fault, std::uint64_t draws) : fault_(std::move(fault)), draws_(draws) {}

  /// Does it strike this frame? To be asked once for each frame, in order.
  /// @param due from frame 1's due time on
  [[nodiscard]] bool strikes(std::uint64_t number, Duration due);
  void begin_again() { strikes_ = 0; }
  /// A random number of this fault and that frame.
  [[nodiscard]] std::uint64_t chance(std::uint64_t number) const;
  [[nodiscard]] const CameraFault& fault() const { return fault_; }

 private:
  CameraFault fault_;
  std::uint64_t draws_;
  std::uint64_t strikes_ = 0;
};
[[nodiscard]] std::vector<ArmedFault> armed(std::vector<CameraFault> faults, std::uint64_t seed);

/// A frame that reaches the host.
struct Arrival {
  std::uint64_t id = 0;  ///< the device's number of it, counted from 1; higher after an id_jump
  Duration at{0};        ///< from frame 1's due time on
};
/// What a host that is never late gets of a device's first frames, in order.
/// @param seed as given to FaultyCamera
/// @param on_late with `shift`, that of a camera whose schedule stays: stalls cost no frame
[[nodiscard]] std::vector<Arrival> planned_arrivals(const std::vector<CameraFault>& faults,
                                                    std::uint64_t seed, std::uint64_t frames,
                                                    const RateProfile& rate, OnLate on_late);

/// How many numbers are missing between the first and the last of them: what the host can know of
/// its losses.
[[nodiscard]] std::uint64_t missing_ids(const std::vector<Arrival>& arrivals);

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
  [[nodiscard]] bool strikes(ArmedFault& armed, std::uint64_t number, MonotonicTime due) const {
    return armed.strikes(number, due - first_);
  }
  [[nodiscard]] std::optional<MonotonicTime> inner_due();
  WaitOutcome take_from_camera(MonotonicTime deadline);
  WaitOutcome strike(std::uint64_t number);
  static void flip(std::vector<std::byte>& pixels, std::uint64_t bits, std::uint64_t begin);

  std::unique_ptr<Camera> camera_;
  std::vector<ArmedFault> faults_;
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
