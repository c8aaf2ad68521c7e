#include "hil/judge/offence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hil/judge/oracle.hpp"

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

bool has_frame(const CallEvent& call) {
  return call.status == ReadStatus::success || call.status == ReadStatus::overwrite;
}

// Readers that take each frame in its turn and go on with the newest after an overwrite: only of
// those do the counters say what was lost.
bool in_turn(const Rulebook& rules) {
  return rules.reader != nullptr && rules.reader->mode == plan::ReadMode::next &&
         rules.reader->on_overwrite == plan::OnOverwrite::go_on;
}

// What the call's own fields contradict, given the counter delivered before.
std::string contradiction(const CallEvent& call, std::optional<std::uint64_t> previous,
                          const Rulebook& rules) {
  if (call.content == Content::torn) return "pixels of more than one frame, delivered as good";
  if (call.content == Content::wrong_frame) return "a whole frame, but another than it says";
  if (!has_frame(call) || !in_turn(rules)) return {};
  if (call.status == ReadStatus::success && call.lost != 0)
    return fmt::format("success, with {} frames lost", call.lost);
  const std::uint64_t least = std::max<std::uint64_t>(rules.depth, 2) - 1;
  if (call.status == ReadStatus::overwrite && call.lost < least)
    return fmt::format("overwrite that lost {}; a ring of {} can lose no fewer than {}", call.lost,
                       rules.depth, least);
  if (!previous) return {};
  if (call.counter < *previous)
    return fmt::format("counter {} after {}: back", call.counter, *previous);
  if (call.counter == *previous) return fmt::format("counter {} a second time", call.counter);
  if (call.counter - *previous - 1 != call.lost)
    return fmt::format("says {} lost, but counter {} follows {}", call.lost, call.counter,
                       *previous);
  return {};
}

}  // namespace

std::optional<Offence> first_offence(const std::vector<SourceEvent>& source,
                                     const ReaderTrace& reader, const Rulebook& rules) {
  std::optional<Offence> first;
  std::optional<std::uint64_t> previous;
  for (std::size_t i = 0; i < reader.calls.size() && !first; ++i) {
    const CallEvent& call = reader.calls[i];
    if (std::string what = contradiction(call, previous, rules); !what.empty())
      first = Offence{i, std::move(what)};
    if (has_frame(call)) previous = call.counter;
  }
  if (rules.reader == nullptr || !rules.oracle) return first;
  const OracleFinding finding =
      check_calls(source, reader, *rules.reader, rules.depth, rules.guard_ns);
  if (!finding.first_violating_call) return first;
  const std::string refused = "oracle: " + finding.first_violation;
  if (!first || *finding.first_violating_call < first->index)
    first = Offence{*finding.first_violating_call, refused};
  else if (*finding.first_violating_call == first->index)
    first->what += "; " + refused;
  return first;
}

std::optional<Offence> first_offence(const std::vector<SourceEvent>& source) {
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i].counter != i + 1)
      return Offence{i, fmt::format("published frame {} has counter {}", i + 1, source[i].counter)};
    if (i > 0 && source[i].id <= source[i - 1].id)
      return Offence{i, fmt::format("device id {} came after {}", source[i].id, source[i - 1].id)};
  }
  return {};
}

}  // namespace daohil::hil::judge
