#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "shm/read_result.hpp"
#include "shm/shared_block.hpp"
#include "shm/time.hpp"

/// What happened in a run, event by event: the only thing that is judged. Actors write into
/// preallocated memory shared with their parent, so that a trace survives the actor.
namespace daohil::hil {

/// In virtual time a publication takes no time, and two frames are at least one step apart. Where
/// something happens inside of publications (plan::within_publications), each of their steps takes
/// so long: enough to order events, too little to matter.
inline constexpr shm::Duration kVirtualStep{1};
/// From due to published then: the five steps of shm::PublishStep.
inline constexpr shm::Duration kVirtualPublication{5 * kVirtualStep};

/// One frame published. Times are CLOCK_MONOTONIC ns (virtual ns in virtual time).
struct SourceEvent {
  std::int64_t due = 0;
  std::int64_t claimed = 0;     ///< slot taken
  std::int64_t publishing = 0;  ///< u_k: before the first publication step
  std::int64_t published = 0;   ///< v_k: after the last
  std::uint64_t counter = 0;    ///< cnt0
  std::uint64_t id = 0;         ///< device frame number
  std::uint32_t epoch = 0;      ///< how often the stream had been created anew
  std::uint32_t reserved = 0;
};

/// What a look at the delivered pixels showed.
enum class Content : std::uint8_t {
  unchecked = 0,  ///< the source offers no proof, or no frame was delivered
  good = 1,
  torn = 2,         ///< pixels of more than one frame
  wrong_frame = 3,  ///< a whole frame, but another than the metadata says
  discarded = 4,    ///< in place, and no longer intact after the hold: known to be lost
};

/// How the times of a call are known.
enum class Timing : std::uint8_t {
  measured = 0,  ///< by the reader itself, around the call
  /// By the bench, when it was told. Proves that the call was over at `after`, and nothing of when
  /// it began: `before` is only when the bench was told of the call before.
  arrival = 1,
};

/// One call of a reader.
struct CallEvent {
  std::int64_t intended = 0;  ///< when its lag let it call
  std::int64_t before = 0;    ///< a_j: before the attempt that gave this outcome
  std::int64_t after = 0;     ///< b_j
  std::uint64_t counter = 0;
  std::uint64_t id = 0;
  std::uint64_t lost = 0;  ///< as the library reported it
  shm::ReadStatus status = shm::ReadStatus::not_ready;
  Content content = Content::unchecked;
  std::uint8_t waited = 0;  ///< 1: it slept until the frame came
  /// How often this reader had opened a stream before: when it found its own replaced, or began
  /// again after it was killed.
  std::uint8_t opened = 0;
  Timing timing = Timing::measured;
  std::uint8_t asked_newest = 0;  ///< 1: of mode mixed, this call asked for the newest frame
  std::uint16_t frames = 0;       ///< of a history: how many, the last of which is `counter`
};
static_assert(sizeof(SourceEvent) == 56 && sizeof(CallEvent) == 56);

/// Where an actor notes what happened.
template <typename Event>
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// In the timed path: allocates nothing, locks nothing.
  virtual void push(const Event& event) = 0;
};

/// A ring in shared memory: one process writes, another takes out what is there, also after the
/// writer has ended or been killed. Bounded: what does not fit is counted, not stored.
template <typename Event>
class EventLog final : public EventSink<Event> {
  static_assert(std::is_trivially_copyable_v<Event>);

 public:
  /// @throws shm::Error no_space, std::length_error
  explicit EventLog(std::size_t capacity) : block_(bytes_for(capacity)), capacity_(capacity) {
    new (block_.data()) Header;
    block_.prefault();
  }

  void push(const Event& event) override {
    Header& h = header();
    const auto n = h.count.load(std::memory_order_relaxed);
    // Acquire: what was taken out has been copied before its place is used again.
    if (n - h.taken.load(std::memory_order_acquire) == capacity_) {
      h.dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    events()[n % capacity_] = event;
    // Release: whoever sees the count sees the event, also after the writer was killed.
    h.count.store(n + 1, std::memory_order_release);
  }

  /// Take out all that is there, in order, behind what `into` has. For one process.
  void drain(std::vector<Event>& into) {
    Header& h = header();
    const auto end = h.count.load(std::memory_order_acquire);
    auto at = h.taken.load(std::memory_order_relaxed);
    into.reserve(into.size() + (end - at));
    for (; at < end; ++at) into.push_back(events()[at % capacity_]);
    h.taken.store(end, std::memory_order_release);
  }
  /// What is there and has not been taken out.
  [[nodiscard]] std::vector<Event> copy() const {
    std::vector<Event> events_there;
    const auto end = header().count.load(std::memory_order_acquire);
    for (auto at = header().taken.load(std::memory_order_relaxed); at < end; ++at)
      events_there.push_back(events()[at % capacity_]);
    return events_there;
  }
  [[nodiscard]] std::uint64_t dropped() const { return header().dropped.load(); }
  /// All that was ever stored.
  [[nodiscard]] std::uint64_t size() const { return header().count.load(); }

 private:
  static std::size_t bytes_for(std::size_t capacity) {
    if (capacity > std::numeric_limits<std::size_t>::max() / sizeof(Event) - 1)
      throw std::length_error("a trace of " + std::to_string(capacity) + " events");
    return sizeof(Header) + capacity * sizeof(Event);
  }

  struct Header {
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> dropped{0};
  };
  [[nodiscard]] Header& header() const {
    return *std::launder(reinterpret_cast<Header*>(block_.data()));
  }
  [[nodiscard]] Event* events() const {
    return reinterpret_cast<Event*>(block_.data() + sizeof(Header));
  }

  shm::SharedBlock block_;
  std::size_t capacity_;
};

/// The same within one thread.
template <typename Event>
class EventBuffer final : public EventSink<Event> {
 public:
  void push(const Event& event) override { events_.push_back(event); }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  void clear() { events_.clear(); }

