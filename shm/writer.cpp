// Publication. What is stored, in which order, and which load of a reader pairs with it.
//
//   begin   W0  write[s] = 1                  relaxed, then a release fence (F)
//   user    W1  pixels of slot s
//   commit  W2  time[s], cnt2[s]              relaxed
//           W3  cnt0[s] = k                   release
//           W4  write[s] = 0                  release
//           W5  fifo_last_written = s         release
//           W6  doorbell, semaphores          seq_cst fence, see Writer::wake
//
// A reader that loads cnt0[s] == k with acquire synchronises with W3 and sees pixels and stamp of
// frame k, or of a later frame. Later ones it excludes by looking again after its copy, behind an
// acquire fence (reader.cpp): had the copy met any W1 of frame k+N, then by F and that fence the
// second look sees W0 of k+N or something later; and if it sees the later W4, the acquire on it
// makes W3 = k+N visible too. So (write, cnt0) is the sequence lock of the slot.
//
// W3 before W5 is what the reference has the wrong way round: whoever follows a new index to an
// old counter believes to have been lapped and starts the ring again. W4 before W5, so that the
// newest slot is never marked as being written at the moment it becomes the newest.
//
// All of this holds on arm64: it uses no more than release/acquire pairs and the fence pair.

#include "shm/writer.hpp"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "shm/detail/atomic.hpp"
#include "shm/detail/futex.hpp"
#include "shm/detail/publication_order.hpp"
#include "shm/detail/racy_copy.hpp"
#include "shm/error.hpp"

