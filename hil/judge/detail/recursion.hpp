#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "hil/judge/theory.hpp"

/// The one loop behind all exact recursions: when a reader of some lag calls, and what is there.
namespace daohil::hil::judge::detail {

/// Frame k + 1 is there from floor(k T) on.
class SteadyFrames {
 public:
  SteadyFrames(Rate rate, std::uint64_t frames) : rate_(rate), frames_(frames) {}

  [[nodiscard]] std::uint64_t size() const { return frames_; }
  [[nodiscard]] std::uint64_t by(Duration time) const {
    return std::min(frames_, rate_.frames_by(time));
  }
  /// When a reader that waits for frame k + 1 is woken.
  [[nodiscard]] Duration shown(std::uint64_t k) const { return rate_.offset_of(k); }

 private:
  Rate rate_;
  std::uint64_t frames_;
};

/// Frames as they came.
class FramesThatCame {
 public:
  FramesThatCame(std::span<const std::int64_t> visible, std::span<const std::int64_t> published)
      : visible_(visible), published_(published) {}

  [[nodiscard]] std::uint64_t size() const { return visible_.size(); }
  [[nodiscard]] std::uint64_t by(Duration time) const {
    const auto end = std::upper_bound(visible_.begin(), visible_.end(), time.count());
    return static_cast<std::uint64_t>(end - visible_.begin());
  }
  [[nodiscard]] Duration shown(std::uint64_t k) const { return Duration{published_[k]}; }

 private:
  std::span<const std::int64_t> visible_;
  std::span<const std::int64_t> published_;
};

/// Makes the calls of a reader that joins at `start` up to `until`.
/// @tparam Reader open(newest), has_nothing(newest), call(newest), delivered()
template <typename Frames, typename Reader>
void make_calls(const LagSchedule& lag, const Frames& frames, Duration start, Duration until,
                const Deviation& deviation, Reader& reader) {
  // A reader of the beginning opened the stream before frame 1, due at 0.
  reader.open(start.count() > 0 ? frames.by(start) : 0);
  for (Duration now = lag.when_running(start); now <= until;) {
    const Duration called = now + deviation.call_lateness;
    std::uint64_t written = frames.by(called);
    if (reader.has_nothing(written)) {
      if (const auto spacing = lag.poll()) {
        now = lag.when_running(called + *spacing);
        continue;
      }
      if (written == frames.size()) return;
      now = lag.when_running(frames.shown(written) + deviation.wake_latency);
      written = std::max(frames.by(now), written + 1);
    }
    reader.call(written);
    now = lag.when_running(now + lag.gap_after(reader.delivered()));
  }
}

}  // namespace daohil::hil::judge::detail
