#include "hil/judge/replayed.hpp"

#include "hil/judge/detail/reader_in_order.hpp"
#include "hil/judge/detail/recursion.hpp"

namespace daohil::hil::judge {
namespace {

// Mode newest: has nothing before the first frame, and, if it waits, when it has had the newest.
class ReaderOfTheNewest {
 public:
  explicit ReaderOfTheNewest(bool waits) : waits_(waits) {}

  void open(std::uint64_t newest) { tail_ = newest; }
  [[nodiscard]] bool has_nothing(std::uint64_t newest) const {
    return newest == 0 || (waits_ && delivered_ > 0 && newest == tail_);
  }
  void call(std::uint64_t newest) {
    if (newest > tail_ + 1) skips_ += newest - tail_ - 1;
    tail_ = newest;
    delivered_ += 1;
  }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
  [[nodiscard]] std::uint64_t skips() const { return skips_; }

 private:
  bool waits_;
  std::uint64_t tail_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t skips_ = 0;
};

}  // namespace

Totals recursion_over(const LagSchedule& lag, std::uint64_t depth, const Came& came,
                      const Presence& presence, const Deviation& deviation) {
  detail::ReaderInOrder reader(depth);
  detail::make_calls(lag, detail::FramesThatCame(came.visible, came.published), presence.from,
                     presence.until, deviation, reader);
  return reader.totals(came.visible.size());
}

std::uint64_t skips_over(const LagSchedule& lag, const Came& came, const Presence& presence,
                         const Deviation& deviation) {
  ReaderOfTheNewest reader(!lag.poll());
  detail::make_calls(lag, detail::FramesThatCame(came.visible, came.published), presence.from,
                     presence.until, deviation, reader);
  return reader.skips();
}

}  // namespace daohil::hil::judge
