#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/camera.hpp"

namespace daohil::drivers {

/// When a fault strikes. Exactly one of frames, every, probability and at is set.
struct FaultTrigger {
  std::vector<std::uint64_t> frames{};  ///< these frames of the device, counted from 1; ascending
  std::uint64_t every = 0;              ///< each frame whose number is a multiple
  double probability = 0;               ///< each frame by chance, drawn from the seed
  std::optional<Duration> at{};         ///< from the first frame due so long after frame 1 on
  Duration span{0};                     ///< with at: frames due during it; 0: one frame
  std::uint64_t count = 0;              ///< at most so many strikes; 0: no limit
};

/// What a camera or the way from it can do to frames.
struct CameraFault {
  enum class Kind {
    drop,         ///< never arrives; its number is missing
    duplicate,    ///< arrives twice, one right after the other, under one number
    reorder,      ///< arrives after the frame behind it
    corrupt,      ///< arrives with `bits` flipped
    short_frame,  ///< arrives incomplete: the driver notices and drops it (WaitOutcome::damaged)
    id_jump,      ///< from this frame on, numbers are higher by `amount`
    jitter,       ///< arrives late by a random time, uniform in [0, delay)
    stall,        ///< the process that serves the camera stands still for `delay`
  } kind = Kind::drop;
  FaultTrigger trigger{};
  std::uint64_t amount = 1;  ///< of id_jump: by how much; of corrupt: bits
  Duration delay{0};         ///< of jitter and stall
};

/// How a device numbers its frames: the first is `first`, and numbers are modulo 2^bits.
struct FrameNumbering {
  std::uint64_t first = 1;
  unsigned bits = 64;

  /// The device's number of its k-th frame, k counted from 1.
  [[nodiscard]] FrameId of(std::uint64_t k) const { return {(first + (k - 1)) & mask()}; }
  /// Inverse of `of` for k <= 2^bits.
  [[nodiscard]] std::uint64_t ordinal(FrameId id) const {
    return ((id.value - first) & mask()) + 1;
  }
  [[nodiscard]] std::uint64_t mask() const {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  }
  [[nodiscard]] bool is_plain() const { return first == 1 && bits == 64; }
};

}  // namespace daohil::drivers
