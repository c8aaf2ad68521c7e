#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// The publications of one stream, in order: the frame with counter k is the k-th of them. What is
/// too old to be asked for may be dropped, so that a run of any length needs bounded memory.
class SourceWindow {
 public:
  void add(const SourceEvent& event) { events_.push_back(event); }

  /// All there have been.
  [[nodiscard]] std::uint64_t frames() const { return base_ + events_.size(); }
  /// nullptr for a frame that was never published, or was dropped from the window.
  [[nodiscard]] const SourceEvent* event_of(std::uint64_t counter) const {
    if (counter <= base_ || counter > frames()) return nullptr;
    return &events_[counter - 1 - base_];
  }
  [[nodiscard]] std::uint64_t dropped() const { return base_; }
  /// Drop the frames up to `counter`, now and then.
  void forget_up_to(std::uint64_t counter) {
    if (counter <= base_ || counter - base_ < events_.size() / 2) return;
    const std::uint64_t n = std::min<std::uint64_t>(counter - base_, events_.size());
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(n));
    base_ += n;
  }

 private:
  std::vector<SourceEvent> events_;
  std::uint64_t base_ = 0;
};

/// How many publications had come to one of their moments by a time. Times asked for never
/// decrease, so that each answer costs a step or two.
class MomentCount {
 public:
  using Moment = std::int64_t SourceEvent::*;
  MomentCount(const SourceWindow& window, Moment moment) : window_(&window), moment_(moment) {}

  [[nodiscard]] std::uint64_t by(std::int64_t time) {
    // What was dropped is older than anything asked for now.
    count_ = std::max(count_, window_->dropped());
    for (;;) {
      const SourceEvent* next = window_->event_of(count_ + 1);
      if (next == nullptr || next->*moment_ > time) return count_;
      ++count_;
    }
  }

 private:
  const SourceWindow* window_;
  Moment moment_;
  std::uint64_t count_ = 0;
};

}  // namespace daohil::hil::judge
