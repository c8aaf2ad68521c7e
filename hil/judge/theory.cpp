#include "hil/judge/theory.hpp"

#include <algorithm>

namespace daohil::hil::judge {
namespace {

// Periods needed to cover a time: ceil(t f), with t f exact: frames_by counts frame 0.
std::uint64_t periods_covering(Duration time, Rate rate) {
  if (time.count() <= 0) return 0;
  const std::uint64_t begun = rate.frames_by(time);  // floor(t f) + 1
  return rate.offset_of(begun - 1) == time ? begun - 1 : begun;
}

class Recursion {
 public:
  Recursion(std::uint64_t depth, std::uint64_t frames) : depth_(depth), frames_(frames) {}

  // One `next` with `written` frames out.
  void call(std::uint64_t written) {
    const std::uint64_t unread = written - read_;
    if (outcome_of(unread, depth_) == Outcome::overwrite) {
      totals_.overwrites += 1;
      totals_.lost += unread - 1;
      read_ = written;
    } else {
      read_ += 1;
    }
    totals_.delivered += 1;
  }

  [[nodiscard]] std::uint64_t read() const { return read_; }
  [[nodiscard]] std::uint64_t delivered() const { return totals_.delivered; }
  [[nodiscard]] Totals finish() {
    totals_.backlog = frames_ - read_;
    return totals_;
  }

 private:
  std::uint64_t depth_;
  std::uint64_t frames_;
  std::uint64_t read_ = 0;
  Totals totals_;
};

Totals recursion_by_unread(const LagSchedule& lag, std::uint64_t depth, std::uint64_t frames) {
  Recursion state(depth, frames);
  std::uint64_t written = 0;
  for (std::uint64_t call = 0;; ++call) {
    written = std::max(written, state.read() + *lag.unread_at(call));
    if (written > frames) return state.finish();
    state.call(written);
  }
}

}  // namespace

Outcome outcome_of(std::uint64_t unread, std::uint64_t depth) {
  if (unread == 0) return Outcome::not_ready;
  return unread <= depth ? Outcome::success : Outcome::overwrite;
}

Totals constant_lag_closed_form(std::uint64_t reads, std::uint64_t depth, std::uint64_t excess_num,
                                std::uint64_t excess_den, std::uint64_t phase_num) {
  const std::uint64_t x = (phase_num + (reads - 1) * excess_num) / excess_den;
  return {.delivered = reads,
          .overwrites = x / depth,
          .lost = depth * (x / depth),
          .backlog = x % depth};
}

Cycle constant_lag_cycle(std::uint64_t depth, std::uint64_t rho) {
  const std::uint64_t reads = (depth + rho - 2) / (rho - 1);
  return {.reads = reads, .lost = reads * (rho - 1)};
}

std::uint64_t unread_after_stall(Duration gap, Duration wake_latency, Rate rate) {
  return rate.frames_by(gap + wake_latency) - 1;
}

Duration age_bound(std::uint64_t depth, Rate rate) { return rate.offset_of(depth); }

std::uint64_t safe_depth(Duration gap, Duration hold, Duration copy, Rate rate) {
  return std::max<std::uint64_t>(1,
                                 periods_covering(gap, rate) + periods_covering(hold + copy, rate));
}

Totals recursion(const LagSchedule& lag, std::uint64_t depth, std::uint64_t frames,
                 const Deviation& deviation) {
  if (lag.unread_at(0)) return recursion_by_unread(lag, depth, frames);

  const Rate& rate = deviation.rate;
  const Duration last = rate.offset_of(frames - 1);
  Recursion state(depth, frames);
  for (Duration now{0}; now <= last;) {
    std::uint64_t written = std::min(frames, rate.frames_by(now + deviation.call_lateness));
    if (written == state.read()) {  // nothing unread: wait for the next frame
      if (written == frames) break;
      now = lag.when_running(rate.offset_of(written) + deviation.wake_latency);
      written = std::min(frames, rate.frames_by(now));
    }
    state.call(written);
    now = lag.when_running(now + lag.gap_after(state.delivered()));
  }
  return state.finish();
}

}  // namespace daohil::hil::judge
