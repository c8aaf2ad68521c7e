#pragma once

#include <memory>
#include <string>

#include "drivers/camera.hpp"

namespace daohil::drivers {

/// A camera whose states are enforced (see Camera), so that no driver has to: every call out of
/// order, and every slot of the wrong size, is an Error that names camera, call, state and the way
/// out, before the driver is called. Costs a few comparisons a frame.
///
/// A configure that throws leaves the camera in `made`: what the device kept is not known.
class Checked final : public Camera {
 public:
  /// @param name for messages
  Checked(std::unique_ptr<Camera> camera, std::string name);
  /// Stops the camera if it is running.
  ~Checked() override;
  Checked(const Checked&) = delete;
  Checked& operator=(const Checked&) = delete;

  void configure(const CameraSettings& settings) override;
  [[nodiscard]] CameraDescription describe() const override;
  [[nodiscard]] std::shared_ptr<const ContentCheck> content_check() const override;
  void start(MonotonicTime first) override;
  [[nodiscard]] std::optional<MonotonicTime> next_due() override;
  WaitOutcome wait(MonotonicTime deadline) override;
  FrameId read_into(std::span<std::byte> slot) override;
  void stop() override;

 private:
  enum class State { made, configured, running, announced };  // announced: a frame to be read

  [[nodiscard]] static const char* name_of(State state);
  [[noreturn]] void refuse(const char* call, const char* remedy) const;
  void require_configured(const char* call) const;
  void require_awaiting(const char* call) const;

  std::unique_ptr<Camera> camera_;
  std::string name_;
  State state_ = State::made;
  std::size_t frame_bytes_ = 0;
};

}  // namespace daohil::drivers
