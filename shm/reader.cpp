// The reader's half of the protocol; the stores W0 .. W6 it pairs with stand in writer.cpp.
//
//   whole    R1  cnt0[s]  acquire, pairs with W3: pixels and stamp of that frame are visible
//            R2  write[s] acquire
//   copy     R3  pixels, unordered
//            R4  acquire fence, pairs with F (between W0 and W1 of the frame that overwrites)
//            R5  write[s] acquire, then cnt0[s]
//
// R5 in that order: a write flag that was set and cleared again (W0 .. W4 of frame k+N) is only
// seen clear together with W3, so the counter then tells.
//
// `next` decides by the counter of the slot it wants and needs the index only when that counter
// is not the one expected. A frame between W4 and W5 is thus already readable in order: it is
// whole, and a successor of a writer that dies there rolls the index forward (Writer::attach).

#include "shm/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "shm/detail/atomic.hpp"
#include "shm/detail/cpu.hpp"
#include "shm/detail/futex.hpp"
#include "shm/detail/racy_copy.hpp"
#include "shm/error.hpp"

namespace daohil::shm {
namespace {

using detail::load;
using detail::store;

// A copy is overtaken only if the writer laps the whole ring meanwhile (at depth 1: writes at
// all). After so many in a row the caller learns it instead of waiting here without bound.
constexpr int kCopyAttempts = 16;

// A writer of the reference library rings no doorbell; it is found out by the counter it leaves
// there unchanged, at most so late:
constexpr Duration kDoubt = std::chrono::milliseconds(5);
// and then polled. Also for readers that may not write the announcement.
constexpr Duration kPoll = std::chrono::microseconds(50);

// Wait::hybrid: several times what a wake-up from sleep costs.
constexpr Duration kSpin = std::chrono::microseconds(100);
// How often a watching wait makes the system calls that tell whether the writer lives.
constexpr Duration kLook = std::chrono::milliseconds(100);

}  // namespace

Reader::Reader(Segment segment) : segment_(std::move(segment)) { reset_tail(); }

Reader Reader::open(const std::filesystem::path& path) {
  return Reader(Segment::open(path, Access::read));
}

Reader Reader::over(Segment segment) { return Reader(std::move(segment)); }

void Reader::reopen() {
  Segment segment = Segment::open(segment_.path(), Access::read);
  segment_ = std::move(segment);
  semaphores_ = detail::Semaphores();
  reset_tail();
}

bool Reader::whole(std::uint32_t slot, Counter counter) const {
  const std::byte* md = segment_.metadata(slot);
  return load<std::uint64_t>(md, bytes::kCnt0, std::memory_order_acquire) == counter.value &&  // R1
         load<std::uint8_t>(md, bytes::kWrite, std::memory_order_acquire) == 0;                // R2
}

// The frame, if it is whole from the first look to the last. Stamp and pixels are read in between,
// under the sequence lock of the slot.
std::optional<ReadResult> Reader::take(ReadStatus status, Tail frame, Buffer into) const {
  if (!whole(frame.slot, frame.counter)) return std::nullopt;
  const std::byte* md = segment_.metadata(frame.slot);
  ReadResult result{.status = status, .counter = frame.counter, .slot = frame.slot};
  result.id = {load<std::uint64_t>(md, bytes::kCnt2, std::memory_order_relaxed)};
  result.time =
      UtcTime{Duration{load<std::int64_t>(md, bytes::kTimeNs, std::memory_order_relaxed)}};
  result.pixels = segment_.pixels(frame.slot);
  if (into) {
    detail::racy_copy(into->data(), result.pixels.data(), into->size());  // R3
    result.pixels = *into;
  }
  if (!intact(result)) return std::nullopt;
  return result;
}

// The slot the index names and its counter, made consistent. Our writer stores the counter before
// the index, the reference the other way round: there, for a moment, the newest index leads to a
// counter N too old. The slot before it then still holds a higher one, and that frame is the
// newest that is certainly published.
Tail Reader::newest_published() const {
  const Layout& layout = segment_.layout();
  const auto index = [&] {
    // Modulo: a hostile writer must not lead a reader out of the mapping.
    return load<std::uint32_t>(segment_.metadata(0), bytes::kFifoLastWritten,
                               std::memory_order_acquire) %
           layout.depth();
  };
  const auto counter = [&](std::uint32_t slot) {
    return load<std::uint64_t>(segment_.metadata(slot), bytes::kCnt0, std::memory_order_acquire);
  };
  Tail newest;
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    newest = {index(), {}};
    newest.counter.value = counter(newest.slot);
    if (layout.depth() == 1) return newest;
    const std::uint32_t before = layout.slot_before(newest.slot);
    const Counter previous{counter(before)};
    if (previous <= newest.counter) {
      // Nothing written yet. The reference's index may already name slot 0, frame 1 without its
      // counter; the tail that frame follows is the last slot's.
      if (newest.counter.value == 0) newest.slot = layout.depth() - 1;
      // Between W4 and W5 the frame after it is whole already, and `next` delivers it: nobody who
      // has it may be told of an older newest. So too when the ring went round between the loads.
      const Tail after{layout.slot_after(newest.slot), newest.counter + 1};
      return whole(after.slot, after.counter) ? after : newest;
    }
    // At depth 2 the slot before is also the one after: our own next frame, with its counter but
    // not yet whole. (acquire: pairs with W4)
    const bool claimed = load<std::uint8_t>(segment_.metadata(before), bytes::kWrite,
                                            std::memory_order_acquire) != 0;
    // Either the ring went round between the loads, or the counter is not there yet.
    if (index() == newest.slot && counter(newest.slot) == newest.counter.value)
      return claimed ? newest : Tail{before, previous};
  }
  return newest;
}

