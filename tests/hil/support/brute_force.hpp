#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

/// A ring and its reader gone through event by event, written from the rules of a call alone:
///
///   counters  the first frame is 1; frame k lies in slot (k - 1) mod N; the index wraps
///   d = w - r, w the newest counter, r the one delivered last
///   d = 0          NOTREADY
///   1 <= d <= N    SUCCESS, delivers r + 1
///   d >= N + 1     OVERWRITE, delivers w, skips d - 1
///
/// It shares no line, type or formula with the code under test. Times are plain ns.
namespace daohil::hil::test {

enum class Status { notready, success, overwrite };

/// What one call found and gave.
struct Call {
  std::int64_t time = 0;
  Status status = Status::notready;
  std::uint64_t unread = 0;   ///< d
  std::uint64_t counter = 0;  ///< delivered
  std::uint64_t skipped = 0;
  bool waited = false;
};

/// N slots, each with the counter of the frame in it.
class Ring {
 public:
  explicit Ring(std::uint64_t depth) : slots_(depth, 0) {}

  void publish() {
    index_ = (index_ + 1) % slots_.size();
    slots_[index_] = ++newest_;
  }
  /// A tail begins at the newest frame.
  void open() { tail_ = newest_; }
  [[nodiscard]] std::uint64_t newest() const { return newest_; }
  [[nodiscard]] std::uint64_t tail() const { return tail_; }

  Call next() {
    Call call;
    call.unread = newest_ - tail_;
    if (call.unread == 0) return call;
    if (call.unread <= slots_.size()) {
      call.status = Status::success;
      call.counter = tail_ + 1;
    } else {
      call.status = Status::overwrite;
      call.counter = newest_;
      call.skipped = call.unread - 1;
    }
    if (slots_[(call.counter - 1) % slots_.size()] != call.counter)
      throw std::logic_error("the frame is not where it lies");
    tail_ = call.counter;
    return call;
  }
  Call look_at_newest() {
    Call call;
    call.unread = newest_ - tail_;
    if (newest_ == 0) return call;
    call.status = Status::success;
    call.counter = newest_;
    call.skipped = call.unread > 1 ? call.unread - 1 : 0;
    tail_ = newest_;
    return call;
  }

 private:
  std::vector<std::uint64_t> slots_;
  std::uint64_t index_ = slots_.size() - 1;
  std::uint64_t newest_ = 0;
  std::uint64_t tail_ = 0;
};

enum class Asks { next, newest };

/// When the frames are there, and when the reader calls.
struct Script {
  std::vector<std::int64_t> frames{};  ///< in order; two may come at one time
  std::int64_t first_call = 0;
  std::function<std::int64_t(std::uint64_t)> gap{};   ///< after the n-th frame delivered
  std::int64_t wake = 0;                              ///< a waiting reader calls so long after
  std::int64_t late = 0;                              ///< a planned call is made so much later
  std::function<std::int64_t(std::int64_t)> awake{};  ///< when a process can act; empty: always
  std::uint64_t most_reads = ~std::uint64_t{0};
  Asks asks = Asks::next;
  std::int64_t poll = 0;    ///< asks again so long after it found nothing; 0: it waits
  std::int64_t opens = -1;  ///< its tail is the newest frame then; -1: before frame 1
  std::int64_t until = -1;  ///< no call is planned after this; -1: the last frame
};

struct Played {
  std::vector<Call> calls;  ///< that delivered
  std::uint64_t delivered = 0, overwrites = 0, lost = 0, backlog = 0, duplicates = 0;
};

/// Of two events at one time the frame comes first.
inline Played play(std::uint64_t depth, const Script& script) {
  Ring ring(depth);
  Played played;
  std::size_t out = 0;
  const auto publish_up_to = [&](std::int64_t time) {
    while (out < script.frames.size() && script.frames[out] <= time) {
      ring.publish();
      ++out;
    }
  };
  publish_up_to(script.opens);
  ring.open();
  const bool any = !script.frames.empty();
  const std::int64_t until = script.until >= 0 || !any ? script.until : script.frames.back();
  std::int64_t intended = script.awake ? script.awake(script.first_call) : script.first_call;
  while (any && intended <= until && played.delivered < script.most_reads) {
    std::int64_t now = intended + script.late;
    publish_up_to(now);
    const bool waits_for_newer = script.asks == Asks::next || script.poll == 0;
    const bool empty = ring.newest() == 0 || (waits_for_newer && ring.newest() == ring.tail() &&
                                              (script.asks == Asks::next || played.delivered > 0));
    if (empty && script.poll > 0) {
      intended = now + script.poll;
      if (script.awake) intended = script.awake(intended);
      continue;
    }
    if (empty) {
      if (out == script.frames.size()) break;
      now = script.frames[out] + script.wake;
      if (script.awake) now = script.awake(now);
      publish_up_to(now);
      intended = now;
    }
    const std::uint64_t before = ring.tail();
    Call call = script.asks == Asks::newest ? ring.look_at_newest() : ring.next();
    call.time = now;
    call.waited = empty;
    played.delivered += 1;
    played.overwrites += call.status == Status::overwrite ? 1 : 0;
    played.duplicates += call.counter == before ? 1 : 0;
    played.lost += call.skipped;
    played.calls.push_back(call);
    intended += script.gap(played.delivered);
    if (script.awake) intended = script.awake(intended);
  }
  while (out < script.frames.size()) {
    ring.publish();
    ++out;
  }
  played.backlog = ring.newest() - ring.tail();
  return played;
}

/// Frame k (from 0) of a steady source: the whole ns at or before k 10^12 / mHz.
inline std::int64_t due(std::uint64_t k, std::int64_t millihertz) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>(Wide{k} * 1'000'000'000'000ULL /
                                   static_cast<std::uint64_t>(millihertz));
}

}  // namespace daohil::hil::test
