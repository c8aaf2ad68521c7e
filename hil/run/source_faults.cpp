#include "hil/run/source_faults.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "drivers/registry.hpp"

namespace daohil::hil::run {

std::unique_ptr<drivers::FaultyCamera> make_source(const plan::Case& wanted,
                                                   const shm::Clock& clock) {
  auto camera = std::make_unique<drivers::FaultyCamera>(
      drivers::make_camera(wanted.source.kind, clock), faults_of<drivers::CameraFault>(wanted),
      wanted.source.numbering, wanted.seed, clock);
  camera->configure(wanted.source.settings);
  return camera;
}

std::optional<plan::WriterCrash> Crashes::due(std::uint64_t frame, plan::CrashPoint point) {
  const auto found = std::find_if(left_.begin(), left_.end(), [&](const auto& crash) {
    return crash.frame < frame || (crash.frame == frame && crash.point == point);
  });
  if (found == left_.end()) return std::nullopt;
  // One whose frame was dropped on the way dies at the next frame, in its own place.
  if (found->point != point) return std::nullopt;
  const plan::WriterCrash crash = *found;
  left_.erase(found);
  return crash;
}

void Crashes::forget_before(std::uint64_t frame) {
  std::erase_if(left_, [&](const auto& crash) { return crash.frame < frame; });
}

plan::CrashPoint point_after(shm::PublishStep step) {
  switch (step) {
    case shm::PublishStep::stamp:
      return plan::CrashPoint::after_stamp;
    case shm::PublishStep::counter:
      return plan::CrashPoint::after_counter;
    case shm::PublishStep::clear_write:
      return plan::CrashPoint::after_clear_write;
    case shm::PublishStep::index:
      return plan::CrashPoint::after_index;
    case shm::PublishStep::wake:
      break;
  }
  return plan::CrashPoint::after_publish;
}

bool leaves_whole_frame(plan::CrashPoint point) {
  return point == plan::CrashPoint::after_clear_write || point == plan::CrashPoint::after_index ||
         point == plan::CrashPoint::after_publish;
}

FileFaults::FileFaults(const plan::Case& wanted)
    : mode_changes_(faults_of<plan::ChangeMode>(wanted)),
      removals_(faults_of<plan::Unlink>(wanted)),
      truncations_(faults_of<plan::Truncate>(wanted)) {}

std::optional<shm::Duration> FileFaults::next() const {
  std::optional<shm::Duration> next;
  const auto consider = [&](const auto& faults) {
    if (!faults.empty() && (!next || faults.front().at < *next)) next = faults.front().at;
  };
  consider(mode_changes_);
  consider(removals_);
  consider(truncations_);
  return next;
}

FileFaults::Struck FileFaults::strike(shm::Duration elapsed, const std::filesystem::path& stream) {
  const auto take_due = [&](auto& faults) {
    if (faults.empty() || elapsed < faults.front().at) return false;
    faults.erase(faults.begin());
    return true;
  };
  if (!mode_changes_.empty()) {
    const mode_t mode = mode_changes_.front().mode;
    if (take_due(mode_changes_)) {
      ::chmod(stream.c_str(), mode);
      return Struck::mode;
    }
  }
  if (take_due(truncations_)) {
    // What does not work shows in the verdict.
    [[maybe_unused]] const int status = ::truncate(stream.c_str(), 0);
    return Struck::contents;
  }
  if (take_due(removals_)) {
    ::unlink(stream.c_str());
    return Struck::name;
  }
  return Struck::nothing;
}

SteppedClock::SteppedClock(const shm::Clock& clock, const plan::Case& wanted)
    : clock_(&clock), steps_(faults_of<plan::ClockStep>(wanted)) {}

shm::UtcTime SteppedClock::utc_now() const {
  shm::UtcTime utc = clock_->utc_now();
  const shm::Duration elapsed = clock_->now() - start_;
  for (const plan::ClockStep& step : steps_)
    if (elapsed >= step.at) utc = shm::UtcTime{shm::Duration{utc.count() + step.by.count()}};
  return utc;
}

}  // namespace daohil::hil::run
