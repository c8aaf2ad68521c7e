#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::simulators {

/// A stamp makes a frame prove its own identity and wholeness, wherever its bytes end up: whoever
/// has the pixels needs neither the camera nor the stream's metadata. It replaces the first bytes
/// of the frame, whatever the pixel type:
///
///   offset  bytes  little endian
///        0      4  magic "DHST"
///        4      2  version, 1
///        6      2  bytes of the stamp, 32
///        8      8  frame number
///       16      8  CLOCK_MONOTONIC in ns when the frame was due
///       24      4  bytes of the frame, modulo 2^32
///       28      4  CRC-32C of the whole frame without these four bytes
inline constexpr std::size_t kStampBytes = 32;

/// Write the stamp into a frame whose pixels are final.
/// @param frame at least kStampBytes @param number the frame's number, counting from 1
/// @param due CLOCK_MONOTONIC @throws std::invalid_argument when the frame is too small
void stamp(std::span<std::byte> frame, std::uint64_t number, std::chrono::nanoseconds due);

enum class Verdict {
  good,      ///< whole, as stamped
  torn,      ///< a stamp, but bytes of more than one frame, or damaged ones
  no_stamp,  ///< not a stamped frame
};

struct Check {
  Verdict verdict = Verdict::no_stamp;
  /// What the stamp says: proved for good, a hint for torn, 0 for no_stamp.
  std::uint64_t number = 0;
  std::chrono::nanoseconds due{0};
};

/// Is this frame one that stamp() made? A torn frame passes with probability 2^-32. Never throws.
[[nodiscard]] Check check(std::span<const std::byte> frame);

}  // namespace daohil::simulators
