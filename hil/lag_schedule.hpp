#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "hil/plan/case.hpp"
#include "shm/time.hpp"

namespace daohil::hil {

/// What a reader's list of lags means: how long after one call the next is made. One definition,
/// used by the actor that obeys it and by the theory that predicts from it.
///
/// Call j+1 is intended at (call j had to wait ? its return : its intended time) + gap. So a
/// reader that never waits keeps an absolute grid and one late wake-up does not add up.
class LagSchedule {
 public:
  /// @param period of the source, for stalls that sweep the phase and for the rate of pauses
  /// @param seed of the case: what is random about it follows from that and the reader's name
  LagSchedule(const plan::ReaderPlan& reader, shm::Duration period, std::uint64_t seed = 0);

  /// Gap after the n-th delivered frame (n >= 1). At least the hold of an in-place reader; and, in
  /// the modes that nearly always find a frame, the spacing of one that polls.
  [[nodiscard]] shm::Duration gap_after(std::uint64_t delivered) const;
  /// How long after a call that found nothing the next is made; empty: the reader waits instead.
  [[nodiscard]] std::optional<shm::Duration> poll() const { return poll_; }
  /// For lag counted in frames: how many must be unread at call `call` (0-based); empty for lag
  /// in time.
  [[nodiscard]] std::optional<std::uint64_t> unread_at(std::uint64_t call) const {
    if (unread_.empty()) return std::nullopt;
    return unread_[call % unread_.size()];
  }

  /// When a call intended at that time after the start is made: a stopped process makes it at the
  /// end of its stop.
  [[nodiscard]] shm::Duration when_running(shm::Duration intended) const;

  /// Longest planned gap (of random pauses: the cap), the g of T4 and T7; the constant service time
  /// if there is no stall.
  [[nodiscard]] shm::Duration longest_gap() const;
  /// Time between two calls where no pause is due.
  [[nodiscard]] shm::Duration pace() const { return std::max(service_, least_gap_); }
  /// Is that all there is to it: the same time between any two calls, but for the first phase?
  [[nodiscard]] bool is_constant() const {
    return stalls_.empty() && bursts_.empty() && pauses_.empty() && traces_.empty() &&
           stops_.empty() && unread_.empty();
  }
  /// Of a constant lag: by how much the first gap is longer.
  [[nodiscard]] shm::Duration phase() const { return phase_; }
  /// Is every gap longer than a frame period, so that a frame is always there and the reader, once
  /// it has begun, never waits?
  [[nodiscard]] bool never_waits() const { return service_ > period_; }

 private:
  void take(const plan::ConstantLag& constant);
  void take(const plan::PeriodicLag& stall) { stalls_.push_back(stall); }
  void take(const plan::UnreadLag& unread) { unread_ = unread.unread; }
  void take(const plan::BurstLag& burst) { bursts_.push_back(burst); }
  void take(const plan::PauseLag& pause) { pauses_.push_back(pause); }
  void take(const plan::TraceLag& trace) { traces_.push_back(trace); }
  void take(const plan::StopLag& stop) { stops_.push_back(stop); }
  void take(const plan::HogLag&) {}  // slows the host, not the plan
  [[nodiscard]] shm::Duration sweep_delay(std::uint64_t stall) const;
  [[nodiscard]] shm::Duration pause_after(std::uint64_t delivered) const;

  shm::Duration period_;
  std::optional<shm::Duration> poll_;
  shm::Duration least_gap_{0};
  shm::Duration service_{0};
  shm::Duration phase_{0};  // added to the first gap
  std::uint64_t chance_;
  std::vector<plan::PeriodicLag> stalls_;
  std::vector<plan::BurstLag> bursts_;
  std::vector<plan::PauseLag> pauses_;
  std::vector<plan::TraceLag> traces_;
  std::vector<plan::StopLag> stops_;
  std::vector<std::uint64_t> unread_;
};

}  // namespace daohil::hil
