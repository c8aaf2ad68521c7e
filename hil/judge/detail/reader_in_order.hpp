#pragma once

#include <cstdint>

#include "hil/judge/theory.hpp"

namespace daohil::hil::judge::detail {

/// Mode next, call by call, by the rules of a call alone.
class ReaderInOrder {
 public:
  explicit ReaderInOrder(std::uint64_t depth) : depth_(depth) {}

  void open(std::uint64_t newest) { tail_ = newest; }
  [[nodiscard]] bool has_nothing(std::uint64_t newest) const { return newest == tail_; }
  /// @param newest over tail()
  void call(std::uint64_t newest) {
    const std::uint64_t unread = newest - tail_;
    totals_.delivered += 1;
    if (outcome_of(unread, depth_) == Outcome::overwrite) {
      totals_.overwrites += 1;
      totals_.lost += unread - 1;
      tail_ = newest;
    } else {
      tail_ += 1;
    }
  }
  [[nodiscard]] std::uint64_t tail() const { return tail_; }
  [[nodiscard]] std::uint64_t delivered() const { return totals_.delivered; }
  /// @param frames published in all
  [[nodiscard]] Totals totals(std::uint64_t frames) const {
    Totals totals = totals_;
    totals.backlog = frames - tail_;
    return totals;
  }

 private:
  std::uint64_t depth_;
  std::uint64_t tail_ = 0;
  Totals totals_;
};

}  // namespace daohil::hil::judge::detail
