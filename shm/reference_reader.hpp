#pragma once

#include "shm/read_result.hpp"
#include "shm/reader.hpp"
#include "shm/segment.hpp"

namespace daohil::shm {

/// A reader by the rules of the reference library (daoShmGetNextSegment): it follows the index,
/// compares counters, looks at no write flag and verifies nothing.
///
/// Not for work: a witness. Programs that follow these rules read our streams, so our order of
/// publication must never mislead one; looking with it between any two publication steps shows
/// whether it does. Our own Reader would not notice, it survives a misordered writer.
class ReferenceReader {
 public:
  explicit ReferenceReader(const Segment& segment);

  /// The outcome by the reference's rules; `pixels` is the slot, nothing is copied.
  ReadResult next();
  [[nodiscard]] Tail tail() const { return tail_; }

 private:
  [[nodiscard]] Tail newest() const;

  const Segment* segment_;
  Tail tail_;
};

}  // namespace daohil::shm