namespace daohil::shm {

using detail::load;
using detail::store;

Slot::Slot(Writer& writer, std::uint32_t index, Counter counter)
    : writer_(&writer),
      pixels_(writer.segment_.writable_pixels(index)),
      index_(index),
      counter_(counter) {}

Slot::Slot(Slot&& other) noexcept = default;

void Slot::publish(PublishStep step, FrameId id) {
  std::byte* slot = writer_->segment_.writable_metadata(index_);
  switch (step) {
    case PublishStep::stamp:
      store<std::int64_t>(slot, bytes::kTimeNs, writer_->clock_->utc_now().count(),
                          std::memory_order_relaxed);
      store<std::uint64_t>(slot, bytes::kCnt2, id.value, std::memory_order_relaxed);
      break;
    case PublishStep::counter:
      store<std::uint64_t>(slot, bytes::kCnt0, counter_.value, std::memory_order_release);
      break;
    case PublishStep::clear_write:
      store<std::uint8_t>(slot, bytes::kWrite, 0, std::memory_order_release);
      break;
    case PublishStep::index:
      store<std::uint32_t>(writer_->segment_.writable_metadata(0), bytes::kFifoLastWritten, index_,
                           std::memory_order_release);
      writer_->last_written_ = index_;
      writer_->newest_ = counter_;
      break;
    case PublishStep::wake:
      writer_->wake(counter_);
      break;
  }
}

void Slot::note(const Packet& packet) {
  if (packet.number >= bytes::kPackets)
    throw Error(Errc::invalid_argument,
                fmt::format("write to stream {}: packet {} of a frame, the metadata hold 0 to {}",
                            writer_->segment_.path().string(), packet.number, bytes::kPackets - 1));
  std::byte* slot = writer_->segment_.writable_metadata(index_);
  const auto put = [&]<typename T>(std::size_t offset, T value) {
    store<T>(slot, offset, value, std::memory_order_relaxed);
  };
  put(bytes::kLastPos, packet.first_element);
  put(bytes::kLastNb, packet.elements);
  put(bytes::kPacketNb, static_cast<std::uint32_t>(packet.number));
  put(bytes::kPacketTotal, static_cast<std::uint32_t>(packet.of));
  put(bytes::kLastNbArray + packet.number * sizeof(std::uint64_t), packet.frame);
}

Counter Slot::commit(FrameId id) {
  for (const PublishStep step : detail::kPublicationOrder) publish(step, id);
  return counter_;
}

Writer::Writer(Segment segment, const Clock& clock)
    : segment_(std::move(segment)),
      semaphores_(segment_.is_private() ? detail::Semaphores()
                                        : detail::Semaphores::create(segment_.path())),
      clock_(&clock),
      last_written_(load<std::uint32_t>(segment_.metadata(0), bytes::kFifoLastWritten,
                                        std::memory_order_acquire)),
      newest_{load<std::uint64_t>(segment_.metadata(last_written_), bytes::kCnt0,
                                  std::memory_order_acquire)} {}

Writer Writer::create(const std::filesystem::path& path, const CreateOptions& options,
                      const Clock& clock) {
  return Writer(Segment::create(path, options), clock);
}

Writer Writer::attach(const std::filesystem::path& path, const Clock& clock) {
  Segment segment = Segment::open(path, Access::read_write);
  for (;;) {
    if (!segment.lock_for_writing())
      throw Error(
          Errc::busy,
          fmt::format("write to stream {}: another writer is alive and holds it", path.string()));
    if (!segment.replaced()) break;  // between open and lock
    segment = Segment::open(path, Access::read_write);
  }
  return taken_over(std::move(segment), clock);
}

Writer Writer::over(Segment segment, const Clock& clock) {
  if (segment.access() != Access::read_write)
    throw Error(Errc::permission, fmt::format("write to stream {}: it is open for reading only",
                                              segment.path().string()));
  if (!segment.lock_for_writing())
    throw Error(Errc::busy, fmt::format("write to stream {}: another writer is alive and holds it",
                                        segment.path().string()));
  return taken_over(std::move(segment), clock);
}

// What a predecessor left: see attach.
Writer Writer::taken_over(Segment segment, const Clock& clock) {
  Writer writer(std::move(segment), clock);
  writer.agree_with_counters();
  writer.ring_for_predecessor();

  // The predecessor died between W4 and W5: finish its publication.
  const std::uint32_t next = writer.segment_.layout().slot_after(writer.last_written_);
  const std::byte* slot = writer.segment_.metadata(next);
  const auto counter = load<std::uint64_t>(slot, bytes::kCnt0, std::memory_order_acquire);
  const auto writing = load<std::uint8_t>(slot, bytes::kWrite, std::memory_order_acquire);
  if (writing == 0 && counter == writer.newest_.value + 1) {
    Slot unfinished(writer, next, Counter{counter});
    unfinished.publish(PublishStep::index, FrameId{});
    unfinished.publish(PublishStep::wake, FrameId{});
  }
  return writer;
}

// The predecessor may have died before it rang for its last frame, or between taking the
// announcement down and ringing: who sleeps there would miss the frames to come as well. So
// whatever the flag says.
void Writer::ring_for_predecessor() {
  if (newest_.value == 0) return;
  std::byte* page = segment_.writable_metadata(0);
  store<std::uint32_t>(page, bytes::kDoorbell, static_cast<std::uint32_t>(newest_.value),
                       std::memory_order_release);
  detail::futex_wake_all(page + bytes::kDoorbell);
  semaphores_.post_all();
}

// A reference writer that died between its index and its counter left an index whose slot holds a
// frame N older, or none. Its frame has no counter, so no reader has it: step back. At depth 2 the
// same bytes mean one of ours that died before its index: the slot before holds the whole next
// frame, and stepping there is what finishes it.
void Writer::agree_with_counters() {
  const Layout& layout = segment_.layout();
  if (layout.depth() == 1) return;
  const std::uint32_t before = layout.slot_before(last_written_);
  const std::byte* md = segment_.metadata(before);
  const Counter previous{load<std::uint64_t>(md, bytes::kCnt0, std::memory_order_acquire)};
  const bool whole = load<std::uint8_t>(md, bytes::kWrite, std::memory_order_acquire) == 0;
  const bool never_written = newest_.value == 0 && last_written_ == 0;
  if (!(previous > newest_ && whole) && !(never_written && previous.value == 0)) return;
  last_written_ = before;
  newest_ = previous;
  store<std::uint32_t>(segment_.writable_metadata(0), bytes::kFifoLastWritten, before,
                       std::memory_order_release);
}

Slot Writer::begin() {
  const std::uint32_t next = segment_.layout().slot_after(last_written_);
  store<std::uint8_t>(segment_.writable_metadata(next), bytes::kWrite, 1,
                      std::memory_order_relaxed);
  // F: the mark above is visible before any pixel that the caller stores next.
  std::atomic_thread_fence(std::memory_order_release);
  return Slot(*this, next, newest_ + 1);
}

void Writer::restamp() {
  if (newest_.value == 0) return;
  store<std::int64_t>(segment_.writable_metadata(last_written_), bytes::kTimeNs,
                      clock_->utc_now().count(), std::memory_order_relaxed);
}

Counter Writer::write(std::span<const std::byte> pixels, FrameId id) {
  if (pixels.size() != format().bytes())
    throw Error(
        Errc::invalid_argument,
        fmt::format("write to stream {}: {} bytes given, a frame of {} has {}",
                    segment_.path().string(), pixels.size(), format().str(), format().bytes()));
  Slot slot = begin();
  detail::racy_fill(slot.pixels().data(), pixels.data(), pixels.size());
  return slot.commit(id);
}

// A sleeping reader and the writer agree as in Dekker's algorithm: the reader stores kSleepers,
// then looks at the counter; the writer stores the counter, then looks at kSleepers; the seq_cst
// fences between store and look guarantee that at least one of them sees the other. A flag, not a
// count: a reader that is killed in its sleep leaves it set, which costs the next publication one
// system call and nothing more.
void Writer::wake(Counter counter) {
  std::byte* page = segment_.writable_metadata(0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // The flag is taken down before the doorbell is rung: a reader that announces itself after
  // having seen the new doorbell must find its announcement still there at the next publication.
  const bool sleepers =
      load<std::uint32_t>(page, bytes::kSleepers, std::memory_order_relaxed) != 0 &&
      std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(page + bytes::kSleepers))
              .exchange(0, std::memory_order_seq_cst) != 0;
  store<std::uint32_t>(page, bytes::kDoorbell, static_cast<std::uint32_t>(counter.value),
                       std::memory_order_release);
  if (sleepers) detail::futex_wake_all(page + bytes::kDoorbell);
  semaphores_.post_all();
}

std::span<const PublishStep> Writer::publication_order() noexcept {
  return detail::kPublicationOrder;
}

}  // namespace daohil::shm
