#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>

#include "shm/frame.hpp"
#include "shm/read_result.hpp"
#include "shm/segment.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

/// How a reader waits. On a core that would otherwise idle, spin wakes up about 80 times sooner
/// than sleep and costs the whole core.
enum class Wait {
  sleep,  ///< futex: no CPU while waiting
  spin,   ///< poll the counter
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

  /// The frame after the last one read, copied and verified: never a mix of two frames.
  /// @param into exactly format().bytes() bytes
  /// @throws Error invalid_argument on another size
  ReadResult next(std::span<std::byte> into);
  /// The newest frame, copied and verified; the tail stays. not_ready before the first frame.
  ReadResult newest(std::span<std::byte> into);

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
  /// wait, then next; timeout after the deadline.
  ReadResult next(std::span<std::byte> into, MonotonicTime deadline, Wait how = Wait::sleep);

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
  [[nodiscard]] ReadResult newest_into(Buffer into) const;
  void check_buffer(std::span<std::byte> into) const;
  void sleep_a_slice(MonotonicTime deadline);

  Segment segment_;
  Tail tail_;
};

}  // namespace daohil::shm
