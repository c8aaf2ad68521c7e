#include "hil/judge/theory.hpp"

#include <algorithm>

#include "hil/judge/detail/reader_in_order.hpp"
#include "hil/judge/detail/recursion.hpp"

namespace daohil::hil::judge {
namespace {

using detail::ReaderInOrder;

Totals recursion_by_unread(const LagSchedule& lag, std::uint64_t depth, std::uint64_t frames) {
  ReaderInOrder reader(depth);
  std::uint64_t written = 0;
  for (std::uint64_t call = 0;; ++call) {
    written = std::max(written, reader.tail() + *lag.unread_at(call));
    if (written > frames) return reader.totals(frames);
    reader.call(written);
  }
}

}  // namespace

Outcome outcome_of(std::uint64_t unread, std::uint64_t depth) {
  if (unread == 0) return Outcome::not_ready;
  return unread <= depth ? Outcome::success : Outcome::overwrite;
}

std::uint64_t passed(const Totals& totals) {
  return totals.delivered + totals.lost + totals.backlog;
}

std::uint64_t lost_by_call(std::uint64_t unread, std::uint64_t commits, std::uint64_t depth) {
  if (unread == 0 || unread - 1 + commits <= depth) return 0;
  return unread + commits - 2;
}

Totals recursion(const LagSchedule& lag, std::uint64_t depth, std::uint64_t frames,
                 const Deviation& deviation) {
  if (lag.unread_at(0)) return recursion_by_unread(lag, depth, frames);

  ReaderInOrder reader(depth);
  detail::make_calls(lag, detail::SteadyFrames(deviation.rate, frames), Duration{0},
                     deviation.rate.offset_of(frames - 1), deviation, reader);
  return reader.totals(frames);
}

}  // namespace daohil::hil::judge