ReadResult Reader::next_into(Buffer into) {
  const Tail wanted{segment_.layout().slot_after(tail_.slot), tail_.counter + 1};
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    if (const auto result = take(ReadStatus::success, wanted, into)) {
      tail_ = wanted;
      return *result;
    }
    const Tail newest = newest_published();
    if (newest.counter <= tail_.counter) return {};  // not_ready
    // Since the first look the wanted frame may have been published after all, and others behind
    // it.
    if (whole(wanted.slot, wanted.counter)) continue;
    if (const ReadResult result = after_lap(wanted, newest, into); result.has_frame())
      return result;
    // At depth 1 the only slot is being rewritten: what was new is gone, what comes is not there.
    if (depth() == 1 &&
        load<std::uint8_t>(segment_.metadata(0), bytes::kWrite, std::memory_order_acquire) != 0)
      return {};
  }
  return {.status = ReadStatus::torn};
}

// The wanted frame is gone. The newest, or the first that is still whole of those before it.
ReadResult Reader::after_lap(Tail wanted, Tail newest, Buffer into) {
  Tail candidate = newest;
  if (lapped_ == Lapped::to_oldest) {
    const std::uint64_t back =
        std::min<std::uint64_t>(depth() - 1, newest.counter - wanted.counter);
    candidate = before(newest, back);
  }
  for (;; candidate = {segment_.layout().slot_after(candidate.slot), candidate.counter + 1}) {
    if (auto result = take(ReadStatus::overwrite, candidate, into)) {
      result->lost = candidate.counter - wanted.counter;
      // At depth 1 the wanted frame can become readable between the two looks.
      if (result->lost == 0) result->status = ReadStatus::success;
      lost_total_ += result->lost;
      tail_ = candidate;
      return *result;
    }
    if (candidate.counter >= newest.counter) return {};
  }
}

// The frame so many before one, `back` less than the depth.
Tail Reader::before(Tail frame, std::uint64_t back) const {
  const std::uint64_t slot = (frame.slot + std::uint64_t{depth()} - back) % depth();
  return {static_cast<std::uint32_t>(slot), Counter{frame.counter.value - back}};
}

