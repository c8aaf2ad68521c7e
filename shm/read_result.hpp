#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "shm/frame.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

/// Outcome of one read. All are normal at frame rate; none throws.
enum class ReadStatus : std::uint8_t {
  success,    ///< the frame after the one read last
  overwrite,  ///< lapped: the newest frame, `lost` frames were skipped (DAO_OVERWRITE)
  not_ready,  ///< nothing new; no frame (DAO_NOTREADY)
  timeout,    ///< nothing new until the deadline; no frame (DAO_TIMEOUT)
  torn,       ///< lapped, and the writer kept overtaking the copy: no frame; try again
};

[[nodiscard]] constexpr std::string_view name_of(ReadStatus status) {
  switch (status) {
    case ReadStatus::success:
      return "success";
    case ReadStatus::overwrite:
      return "overwrite";
    case ReadStatus::not_ready:
      return "not_ready";
    case ReadStatus::timeout:
      return "timeout";
    case ReadStatus::torn:
      return "torn";
  }
  return "?";
}

struct ReadResult {
  ReadStatus status = ReadStatus::not_ready;
  Counter counter{};       ///< of the frame delivered
  std::uint64_t lost = 0;  ///< frames skipped between the last delivered one and this
  std::uint32_t slot = 0;
  FrameId id{};    ///< the device's frame number (cnt2)
  UtcTime time{};  ///< when the writer committed it
  /// The pixels: the caller's buffer, or the slot itself for in-place reads.
  std::span<const std::byte> pixels{};

  /// Was a frame delivered?
  [[nodiscard]] bool has_frame() const {
    return status == ReadStatus::success || status == ReadStatus::overwrite;
  }
};

}  // namespace daohil::shm
