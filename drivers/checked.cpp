#include "drivers/checked.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "drivers/error.hpp"

namespace daohil::drivers {

Checked::Checked(std::unique_ptr<Camera> camera, std::string name)
    : camera_(std::move(camera)), name_(std::move(name)) {}

Checked::~Checked() {
  if (state_ != State::running && state_ != State::announced) return;
  try {
    camera_->stop();
  } catch (const std::exception&) {
    // A destructor has nobody to tell, and the device is given up in any case.
  }
}

const char* Checked::name_of(State state) {
  switch (state) {
    case State::made:
      return "made but not configured";
    case State::configured:
      return "configured but not running";
    case State::running:
      return "running, no frame announced";
    case State::announced:
      return "running, a frame announced and not read";
  }
  return "?";
}

void Checked::refuse(const char* call, const char* remedy) const {
  throw Error(fmt::format("camera {}: {} while {}; {}", name_, call, name_of(state_), remedy));
}

void Checked::require_configured(const char* call) const {
  if (state_ == State::made) refuse(call, "call configure() first");
}

void Checked::require_awaiting(const char* call) const {
  require_configured(call);
  if (state_ == State::configured) refuse(call, "call start() first");
  if (state_ == State::announced) refuse(call, "call read_into() first");
}

void Checked::configure(const CameraSettings& settings) {
  if (state_ != State::made && state_ != State::configured)
    refuse("configure()", "call stop() first");
  state_ = State::made;
  camera_->configure(settings);
  frame_bytes_ = camera_->describe().format.bytes();
  state_ = State::configured;
}

CameraDescription Checked::describe() const {
  require_configured("describe()");
  return camera_->describe();
}

std::shared_ptr<const ContentCheck> Checked::content_check() const {
  require_configured("content_check()");
  return camera_->content_check();
}

void Checked::start(MonotonicTime first) {
  require_configured("start()");
  if (state_ != State::configured) refuse("start()", "call stop() first");
  camera_->start(first);
  state_ = State::running;
}

std::optional<MonotonicTime> Checked::next_due() {
  require_awaiting("next_due()");
  return camera_->next_due();
}

WaitOutcome Checked::wait(MonotonicTime deadline) {
  require_awaiting("wait()");
  const WaitOutcome outcome = camera_->wait(deadline);
  if (outcome == WaitOutcome::frame) state_ = State::announced;
  return outcome;
}

FrameId Checked::read_into(std::span<std::byte> slot) {
  if (state_ != State::announced)
    refuse("read_into()", "it may be called once after each wait() that returned frame");
  if (slot.size() != frame_bytes_)
    throw Error(
        fmt::format("camera {}: read_into() a slot of {} bytes, a frame has {}; give it "
                    "exactly describe().format.bytes()",
                    name_, slot.size(), frame_bytes_));
  const FrameId id = camera_->read_into(slot);
  state_ = State::running;
  return id;
}

void Checked::stop() {
  require_configured("stop()");
  if (state_ == State::configured) refuse("stop()", "call start() first");
  // First, so that a stop that throws is not tried a second time by the destructor.
  state_ = State::configured;
  camera_->stop();
}

}  // namespace daohil::drivers
