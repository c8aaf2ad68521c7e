#include "shm/reference_reader.hpp"

#include "shm/detail/atomic.hpp"

namespace daohil::shm {

// The reference uses plain loads; relaxed is the nearest thing that is not undefined behaviour.
using detail::load;

ReferenceReader::ReferenceReader(const Segment& segment) : segment_(&segment), tail_(newest()) {}

Tail ReferenceReader::newest() const {
  const auto slot = load<std::uint32_t>(segment_->metadata(0), bytes::kFifoLastWritten,
                                        std::memory_order_relaxed) %
                    segment_->layout().depth();
  return {slot,
          {load<std::uint64_t>(segment_->metadata(slot), bytes::kCnt0, std::memory_order_relaxed)}};
}

ReadResult ReferenceReader::next() {
  const Tail last = newest();
  const Counter at_tail{
      load<std::uint64_t>(segment_->metadata(tail_.slot), bytes::kCnt0, std::memory_order_relaxed)};
  if (tail_.slot == last.slot && tail_.counter == at_tail) return {};

  const std::uint32_t slot = segment_->layout().slot_after(tail_.slot);
  const Counter counter{
      load<std::uint64_t>(segment_->metadata(slot), bytes::kCnt0, std::memory_order_relaxed)};
  ReadResult result;
  if (counter == tail_.counter + 1) {
    result.status = ReadStatus::success;
    tail_ = {slot, counter};
  } else {
    result.status = ReadStatus::overwrite;
    result.lost = last.counter.value - tail_.counter.value - 1;
    tail_ = last;
  }
  result.counter = tail_.counter;
  result.slot = tail_.slot;
  result.id = {
      load<std::uint64_t>(segment_->metadata(tail_.slot), bytes::kCnt2, std::memory_order_relaxed)};
  result.pixels = segment_->pixels(tail_.slot);
  return result;
}

}  // namespace daohil::shm
