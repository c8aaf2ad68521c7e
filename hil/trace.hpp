#pragma once

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
#include <vector>

#include "shm/read_result.hpp"
#include "shm/shared_block.hpp"
#include "shm/time.hpp"

/// What happened in a run, event by event: the only thing that is judged. Actors write into
/// preallocated memory shared with their parent, so that a trace survives the actor.
namespace daohil::hil {

/// In virtual time each of the publication steps takes so long: enough to order events, too
/// little to matter.
inline constexpr shm::Duration kVirtualStep{1};
/// From due to published in virtual time: the five steps of shm::PublishStep.
inline constexpr shm::Duration kVirtualPublication{5 * kVirtualStep};

/// One frame published. Times are CLOCK_MONOTONIC ns (virtual ns in virtual time).
struct SourceEvent {
  std::int64_t due = 0;
  std::int64_t claimed = 0;     ///< slot taken
  std::int64_t publishing = 0;  ///< u_k: before the first publication step
  std::int64_t published = 0;   ///< v_k: after the last
  std::uint64_t counter = 0;    ///< cnt0
  std::uint64_t id = 0;         ///< device frame number
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
  Timing timing = Timing::measured;
  std::uint8_t reserved[4]{};
};
static_assert(sizeof(SourceEvent) == 48 && sizeof(CallEvent) == 56);

/// An append-only log in shared memory: one process writes, another reads after it has ended (or
/// been killed). Bounded: what does not fit is counted, not stored.
template <typename Event>
class EventLog {
  static_assert(std::is_trivially_copyable_v<Event>);

 public:
  /// @throws shm::Error no_space, std::length_error
  explicit EventLog(std::size_t capacity) : block_(bytes_for(capacity)), capacity_(capacity) {
    new (block_.data()) Header;
    block_.prefault();
  }

  void push(const Event& event) {
    Header& h = header();
    const auto n = h.count.load(std::memory_order_relaxed);
    if (n == capacity_) {
      h.dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    events()[n] = event;
    // Release: whoever sees the count sees the event, also after the writer was killed.
    h.count.store(n + 1, std::memory_order_release);
  }

  [[nodiscard]] std::vector<Event> copy() const {
    const auto n = header().count.load(std::memory_order_acquire);
    return {events(), events() + n};
  }
  [[nodiscard]] std::uint64_t dropped() const { return header().dropped.load(); }
  [[nodiscard]] std::uint64_t size() const { return header().count.load(); }

 private:
  static std::size_t bytes_for(std::size_t capacity) {
    if (capacity > std::numeric_limits<std::size_t>::max() / sizeof(Event) - 1)
      throw std::length_error("a trace of " + std::to_string(capacity) + " events");
    return sizeof(Header) + capacity * sizeof(Event);
  }

  struct Header {
    std::atomic<std::uint64_t> count{0};
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

/// What a reader found besides its calls.
struct ReaderSummary {
  std::uint64_t first = 0;          ///< counter of its tail at open
  std::uint64_t tail = 0;           ///< counter of its tail at the end
  std::uint64_t newest_at_end = 0;  ///< newest counter of the FIFO when it stopped
  char sha256[65] = {};        ///< of the pixels delivered for one pass of a recording, in order
  char last_words[4000] = {};  ///< of a program: the end of its standard error, any bytes
};

struct ReaderTrace {
  std::string name;
  ReaderSummary summary;
  std::vector<CallEvent> calls;
  std::uint64_t dropped = 0;  ///< calls that did not fit
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
  std::vector<ReaderTrace> readers;
};

/// trace.bin, little endian: "HILTRC01", u32 number of sections; per section: u32 kind (1 source,
/// 2 reader), u32 event bytes, u64 number of events, char[64] name, the events as the structures
/// above. @throws std::runtime_error naming the file
void write_trace(const std::filesystem::path& file, const Trace& trace);
Trace read_trace(const std::filesystem::path& file);

}  // namespace daohil::hil
