#include "hil/run/reader_actor.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "shm/error.hpp"

namespace daohil::hil::run {
namespace {

using shm::MonotonicTime;
using shm::ReadResult;
using shm::ReadStatus;

// How often a reader that finds nothing makes the system calls that tell whether its stream is
// still the one of that name.
constexpr shm::Duration kLook = std::chrono::milliseconds(10);
constexpr MonotonicTime kNever{shm::Duration{std::numeric_limits<std::int64_t>::max()}};
// As a deadline: a wait that only looks.
constexpr MonotonicTime kPast{};

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
                         shm::Duration period, Proof proof, std::uint64_t seed,
                         const shm::Clock& clock, EventSink<CallEvent>& log, ReaderSummary& summary,
                         std::uint32_t epoch, PathWatch watch)
    : plan_(plan),
      lag_(plan, period, seed),
      proof_(std::move(proof)),
      clock_(&clock),
      log_(&log),
      summary_(&summary),
      reader_(shm::Reader::open(stream)),
      watch_(watch),
      intended_(clock.now()) {
  opened_ = summary.attachments;
  if (opened_ > 0) summary_->attached[opened_ - 1].cut = 1;
  open_attachment();
  summary_->attached[summary_->attachments - 1].epoch = epoch;
  if (opened_ == 0) summary_->first = reader_.tail().counter.value;
}

void ReaderActor::open_attachment() {
  const std::size_t frames = plan_.mode == plan::ReadMode::history ? plan_.history : 1;
  buffer_.resize(reader_.format().bytes() * frames);
  if (plan_.rules == plan::Rules::reference) witness_.emplace(reader_.segment());
  reader_.set_lapped(plan_.on_overwrite == plan::OnOverwrite::oldest ? shm::Lapped::to_oldest
                                                                     : shm::Lapped::to_newest);
  const std::uint32_t n = std::min<std::uint32_t>(opened_, ReaderSummary::kMostAttachments - 1);
  summary_->attached[n] = {.first = reader_.tail().counter.value, .depth = reader_.depth()};
  summary_->attachments = n + 1;
}

void ReaderActor::close_attachment() {
  Attachment& attachment = summary_->attached[summary_->attachments - 1];
  attachment.tail = witness_ ? witness_->tail().counter.value : reader_.tail().counter.value;
  attachment.newest_at_end = reader_.newest_counter().value;
  // What the writer had written last is gone with the file.
  if (reader_.segment().truncated()) attachment.cut = 1;
}

void ReaderActor::look_for_successor() {
  if (watch_ == PathWatch::is_told && !path_changed_) return;
  if (!reader_.replaced()) {
    path_changed_ = false;
    return;
  }
  close_attachment();
  try {
    reader_.reopen();
  } catch (const shm::Error&) {  // it has been removed, and nothing is there yet
    return;
  }
  path_changed_ = false;
  opened_ += 1;
  const std::uint32_t epoch = summary_->attached[summary_->attachments - 1].epoch + 1;
  open_attachment();
  summary_->attached[summary_->attachments - 1].epoch = epoch;
  waiting_ = false;
}

void ReaderActor::start_over() {
  close_attachment();
  Attachment& before = summary_->attached[summary_->attachments - 1];
  before.cut = 1;
  const std::uint32_t epoch = before.epoch;
  // A new process opens what the path names now.
  const std::uint32_t successors = reader_.replaced() ? 1 : 0;
  reader_.reopen();
  opened_ += 1;
  open_attachment();
  summary_->attached[summary_->attachments - 1].epoch = epoch + successors;
  waiting_ = false;
  intended_ = clock_->now();
}

bool ReaderActor::enough_unread() const {
  const auto wanted = lag_.unread_at(calls_);
  return !wanted || reader_.newest_counter() - reader_.tail().counter >= *wanted;
}

MonotonicTime ReaderActor::awake(MonotonicTime now) const {
  return start_ + lag_.when_running(now - start_);
}

void ReaderActor::wait(MonotonicTime deadline) {
  if (plan_.semaphore)
    reader_.wait_semaphore(*plan_.semaphore, deadline);
  else
    reader_.wait(deadline, plan_.waiting);
}

bool ReaderActor::is_woken() {
  return !plan_.semaphore || reader_.wait_semaphore(*plan_.semaphore, kPast);
}

bool ReaderActor::waits_in_vain() {
  const bool in_order = plan_.on_empty == plan::OnEmpty::wait && !takes_what_there_is() &&
                        !asks_newest() && !witness_;
  return in_order && !plan_.semaphore && !reader_.wait(kPast, plan_.waiting);
}

ReadResult ReaderActor::call_history() {
  const shm::History history = reader_.history(buffer_, plan_.history);
  history_frames_ = history.frames;
  if (history.frames == 0) return {};
  ReadResult result{.status = ReadStatus::success};
  result.counter = history.first + (history.frames - 1);
  const std::size_t bytes = reader_.format().bytes();
  result.pixels = std::span(buffer_).subspan((history.frames - 1) * bytes, bytes);
  return result;
}

ReadResult ReaderActor::call_library() {
  if (witness_) return witness_->next();
  const bool copy = plan_.copying == plan::Copying::copy;
  switch (plan_.mode) {
    case plan::ReadMode::next:
      return copy ? reader_.next(buffer_) : reader_.next_in_place();
    case plan::ReadMode::newest:
      return copy ? reader_.newest(buffer_) : reader_.newest_in_place();
    case plan::ReadMode::history:
      return call_history();
    case plan::ReadMode::mixed:
      if (asks_newest()) return copy ? reader_.newest(buffer_) : reader_.newest_in_place();
      return copy ? reader_.next(buffer_) : reader_.next_in_place();
    case plan::ReadMode::arbitrary:
      break;
  }
  const std::uint32_t depth = reader_.depth();
  const std::uint32_t slot =
      (reader_.newest_published().slot + depth - plan_.index_lag % depth) % depth;
  return copy ? reader_.at(slot, buffer_) : reader_.at_in_place(slot);
}

ReaderActor::Turn ReaderActor::attempt() {
  const MonotonicTime before = clock_->now();
  ReadResult result = waits_in_vain() ? ReadResult{} : call_library();
  const MonotonicTime after = clock_->now();

  event_ = CallEvent{};
  event_.intended = intended_.count();
  event_.before = before.count();
  event_.after = after.count();
  event_.waited = waiting_ ? 1 : 0;
  event_.asked_newest = asks_newest() ? 1 : 0;

  // Who waits, waits for a frame it has not had, also where the call itself would give the old one
  // again and again.
  if (result.has_frame() && takes_what_there_is() && plan_.on_empty == plan::OnEmpty::wait) {
    if (result.counter <= reader_.tail().counter && delivered_ > 0)
      result = {};
    else
      reader_.reset_tail();
  }
  if (result.status == ReadStatus::not_ready) {
    if (before - looked_ >= kLook) {
      looked_ = before;
      look_for_successor();
    }
    if (plan_.on_empty == plan::OnEmpty::wait) {
      waiting_ = true;
      return Turn::empty;
    }
    record(result, Content::unchecked);
    intended_ = awake(std::max(intended_, before) + *lag_.poll());
    return Turn::empty;
  }

  const bool in_place = plan_.copying == plan::Copying::in_place && !witness_;
  if (in_place && result.has_frame() && plan_.hold.count() > 0) {
    held_ = result;
    hold_end_ = after + plan_.hold;
    return Turn::holding;
  }
  const bool history = plan_.mode == plan::ReadMode::history;
  record(result, history ? look_at_history(history_frames_) : look_at(result));
  if (result.status == ReadStatus::overwrite) {
    if (plan_.on_overwrite == plan::OnOverwrite::reset) reader_.reset_tail();
    if (plan_.on_overwrite == plan::OnOverwrite::stop) {
      intended_ = kNever;
      return Turn::finished;
    }
  }
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

// Whole, and each sent after the one before it.
Content ReaderActor::look_at_history(std::uint32_t frames) const {
  if (!proof_.content || frames == 0) return Content::unchecked;
  const std::size_t bytes = reader_.format().bytes();
  std::uint64_t previous = 0;
  for (std::uint32_t i = 0; i < frames; ++i) {
    const auto finding =
        proof_.content->check(std::span(buffer_).subspan(i * bytes, bytes), shm::FrameId{});
    if (finding.verdict == drivers::ContentCheck::Verdict::torn) return Content::torn;
    if (i > 0 && finding.found.value <= previous) return Content::wrong_frame;
    previous = finding.found.value;
  }
  return Content::good;
}

void ReaderActor::record(const ReadResult& result, Content content) {
  event_.status = result.status;
  event_.counter = result.counter.value;
  event_.id = result.id.value;
  event_.lost = result.lost;
  event_.content = content;
  event_.opened = static_cast<std::uint8_t>(opened_);
  event_.frames =
      static_cast<std::uint16_t>(plan_.mode == plan::ReadMode::history ? history_frames_ : 0);
  log_->push(event_);
  calls_ += 1;
  if (result.has_frame()) {
    if (result.time < newest_stamp_) summary_->stamps_backward += 1;
    newest_stamp_ = std::max(newest_stamp_, result.time);
    delivered_ += 1;
    if (result.id.value <= proof_.digest_frames) digest_.add(result.pixels);
  }
}

void ReaderActor::plan_next_call() {
  const MonotonicTime from = waiting_ ? MonotonicTime{shm::Duration{event_.after}} : intended_;
  waiting_ = false;
  intended_ = awake(from + lag_.gap_after(delivered_));
}

void ReaderActor::finish() {
  close_attachment();
  const Attachment& last = summary_->attached[summary_->attachments - 1];
  summary_->tail = last.tail;
  summary_->newest_at_end = last.newest_at_end;
  if (proof_.digest_frames > 0) {
    const std::string hex = digest_.hex();
    std::memcpy(summary_->sha256, hex.data(), std::min(hex.size(), sizeof summary_->sha256 - 1));
  }
}

}  // namespace daohil::hil::run
