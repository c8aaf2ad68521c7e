#pragma once

#include <cstdint>
#include <functional>

#include "drivers/camera.hpp"
#include "shm/time.hpp"
#include "shm/writer.hpp"

namespace daohil::drivers {

/// What became of one turn of the publisher.
struct Published {
  WaitOutcome outcome = WaitOutcome::timeout;
  // The rest is set for outcome frame only.
  shm::Counter counter{};
  FrameId id{};
  MonotonicTime due{};         ///< when the frame was to come; its arrival for unpaced cameras
  MonotonicTime claimed{};     ///< slot taken: from here its old frame is gone
  MonotonicTime publishing{};  ///< before the first publication step
  MonotonicTime published{};   ///< after the last
};

struct PublisherCounts {
  std::uint64_t frames = 0;   ///< published
  std::uint64_t damaged = 0;  ///< dropped by the driver
  std::uint64_t late = 0;     ///< committed more than one period after they were due
  Duration worst_lateness{0};
};

/// The one path from any camera to a FIFO: wait, claim, read into the slot, commit. Paces cameras
/// that have no clock of their own by absolute deadlines. One thread.
class Publisher {
 public:
  /// All must outlive the publisher. @throws Error when camera and stream disagree on the format
  Publisher(Camera& camera, shm::Writer& writer, const shm::Clock& clock);

  /// Publish the next frame.
  /// @param deadline for cameras that set their own pace
  Published next(MonotonicTime deadline);

  /// As next, calling `between` after each publication step: to look at the stream, or to stop,
  /// in the middle of a publication.
  using Between = std::function<void(shm::PublishStep)>;
  Published next(MonotonicTime deadline, const Between& between);

  [[nodiscard]] const PublisherCounts& counts() const { return counts_; }

 private:
  template <typename Commit>
  Published turn(MonotonicTime deadline, const Commit& commit);

  Camera* camera_;
  shm::Writer* writer_;
  const shm::Clock* clock_;
  Duration period_;
  PublisherCounts counts_;
};

}  // namespace daohil::drivers
