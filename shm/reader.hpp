#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "shm/detail/semaphores.hpp"
#include "shm/frame.hpp"
#include "shm/read_result.hpp"
#include "shm/segment.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

/// How a reader waits. On a core that would otherwise idle, spin wakes up about 80 times sooner
/// than sleep and costs the whole core.
enum class Wait {
  sleep,   ///< futex: no CPU while waiting
  spin,    ///< poll the counter
  hybrid,  ///< spin for 100 us, then sleep: for a frame that is expected at any moment
};

/// Where `next` goes on when it was lapped.
enum class Lapped {
  to_newest,  ///< as the reference: one fresh frame, all others are given up
  to_oldest,  ///< the oldest frame still whole: fewest lost, but stale, and soon lapped again
};

/// What ended a wait.
enum class Awaited {
  frame,        ///< `next` has something to say
  timeout,      ///< the deadline
  replaced,     ///< the path has been given to another stream, or removed: open again
  writer_gone,  ///< the writer has closed the stream or died; another may take it over
};

/// What can be known of the writer. One of the reference library takes no lock and is never seen.
enum class WriterState {
  alive,    ///< some process holds the writer lock
  gone,     ///< nobody holds it, and the newest frame came from a writer that did
  unknown,  ///< nothing published yet, or by a writer of the reference library
};

/// What a history read gave: frames first .. first + frames - 1.
struct History {
  std::uint32_t frames = 0;  ///< 0: nothing published, or the ring ran over everything asked for
  Counter first{};
};

/// The private tail of a reader: the frame it read last.
struct Tail {
  std::uint32_t slot = 0;
  Counter counter;
};

/// One of any number of independent readers of a stream. Maps it read-only, never disturbs the
/// writer or other readers. Move-only; one thread at a time.
///
/// With w the newest counter, r the one read last and N the depth, `next` gives
///   w - r = 0       not_ready
///   1 .. N          success, frame r + 1
///   N + 1 ..        overwrite, frame w, lost = w - r - 1
/// At w - r = N frame r + 1 lies in the slot the writer fills next. Once the writer has claimed
/// it the frame is gone, and `next` says overwrite already then (lost = N - 1), where a reader
/// that trusts the counter alone would return a torn frame as good.
class Reader {
 public:
  /// The tail starts at the newest frame: a late reader begins with "nothing new".
  /// @throws Error as Segment::open
  static Reader open(const std::filesystem::path& path);
  /// Read a stream that is already open.
  static Reader over(Segment segment);

  /// The frame after the last one read, copied and verified: never a mix of two frames.
  /// @param into exactly format().bytes() bytes
  /// @throws Error invalid_argument on another size
  ReadResult next(std::span<std::byte> into);
  /// The newest frame, copied and verified; the tail stays. not_ready before the first frame.
  ReadResult newest(std::span<std::byte> into);

  /// What a slot holds at the moment, whatever that is. The tail stays. not_ready when it was never
  /// written; torn when it is being written.
  /// @param slot taken modulo the depth
  ReadResult at(std::uint32_t slot, std::span<std::byte> into);
  ReadResult at_in_place(std::uint32_t slot);
  /// The newest frames, oldest first, copied and verified one by one: consecutive counters up to
  /// the frame that was newest when the call began. Fewer than asked for when fewer were written,
  /// or when the writer came round during the copy. The tail stays.
  /// @param into frames * format().bytes() bytes; filled from the start
  /// @param frames 1 .. depth(). At `depth` the oldest is in the slot the writer fills next.
  /// @throws Error invalid_argument
  History history(std::span<std::byte> into, std::uint32_t frames);

  /// As next and newest without the copy: `pixels` is the slot itself. Whole at the return, it
  /// stays so until the writer comes round: within N - 1 frames; look at intact() after use.
  ReadResult next_in_place();
  ReadResult newest_in_place();
  /// Is the frame of an in-place read still the one delivered? False means that everything taken
  /// from it must be thrown away.
  [[nodiscard]] bool intact(const ReadResult& frame) const;

  /// Wait until `next` has something to say, at most until the deadline.
  /// @returns false on the deadline
  /// A signal does not end the wait early: use short deadlines where something else must be seen.
  bool wait(MonotonicTime deadline, Wait how = Wait::sleep);
  /// The same, looking up every 100 ms whether there is still something to wait for. writer_gone is
  /// said of a writer that was alive during this call, or is gone when it begins.
  Awaited await(MonotonicTime deadline, Wait how = Wait::sleep);
  /// Wait for one of the stream's POSIX semaphores, as readers of the reference do. A post wakes
  /// one reader only: each needs a number of its own. Streams whose file names agree to the first
  /// dot, and a stream created anew under this path, post the same semaphores: a wake-up after
  /// which `next` has nothing may be theirs; see replaced().
  /// @param number 0 .. 9 @returns false on the deadline
  /// @throws Error invalid_argument, not_found (no such semaphore)
  bool wait_semaphore(std::uint16_t number, MonotonicTime deadline);
  /// wait, then next; timeout after the deadline.
  ReadResult next(std::span<std::byte> into, MonotonicTime deadline, Wait how = Wait::sleep);

  void set_lapped(Lapped policy) { lapped_ = policy; }
  /// Frames that `next` has skipped since this reader was opened.
  [[nodiscard]] std::uint64_t lost_total() const { return lost_total_; }

  [[nodiscard]] WriterState writer_state() const;
  /// Has the path been given to another file, or removed? A system call.
  [[nodiscard]] bool replaced() const { return segment_.replaced(); }
  /// Open what the path names now. The tail is at its newest frame, lost_total() goes on.
  /// @throws Error as open; this reader is then unchanged
  void reopen();

  /// Continue with what comes after the present newest frame.
  Tail reset_tail();
  [[nodiscard]] Tail tail() const { return tail_; }
  /// For adapters that keep the tail themselves (the C interface). A slot beyond the depth is
  /// taken modulo the depth.
  void set_tail(Tail tail);

  /// Counter of the newest published frame.
  [[nodiscard]] Counter newest_counter() const { return newest_published().counter; }
  /// Newest frame and its slot.
  [[nodiscard]] Tail newest_published() const;

  [[nodiscard]] const FrameFormat& format() const { return segment_.layout().format(); }
  [[nodiscard]] std::uint32_t depth() const { return segment_.layout().depth(); }
  [[nodiscard]] const Segment& segment() const { return segment_; }

 private:
  explicit Reader(Segment segment);

  // An in-place read takes no copy: it passes no buffer.
  using Buffer = std::optional<std::span<std::byte>>;

  [[nodiscard]] bool whole(std::uint32_t slot, Counter counter) const;
  [[nodiscard]] bool readable() const;
  [[nodiscard]] std::optional<ReadResult> take(ReadStatus status, Tail frame, Buffer into) const;
  ReadResult next_into(Buffer into);
  [[nodiscard]] Tail before(Tail frame, std::uint64_t back) const;
  ReadResult after_lap(Tail wanted, Tail newest, Buffer into);
  [[nodiscard]] ReadResult newest_into(Buffer into) const;
  [[nodiscard]] ReadResult at_into(std::uint32_t slot, Buffer into) const;
  void check_buffer(std::span<std::byte> into) const;
  void sleep_a_slice(MonotonicTime deadline);

  Segment segment_;
  detail::Semaphores semaphores_;  // opened at the first wait for one
  Tail tail_;
  Lapped lapped_ = Lapped::to_newest;
  std::uint64_t lost_total_ = 0;
};

}  // namespace daohil::shm
