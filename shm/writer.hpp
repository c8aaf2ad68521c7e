#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "shm/detail/semaphores.hpp"
#include "shm/frame.hpp"
#include "shm/publish_step.hpp"
#include "shm/segment.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

class Writer;

/// One packet of a frame that arrives in parts.
struct Packet {
  std::uint32_t first_element = 0;
  std::uint32_t elements = 0;
  std::uint16_t number = 0;  ///< 0 .. 511
  std::uint16_t of = 0;      ///< packets of the frame
  std::uint64_t frame = 0;   ///< the sender's frame number
};

/// The slot being written, from Writer::begin() to commit(). Move-only.
///
/// Dropped without commit, the slot stays marked as being written: its old frame is destroyed and
/// the new one never existed; the next begin() claims the same slot. Readers see no new frame.
class Slot {
 public:
  Slot(Slot&& other) noexcept;
  Slot& operator=(Slot&&) = delete;
  ~Slot() = default;

  /// Where the pixels go: format().bytes() bytes of shared memory. Readers may look at any time
  /// and will discard what they see.
  [[nodiscard]] std::span<std::byte> pixels() { return pixels_; }
  [[nodiscard]] std::uint32_t index() const { return index_; }
  /// The counter this frame will have.
  [[nodiscard]] Counter counter() const { return counter_; }

  /// Note in the metadata that a packet of this frame has arrived (lastPos, lastNb, packetNb,
  /// packetTotal, lastNbArray), as the reference does for cameras that send a frame in packets.
  /// The slot stays marked as being written until commit().
  /// @throws Error invalid_argument unless packet.number < 512
  void note(const Packet& packet);

  /// Publish: all steps of publication_order(). At most 100 ns when nobody waits; one system call
  /// to wake any number of sleeping readers, plus one per waiting semaphore.
  /// @param id the device's frame number, stored in cnt2
  Counter commit(FrameId id);

  /// One step of commit(), for those who must stop in between. The caller does all steps, in the
  /// order of publication_order(), each once.
  void publish(PublishStep step, FrameId id);

 private:
  friend class Writer;
  Slot(Writer& writer, std::uint32_t index, Counter counter);

  Writer* writer_;
  std::span<std::byte> pixels_;
  std::uint32_t index_;
  Counter counter_;
};

/// The one writer of a stream. Move-only; one thread at a time.
class Writer {
 public:
  /// Create the stream (replacing one that has no writer) and hold its writer lock.
  /// @param clock where the commit time comes from; must outlive the writer
  /// @throws Error as Segment::create
  static Writer create(const std::filesystem::path& path, const CreateOptions& options,
                       const Clock& clock = system_clock());

  /// Take over an existing stream after its writer has gone; counters go on. If that one died
  /// between counter and index, its last frame is whole and may have been read: the index is
  /// rolled forward to it, so that no counter is ever used twice.
  /// @throws Error busy when the stream has a writer, else as Segment::open
  static Writer attach(const std::filesystem::path& path, const Clock& clock = system_clock());

  /// Write a stream that is already open for reading and writing.
  /// @throws Error busy when the stream has another writer; permission when it is mapped read-only
  static Writer over(Segment segment, const Clock& clock = system_clock());

  /// Claim the next slot and mark it as being written. Claim late, commit soon: meanwhile the
  /// oldest frame of the ring is gone for readers.
  [[nodiscard]] Slot begin();

  /// begin, copy, commit.
  /// @param pixels exactly format().bytes() bytes
  /// @throws Error invalid_argument on another size; the stream is then untouched
  Counter write(std::span<const std::byte> pixels, FrameId id);

  /// Give the newest frame the time of now; nobody is woken. Nothing before the first frame.
  void restamp();

  /// Counter of the newest published frame; 0 before the first.
  [[nodiscard]] Counter newest() const { return newest_; }
  [[nodiscard]] const FrameFormat& format() const { return segment_.layout().format(); }
  [[nodiscard]] const Segment& segment() const { return segment_; }

  /// The order of the steps of Slot::commit, for those who take them one by one.
  [[nodiscard]] static std::span<const PublishStep> publication_order() noexcept;

 private:
  friend class Slot;
  Writer(Segment segment, const Clock& clock);

  void wake(Counter counter);
  static Writer taken_over(Segment segment, const Clock& clock);
  void agree_with_counters();
  void ring_for_predecessor();

  Segment segment_;
  detail::Semaphores semaphores_;
  const Clock* clock_;
  std::uint32_t last_written_;
  Counter newest_;
};

}  // namespace daohil::shm
