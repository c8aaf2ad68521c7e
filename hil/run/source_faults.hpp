#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/faulty_camera.hpp"
#include "hil/plan/case.hpp"
#include "shm/publish_step.hpp"
#include "shm/time.hpp"

namespace daohil::hil::run {

/// The source of a case: the device as bound, behind the faults that the scenario gives it.
/// @throws drivers::Error
std::unique_ptr<drivers::FaultyCamera> make_source(const plan::Case& wanted,
                                                   const shm::Clock& clock);

/// Faults of one kind, in the order of time.
template <typename Kind>
std::vector<Kind> faults_of(const plan::Case& wanted) {
  std::vector<Kind> found;
  for (const plan::Fault& fault : wanted.faults)
    if (const auto* kind = std::get_if<Kind>(&fault)) found.push_back(*kind);
  if constexpr (requires(const Kind& fault) { fault.at; })
    std::stable_sort(found.begin(), found.end(),
                     [](const Kind& a, const Kind& b) { return a.at < b.at; });
  return found;
}

/// What is still to come of the writer's deaths.
class Crashes {
 public:
  explicit Crashes(const plan::Case& wanted) : left_(faults_of<plan::WriterCrash>(wanted)) {}

  /// The death planned at or after this point of that frame of the device, if there is one; it is
  /// then no longer planned. A frame that was never sent does not save the writer.
  std::optional<plan::WriterCrash> due(std::uint64_t frame, plan::CrashPoint point);

  /// Forget those planned before a frame: a writer that takes over begins behind them.
  void forget_before(std::uint64_t frame);

  [[nodiscard]] bool any() const { return !left_.empty(); }

 private:
  std::vector<plan::WriterCrash> left_;
};

/// The point reached once that step is done.
[[nodiscard]] plan::CrashPoint point_after(shm::PublishStep step);
/// Is the frame whole, and so the successor bound to keep it, when its writer dies there?
[[nodiscard]] bool leaves_whole_frame(plan::CrashPoint point);

/// What is still to be done to the stream's file behind the back of those who have it open.
class FileFaults {
 public:
  explicit FileFaults(const plan::Case& wanted);

  /// When the next one is due, counted from the start.
  [[nodiscard]] std::optional<shm::Duration> next() const;
  enum class Struck { nothing, mode, contents, name };
  /// Do the next one if it is due. @returns what it was done to
  Struck strike(shm::Duration elapsed, const std::filesystem::path& stream);

 private:
  std::vector<plan::ChangeMode> mode_changes_;
  std::vector<plan::Unlink> removals_;
  std::vector<plan::Truncate> truncations_;
};

/// A clock whose UTC steps as planned and whose monotonic time does not.
class SteppedClock final : public shm::Clock {
 public:
  SteppedClock(const shm::Clock& clock, const plan::Case& wanted);
  void set_start(shm::MonotonicTime start) { start_ = start; }

  [[nodiscard]] shm::MonotonicTime now() const override { return clock_->now(); }
  [[nodiscard]] shm::UtcTime utc_now() const override;
  void sleep_until(shm::MonotonicTime deadline) const override { clock_->sleep_until(deadline); }

 private:
  const shm::Clock* clock_;
  std::vector<plan::ClockStep> steps_;
  shm::MonotonicTime start_{};
};

}  // namespace daohil::hil::run
