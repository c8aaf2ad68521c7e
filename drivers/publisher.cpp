#include "drivers/publisher.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/error.hpp"

namespace daohil::drivers {

Publisher::Publisher(Camera& camera, shm::Writer& writer, const shm::Clock& clock)
    : camera_(&camera), writer_(&writer), clock_(&clock), period_(0) {
  const CameraDescription description = camera.describe();
  if (description.format != writer.format())
    throw Error(
        fmt::format("camera {} sends {}, stream {} holds {}; configure the camera or "
                    "create the stream so that they agree",
                    description.model, description.format.str(), writer.segment().path().string(),
                    writer.format().str()));
  period_ = description.rate.period();
}

// Blocks in sleep_until or in the camera's wait, nowhere else; allocates nothing.
template <typename Commit>
Published Publisher::turn(MonotonicTime deadline, const Commit& commit) {
  const std::optional<MonotonicTime> due = camera_->next_due();
  if (due) {
    if (clock_->now() < *due) clock_->sleep_until(*due);
    deadline = std::max(deadline, *due);
  }

  Published published;
  published.outcome = camera_->wait(deadline);
  if (published.outcome == WaitOutcome::damaged) ++counts_.damaged;
  if (published.outcome != WaitOutcome::frame) return published;

  // The times lie outside of what they bracket: up to `claimed` the slot's old frame was whole,
  // and what a reader sees of the new one lies between `publishing` and `published`.
  published.claimed = clock_->now();
  published.due = due.value_or(published.claimed);
  shm::Slot slot = writer_->begin();
  published.id = camera_->read_into(slot.pixels());
  published.publishing = clock_->now();
  commit(slot, published.id);
  published.counter = slot.counter();
  published.published = clock_->now();

  const Duration lateness = published.published - published.due;
  ++counts_.frames;
  if (lateness > period_) ++counts_.late;
  counts_.worst_lateness = std::max(counts_.worst_lateness, lateness);
  return published;
}

Published Publisher::next(MonotonicTime deadline) {
  return turn(deadline, [](shm::Slot& slot, FrameId id) { slot.commit(id); });
}

Published Publisher::next(MonotonicTime deadline, const Between& between) {
  return turn(deadline, [&](shm::Slot& slot, FrameId id) {
    for (const shm::PublishStep step : shm::Writer::publication_order()) {
      slot.publish(step, id);
      between(step);
    }
  });
}

}  // namespace daohil::drivers
