#include "hil/judge/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hil/judge/theory.hpp"

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

struct Said {
  ReadStatus status;
  std::uint64_t counter;
  auto operator<=>(const Said&) const = default;
};

// How many events have a time <= t; the times of one kind never decrease.
template <typename Time>
std::uint64_t count_by(const std::vector<SourceEvent>& source, std::int64_t t, Time time) {
  const auto it = std::upper_bound(
      source.begin(), source.end(), t,
      [&](std::int64_t value, const SourceEvent& event) { return value < event.*time; });
  return static_cast<std::uint64_t>(it - source.begin());
}

class Possibilities {
 public:
  Possibilities(const std::vector<SourceEvent>& source, std::uint32_t depth)
      : source_(&source), depth_(depth) {}

  // All that `next` may say in [before, after] from this tail.
  [[nodiscard]] std::set<Said> next(std::uint64_t tail, std::int64_t before,
                                    std::int64_t after) const {
    std::set<Said> said;
    const auto [lowest, highest] = newest_between(tail, before, after);
    // Outcomes repeat: beyond tail + depth each w is its own, before it only few differ.
    for (std::uint64_t w = lowest; w <= highest; ++w) {
      switch (outcome_of(w - tail, depth_)) {
        case Outcome::not_ready:
          said.insert({ReadStatus::not_ready, 0});
          break;
        case Outcome::success:
          said.insert({ReadStatus::success, tail + 1});
          break;
        case Outcome::overwrite:
          said.insert({ReadStatus::overwrite, w});
          break;
      }
      if (w == tail + depth_ && claimed_by(after) > w) said.insert(destroyed(w));
    }
    return said;
  }

  [[nodiscard]] std::set<Said> newest(std::uint64_t tail, std::int64_t before,
                                      std::int64_t after) const {
    std::set<Said> said;
    const auto [lowest, highest] = newest_between(tail, before, after);
    for (std::uint64_t w = lowest; w <= highest; ++w)
      said.insert(w == 0 ? Said{ReadStatus::not_ready, 0} : Said{ReadStatus::success, w});
    return said;
  }

 private:
  // The counters of a run are contiguous from 1 (tier A checks it), so a count is a counter.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> newest_between(std::uint64_t tail,
                                                                       std::int64_t before,
                                                                       std::int64_t after) const {
    const auto lowest = count_by(*source_, before, &SourceEvent::published);
    const auto highest = count_by(*source_, after, &SourceEvent::publishing);
    return {std::max(lowest, tail), std::max(highest, tail)};
  }
  [[nodiscard]] std::uint64_t claimed_by(std::int64_t t) const {
    return count_by(*source_, t, &SourceEvent::claimed);
  }
  // At depth 1 the claimed slot is the newest frame itself: nothing is left to deliver.
  [[nodiscard]] Said destroyed(std::uint64_t w) const {
    return depth_ == 1 ? Said{ReadStatus::not_ready, 0} : Said{ReadStatus::overwrite, w};
  }

  const std::vector<SourceEvent>* source_;
  std::uint32_t depth_;
};

std::string describe(const std::set<Said>& possible) {
  std::string text;
  for (const Said& said : possible)
    text += fmt::format("{}{}({})", text.empty() ? "" : " or ", shm::name_of(said.status),
                        said.counter);
  return text;
}

}  // namespace

OracleFinding check_calls(const std::vector<SourceEvent>& source, const ReaderTrace& reader,
                          const plan::ReaderPlan& plan, std::uint32_t depth,
                          std::int64_t guard_ns) {
  const Possibilities possibilities(source, depth);
  OracleFinding finding;
  std::uint64_t tail = reader.summary.first;
  for (std::size_t i = 0; i < reader.calls.size(); ++i) {
    const CallEvent& call = reader.calls[i];
    if (call.status == ReadStatus::torn) continue;  // says nothing of any frame; counted elsewhere
    const auto before = call.before - guard_ns;
    const auto after = call.after + guard_ns;
    auto possible = plan.mode == plan::ReadMode::next ? possibilities.next(tail, before, after)
                                                      : possibilities.newest(tail, before, after);
    // A waiting reader never reports that nothing is new.
    if (plan.on_empty == plan::OnEmpty::wait) possible.erase({ReadStatus::not_ready, 0});
    const bool delivered =
        call.status == ReadStatus::success || call.status == ReadStatus::overwrite;
    const Said said{call.status, delivered ? call.counter : 0};
    finding.checked += 1;
    if (possible.size() > 1) finding.ambiguous += 1;
    if (!possible.contains(said)) {
      finding.violations += 1;
      if (!finding.first_violating_call) {
        finding.first_violating_call = i;
        finding.first_violation =
            fmt::format("call {} at {} ns: tail {}, said {}({}), possible {}", i, call.before, tail,
                        shm::name_of(said.status), said.counter, describe(possible));
      }
    }
    if (delivered) tail = call.counter;
  }
  return finding;
}

}  // namespace daohil::hil::judge