 private:
  std::vector<Event> events_;
};

/// The last events of a run: all of a short one. What goes into the evidence.
template <typename Event>
class LastEvents {
 public:
  /// At least so many are kept, at most twice as many and one portion.
  explicit LastEvents(std::size_t at_least) : at_least_(at_least) {}

  void add(std::span<const Event> events) {
    if (late_.size() >= at_least_) {
      left_out_ += early_.size();
      early_.swap(late_);
      late_.clear();
    }
    late_.insert(late_.end(), events.begin(), events.end());
  }
  /// All that is kept, in order; nothing is kept after it.
  [[nodiscard]] std::vector<Event> take() {
    early_.insert(early_.end(), late_.begin(), late_.end());
    late_ = {};
    return std::exchange(early_, {});
  }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

 private:
  std::size_t at_least_;
  std::uint64_t left_out_ = 0;
  std::vector<Event> early_;
  std::vector<Event> late_;
};

/// Of a longer run the evidence has the last events only: so many of each actor at least.
inline constexpr std::size_t kKeptEvents = 1'000'000;

/// From one opening of a stream to the next, or to the end.
struct Attachment {
  std::uint64_t first = 0;          ///< counter of its tail at open
  std::uint64_t tail = 0;           ///< counter of its tail at the end
  std::uint64_t newest_at_end = 0;  ///< newest counter of the FIFO when it stopped
  std::uint32_t depth = 0;          ///< of the ring it found
  std::uint32_t epoch = 0;          ///< which of the streams created one after the other it is
  std::uint32_t cut = 0;  ///< 1: the reader was killed or the file truncated: counters not known
  std::uint32_t reserved = 0;
};

/// What a reader found besides its calls.
struct ReaderSummary {
  static constexpr std::size_t kMostAttachments = 16;
  std::uint64_t first = 0;            ///< counter of its tail at the first open
  std::uint64_t tail = 0;             ///< counter of its tail at the end
  std::uint64_t newest_at_end = 0;    ///< newest counter of the FIFO when it stopped
  std::uint64_t stamps_backward = 0;  ///< frames with an earlier time than the one before
  std::uint32_t attachments = 0;
  std::uint32_t reserved = 0;
  Attachment attached[kMostAttachments] = {};
  char sha256[65] = {};        ///< of the pixels delivered for one pass of a recording, in order
  char last_words[4000] = {};  ///< of a program: the end of its standard error, any bytes
};

struct ReaderTrace {
  std::string name;
  ReaderSummary summary;
  std::vector<CallEvent> calls;
  std::uint64_t dropped = 0;   ///< calls that did not fit
  std::uint64_t left_out = 0;  ///< calls before those here, judged and not kept
};

/// How the actors were scheduled: whether other work of the host could push them aside.
enum class Scheduling : std::uint32_t {
  ordinary,
  realtime,  ///< SCHED_FIFO, all of them
};

/// Everything recorded of one case.
struct Trace {
  Scheduling scheduling = Scheduling::ordinary;
  std::vector<SourceEvent> source;
  std::uint64_t source_dropped = 0;
  std::uint64_t source_left_out = 0;
  std::vector<ReaderTrace> readers;
};

/// Who follows a run while it goes on. The publications up to the end of a call come before it.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void published(std::span<const SourceEvent> events) = 0;
  /// @param reader which of the case's @param summary as far as it goes
  virtual void called(std::size_t reader, std::span<const CallEvent> calls,
                      const ReaderSummary& summary) = 0;
};

/// trace.bin, little endian: "HILTRC01", u32 number of sections; per section: u32 kind (1 source,
/// 2 reader, 3 the attachments of the reader before), u32 event bytes, u64 number of events,
/// char[64] name, the events as the structures above. @throws std::runtime_error naming the file
void write_trace(const std::filesystem::path& file, const Trace& trace);
Trace read_trace(const std::filesystem::path& file);

}  // namespace daohil::hil
