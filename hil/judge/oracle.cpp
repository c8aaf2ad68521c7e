#include "hil/judge/oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "hil/judge/theory.hpp"

namespace daohil::hil::judge {

using shm::ReadStatus;

Oracle::Oracle(const SourceWindow& source, const plan::ReaderPlan& plan, std::uint32_t depth,
               std::int64_t guard_ns, std::uint64_t tail)
    : plan_(&plan),
      depth_(depth),
      guard_(guard_ns),
      tail_(tail),
      published_(source, &SourceEvent::published),
      publishing_(source, &SourceEvent::publishing),
      claimed_(source, &SourceEvent::claimed) {}

// The counters of a stream are contiguous from 1 (tier A checks it), so a count is a counter.
Oracle::Range Oracle::newest_during(const CallEvent& call) {
  const std::int64_t after = call.after + guard_;
  const std::uint64_t lowest = published_.by(call.before - guard_);
  const std::uint64_t highest = publishing_.by(after);
  return {std::max(lowest, tail_), std::max(highest, tail_), claimed_.by(after)};
}

void Oracle::add_possible(plan::ReadMode mode, std::uint64_t newest, std::uint64_t claimed,
                          std::vector<Said>& said) const {
  // Has the writer begun to destroy the frame of that counter, whose slot comes round?
  const auto being_destroyed = [&](std::uint64_t counter) { return claimed >= counter + depth_; };
  switch (mode) {
    case plan::ReadMode::newest:
      said.push_back(newest == 0 ? Said{ReadStatus::not_ready, 0}
                                 : Said{ReadStatus::success, newest});
      return;
    case plan::ReadMode::arbitrary: {
      const std::uint64_t wanted = newest > plan_->index_lag ? newest - plan_->index_lag : 0;
      if (wanted == 0) said.push_back({ReadStatus::not_ready, 0});
      if (wanted > 0) said.push_back({ReadStatus::success, wanted});
      // Between the look for the newest slot and the read the writer may go on: the slot then
      // holds the frame a whole ring later, or none.
      if (wanted > 0 && being_destroyed(wanted)) {
        said.push_back({ReadStatus::torn, 0});
        said.push_back({ReadStatus::success, wanted + depth_});
      }
      return;
    }
    case plan::ReadMode::history: {
      if (newest == 0) {
        said.push_back({ReadStatus::not_ready, 0});
        return;
      }
      const auto frames =
          static_cast<std::uint16_t>(std::min<std::uint64_t>(plan_->history, newest));
      said.push_back({ReadStatus::success, newest, frames});
      // Those whose slots the writer has come to since are missing from the front.
      for (std::uint16_t left = frames; left-- > 1;)
        if (being_destroyed(newest - left)) said.push_back({ReadStatus::success, newest, left});
      return;
    }
    case plan::ReadMode::next:
    case plan::ReadMode::mixed:
      break;
  }
  switch (outcome_of(newest - tail_, depth_)) {
    case Outcome::not_ready:
      // A waiting reader never reports that nothing is new.
      if (plan_->on_empty != plan::OnEmpty::wait) said.push_back({ReadStatus::not_ready, 0});
      break;
    case Outcome::success:
      said.push_back({ReadStatus::success, tail_ + 1});
      break;
    case Outcome::overwrite:
      if (plan_->on_overwrite != plan::OnOverwrite::oldest) {
        said.push_back({ReadStatus::overwrite, newest});
        break;
      }
      // The oldest still whole: one frame later if the writer has claimed its slot.
      said.push_back({ReadStatus::overwrite, newest - depth_ + 1});
      if (depth_ > 1 && being_destroyed(newest - depth_ + 1))
        said.push_back({ReadStatus::overwrite, newest - depth_ + 2});
      break;
  }
  if (newest == tail_ + depth_ && claimed > newest) {
    // At depth 1 the claimed slot is the newest frame itself: nothing is left to deliver.
    if (depth_ == 1)
      said.push_back({ReadStatus::not_ready, 0});
    else
      said.push_back({ReadStatus::overwrite,
                      plan_->on_overwrite == plan::OnOverwrite::oldest ? tail_ + 2 : newest});
  }
}

std::vector<Oracle::Said> Oracle::possible(plan::ReadMode mode, const Range& range) const {
  std::vector<Said> said;
  for (std::uint64_t w = range.lowest; w <= range.highest; ++w)
    add_possible(mode, w, range.claimed, said);
  std::sort(said.begin(), said.end());
  said.erase(std::unique(said.begin(), said.end()), said.end());
  if (mode == plan::ReadMode::next && plan_->on_empty == plan::OnEmpty::wait)
    std::erase_if(said, [](const Said& one) { return one.status == ReadStatus::not_ready; });
  return said;
}

std::string Oracle::describe(const std::vector<Said>& possible) {
  std::string text;
  for (const Said& said : possible) {
    if (!text.empty()) text += " or ";
    text += fmt::format("{}({})", shm::name_of(said.status), said.counter);
    if (said.frames > 0) text += fmt::format(" of {} frames", said.frames);
  }
  return text;
}

void Oracle::judge(const CallEvent& call, std::uint64_t index, OracleFinding& finding) {
  // A copy that was overtaken again and again says nothing of any frame; it is counted elsewhere.
  if (call.status == ReadStatus::torn && plan_->mode != plan::ReadMode::arbitrary) return;
  const bool delivered = call.status == ReadStatus::success || call.status == ReadStatus::overwrite;
  const plan::ReadMode mode = plan_->mode != plan::ReadMode::mixed ? plan_->mode
                              : call.asked_newest != 0             ? plan::ReadMode::newest
                                                                   : plan::ReadMode::next;
  const Range range = newest_during(call);
  const Said said{call.status, delivered ? call.counter : 0, call.frames};
  finding.checked += 1;

  // Almost always one frame was the newest all along, and its one answer was given.
  const bool plain = range.lowest == range.highest && mode == plan::ReadMode::next &&
                     range.lowest - tail_ - 1 < depth_ - 1U && call.status == ReadStatus::success &&
                     call.counter == tail_ + 1;
  if (!plain) {
    const std::vector<Said> allowed = possible(mode, range);
    if (allowed.size() > 1) finding.ambiguous += 1;
    if (std::find(allowed.begin(), allowed.end(), said) == allowed.end()) {
      finding.violations += 1;
      if (finding.first_violation.empty()) {
        finding.first_violating_call = index;
        finding.first_violation =
            fmt::format("call {} at {} ns: tail {}, said {}, possible {}", index, call.before,
                        tail_, describe({said}), allowed.empty() ? "nothing" : describe(allowed));
      }
    }
  }
  if (delivered && call.asked_newest == 0) tail_ = call.counter;
}

OracleFinding check_calls(const std::vector<SourceEvent>& source, const ReaderTrace& reader,
                          const plan::ReaderPlan& plan, std::uint32_t depth,
                          std::int64_t guard_ns) {
  std::vector<std::unique_ptr<SourceWindow>> epochs;
  const auto epoch = [&](std::uint32_t n) -> SourceWindow& {
    while (epochs.size() <= n) epochs.push_back(std::make_unique<SourceWindow>());
    return *epochs[n];
  };
  for (const SourceEvent& event : source) epoch(event.epoch).add(event);

  OracleFinding finding;
  std::optional<Oracle> oracle;
  std::uint32_t opened = 0;
  for (std::size_t i = 0; i < reader.calls.size(); ++i) {
    const CallEvent& call = reader.calls[i];
    if (!oracle || call.opened != opened) {
      opened = call.opened;
      const bool noted = opened < reader.summary.attachments;
      const Attachment attached = noted ? reader.summary.attached[opened]
                                        : Attachment{.first = reader.summary.first, .depth = depth};
      oracle.emplace(epoch(attached.epoch), plan, attached.depth, guard_ns, attached.first);
    }
    if (call.timing == Timing::measured) oracle->judge(call, i, finding);
  }
  return finding;
}

}  // namespace daohil::hil::judge