ReadResult Reader::at_into(std::uint32_t slot, Buffer into) const {
  const std::uint32_t index = slot % depth();
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    const Counter counter{
        load<std::uint64_t>(segment_.metadata(index), bytes::kCnt0, std::memory_order_acquire)};
    if (counter.value == 0) return {};
    if (const auto result = take(ReadStatus::success, {index, counter}, into)) return *result;
    detail::relax();
  }
  return {.status = ReadStatus::torn};
}

ReadResult Reader::at(std::uint32_t slot, std::span<std::byte> into) {
  check_buffer(into);
  return at_into(slot, into);
}

ReadResult Reader::at_in_place(std::uint32_t slot) { return at_into(slot, std::nullopt); }

// Each frame has its place from the start, the newest the last; one that cannot be read whole makes
// everything older worthless. What is left is moved to the front.
History Reader::history(std::span<std::byte> into, std::uint32_t frames) {
  const std::size_t frame_bytes = format().bytes();
  if (frames < 1 || frames > depth() || into.size() != frames * frame_bytes)
    throw Error(Errc::invalid_argument,
                fmt::format("history of stream {}: {} frames into {} bytes; 1 to {} frames of {} "
                            "bytes each",
                            segment_.path().string(), frames, into.size(), depth(), frame_bytes));
  const Tail newest = newest_published();
  const std::uint64_t there = std::min<std::uint64_t>(frames, newest.counter.value);
  std::uint64_t good = 0;
  for (std::uint64_t back = there; back-- > 0;) {
    const auto place = into.subspan((there - 1 - back) * frame_bytes, frame_bytes);
    good = take(ReadStatus::success, before(newest, back), place) ? good + 1 : 0;
  }
  if (good == 0) return {};
  std::memmove(into.data(), into.data() + (there - good) * frame_bytes, good * frame_bytes);
  return {static_cast<std::uint32_t>(good), before(newest, good - 1).counter};
}

ReadResult Reader::newest_into(Buffer into) const {
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    const Tail newest = newest_published();
    if (newest.counter.value == 0) return {};
    if (const auto result = take(ReadStatus::success, newest, into)) return *result;
    detail::relax();
  }
  return {.status = ReadStatus::torn};
}

ReadResult Reader::next(std::span<std::byte> into) {
  check_buffer(into);
  return next_into(into);
}

ReadResult Reader::newest(std::span<std::byte> into) {
  check_buffer(into);
  return newest_into(into);
}

ReadResult Reader::next_in_place() { return next_into(std::nullopt); }

ReadResult Reader::newest_in_place() { return newest_into(std::nullopt); }

bool Reader::intact(const ReadResult& frame) const {
  std::atomic_thread_fence(std::memory_order_acquire);  // R4
  const std::byte* md = segment_.metadata(frame.slot);
  return load<std::uint8_t>(md, bytes::kWrite, std::memory_order_acquire) == 0 &&  // R5
         load<std::uint64_t>(md, bytes::kCnt0, std::memory_order_acquire) == frame.counter.value;
}

bool Reader::readable() const {
  if (whole(segment_.layout().slot_after(tail_.slot), tail_.counter + 1)) return true;
  const Tail newest = newest_published();
  return newest.counter > tail_.counter && whole(newest.slot, newest.counter);
}

