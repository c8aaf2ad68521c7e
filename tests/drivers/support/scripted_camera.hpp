#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "drivers/camera.hpp"

namespace daohil::drivers::test {

/// A camera that sets its own pace and does what a list says; it notes every call and checks none.
class ScriptedCamera final : public Camera {
 public:
  explicit ScriptedCamera(std::vector<WaitOutcome> outcomes) : outcomes_(std::move(outcomes)) {}

  void configure(const CameraSettings&) override { calls.emplace_back("configure"); }
  [[nodiscard]] CameraDescription describe() const override {
    return {.model = "scripted",
            .identity = "",
            .format = FrameFormat({2, 3}, shm::PixelType::u8),
            .rate = Rate::millihertz(1'000'000)};
  }
  void start(MonotonicTime) override { calls.emplace_back("start"); }
  WaitOutcome wait(MonotonicTime deadline) override {
    calls.emplace_back("wait");
    deadlines.push_back(deadline);
    const WaitOutcome outcome = outcomes_.at(next_++ % outcomes_.size());
    // A damaged frame is dropped and its number with it.
    if (outcome == WaitOutcome::frame || outcome == WaitOutcome::damaged) ++id_;
    return outcome;
  }
  FrameId read_into(std::span<std::byte> slot) override {
    calls.emplace_back("read_into");
    std::fill(slot.begin(), slot.end(), static_cast<std::byte>(id_));
    return FrameId{id_};
  }
  void stop() override { calls.emplace_back("stop"); }

  std::vector<std::string> calls;
  std::vector<MonotonicTime> deadlines;

 private:
  std::vector<WaitOutcome> outcomes_;
  std::size_t next_ = 0;
  std::uint64_t id_ = 0;
};

}  // namespace daohil::drivers::test
