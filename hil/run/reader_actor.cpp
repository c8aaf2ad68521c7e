#include "hil/run/reader_actor.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace daohil::hil::run {
namespace {

using shm::MonotonicTime;
using shm::ReadResult;
using shm::ReadStatus;

// A polling reader without spacing would stand still in virtual time.
constexpr shm::Duration kShortestPoll = std::chrono::microseconds(1);

Content content_of(drivers::ContentCheck::Verdict verdict) {
  switch (verdict) {
    case drivers::ContentCheck::Verdict::good:
      return Content::good;
    case drivers::ContentCheck::Verdict::torn:
      return Content::torn;
    case drivers::ContentCheck::Verdict::wrong_frame:
      return Content::wrong_frame;
  }
  return Content::torn;
}

}  // namespace

ReaderActor::ReaderActor(const plan::ReaderPlan& plan, const std::filesystem::path& stream,
                         shm::Duration period, Proof proof, const shm::Clock& clock,
                         EventLog<CallEvent>& log, ReaderSummary& summary)
    : plan_(plan),
      lag_(plan, period),
      proof_(std::move(proof)),
      clock_(&clock),
      log_(&log),
      summary_(&summary),
      reader_(shm::Reader::open(stream)),
      buffer_(reader_.format().bytes()),
      intended_(clock.now()) {
  if (plan_.rules == plan::Rules::reference) witness_.emplace(reader_.segment());
  summary_->first = reader_.tail().counter.value;
}

bool ReaderActor::enough_unread() const {
  const auto wanted = lag_.unread_at(calls_);
  return !wanted || reader_.newest_counter() - reader_.tail().counter >= *wanted;
}

ReadResult ReaderActor::call_library() {
  if (witness_) return witness_->next();
  const bool next = plan_.mode == plan::ReadMode::next;
  if (plan_.copying == plan::Copying::copy)
    return next ? reader_.next(buffer_) : reader_.newest(buffer_);
  return next ? reader_.next_in_place() : reader_.newest_in_place();
}

ReaderActor::Turn ReaderActor::attempt() {
  const MonotonicTime before = clock_->now();
  const ReadResult result = call_library();
  const MonotonicTime after = clock_->now();

  event_ = CallEvent{};
  event_.intended = intended_.count();
  event_.before = before.count();
  event_.after = after.count();
  event_.waited = waiting_ ? 1 : 0;

  if (result.status == ReadStatus::not_ready) {
    if (plan_.on_empty == plan::OnEmpty::wait) {
      waiting_ = true;
      return Turn::empty;
    }
    record(result, Content::unchecked);
    intended_ = std::max(intended_, before) + std::max(plan_.poll, kShortestPoll);
    return Turn::empty;
  }

  const bool in_place = plan_.copying == plan::Copying::in_place && !witness_;
  if (in_place && result.has_frame() && plan_.hold.count() > 0) {
    held_ = result;
    hold_end_ = after + plan_.hold;
    return Turn::holding;
  }
  record(result, look_at(result));
  plan_next_call();
  return Turn::delivered;
}

void ReaderActor::release() {
  // The pixels are used up to the end of the hold, and only then is asked whether they were good.
  const Content content = look_at(held_);
  record(held_, reader_.intact(held_) ? content : Content::discarded);
  plan_next_call();
}

Content ReaderActor::look_at(const ReadResult& frame) const {
  // The witness holds no lock on what it sees: its counters are judged, not its pixels.
  if (!proof_.content || !frame.has_frame() || witness_) return Content::unchecked;
  return content_of(proof_.content->check(frame.pixels, frame.id).verdict);
}

void ReaderActor::record(const ReadResult& result, Content content) {
  event_.status = result.status;
  event_.counter = result.counter.value;
  event_.id = result.id.value;
  event_.lost = result.lost;
  event_.content = content;
  log_->push(event_);
  calls_ += 1;
  if (result.has_frame()) {
    delivered_ += 1;
    if (result.id.value <= proof_.digest_frames) digest_.add(result.pixels);
  }
}

void ReaderActor::plan_next_call() {
  const MonotonicTime from = waiting_ ? MonotonicTime{shm::Duration{event_.after}} : intended_;
  waiting_ = false;
  intended_ = from + lag_.gap_after(delivered_);
}

void ReaderActor::finish() {
  summary_->tail = witness_ ? witness_->tail().counter.value : reader_.tail().counter.value;
  summary_->newest_at_end = reader_.newest_counter().value;
  if (proof_.digest_frames > 0) {
    const std::string hex = digest_.hex();
    std::memcpy(summary_->sha256, hex.data(), std::min(hex.size(), sizeof summary_->sha256 - 1));
  }
}

}  // namespace daohil::hil::run