void Reader::sleep_a_slice(MonotonicTime deadline) {
  const Clock& clock = system_clock();
  const std::byte* page = segment_.metadata(0);
  const auto rung = load<std::uint32_t>(page, bytes::kDoorbell, std::memory_order_acquire);
  std::byte* announce = segment_.announcement_page();
  const bool doorbell_works = rung == static_cast<std::uint32_t>(newest_published().counter.value);
  if (announce == nullptr || !doorbell_works) {
    clock.sleep_until(std::min(deadline, clock.now() + kPoll));
    return;
  }
  store<std::uint32_t>(announce, bytes::kSleepers, 1, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // see Writer::wake
  if (readable()) return;
  detail::futex_wait(page + bytes::kDoorbell, rung, std::min(deadline, clock.now() + kDoubt));
}

bool Reader::wait(MonotonicTime deadline, Wait how) {
  if (readable()) return true;
  const Clock& clock = system_clock();
  const MonotonicTime spin_until = clock.now() + kSpin;
  while (!readable()) {
    if (clock.now() >= deadline) return false;
    const bool spin = how == Wait::spin || (how == Wait::hybrid && clock.now() < spin_until);
    if (spin)
      detail::relax();
    else
      sleep_a_slice(deadline);
  }
  return true;
}

WriterState Reader::writer_state() const {
  if (segment_.has_writer()) return WriterState::alive;
  const std::uint64_t newest = newest_published().counter.value;
  const auto rung =
      load<std::uint32_t>(segment_.metadata(0), bytes::kDoorbell, std::memory_order_acquire);
  return newest != 0 && rung == static_cast<std::uint32_t>(newest) ? WriterState::gone
                                                                   : WriterState::unknown;
}

Awaited Reader::await(MonotonicTime deadline, Wait how) {
  const Clock& clock = system_clock();
  WriterState before = WriterState::unknown;
  for (;;) {
    const MonotonicTime look = std::min(deadline, clock.now() + kLook);
    if (wait(look, how)) return Awaited::frame;
    if (replaced()) return Awaited::replaced;
    const WriterState state = writer_state();
    // A frame may have come since; then the writer may go.
    if (readable()) return Awaited::frame;
    const bool died = before == WriterState::alive && state != WriterState::alive;
    if (died || state == WriterState::gone) return Awaited::writer_gone;
    before = state;
    if (look >= deadline) return Awaited::timeout;
  }
}

bool Reader::wait_semaphore(std::uint16_t number, MonotonicTime deadline) {
  if (number >= Layout::kSemaphores)
    throw Error(Errc::invalid_argument,
                fmt::format("wait for stream {}: semaphore {} is outside 0 to {}",
                            segment_.path().string(), number, Layout::kSemaphores - 1));
  if (semaphores_.handle(number) == nullptr && !segment_.is_private())
    semaphores_ = detail::Semaphores::open_existing(segment_.path());
  if (semaphores_.handle(number) == nullptr)
    throw Error(Errc::not_found,
                fmt::format("wait for stream {}: it has no semaphore {}; its writer makes them",
                            segment_.path().string(), number));
  return semaphores_.wait(number, deadline);
}

ReadResult Reader::next(std::span<std::byte> into, MonotonicTime deadline, Wait how) {
  check_buffer(into);
  for (;;) {
    ReadResult result = next(into);
    if (result.status != ReadStatus::not_ready) return result;
    if (!wait(deadline, how)) return {.status = ReadStatus::timeout};
  }
}

// Not a frame that is still being written (its counter can be there before it is whole): that one
// is yet to come, and as the tail it would count as read. A writer that stays in it does not keep
// us here.
Tail Reader::reset_tail() {
  for (int attempt = 0; attempt < kCopyAttempts; ++attempt) {
    tail_ = newest_published();
    if (tail_.counter.value == 0 || whole(tail_.slot, tail_.counter)) break;
    detail::relax();
  }
  return tail_;
}

void Reader::set_tail(Tail tail) { tail_ = {tail.slot % depth(), tail.counter}; }

void Reader::check_buffer(std::span<std::byte> into) const {
  if (into.size() != format().bytes())
    throw Error(
        Errc::invalid_argument,
        fmt::format("read from stream {}: the buffer has {} bytes, a frame of {} has {}",
                    segment_.path().string(), into.size(), format().str(), format().bytes()));
}

}  // namespace daohil::shm
