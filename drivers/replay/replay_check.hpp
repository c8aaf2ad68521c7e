#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drivers/camera.hpp"
#include "drivers/replay/cube.hpp"

namespace daohil::drivers {

/// Proves replayed frames against the CRC-32C of every frame of the recording; keeps sums and not
/// the pixels. Frame id k is frame (k - 1) mod n of the recording; when the recording is played
/// once, ids beyond n are nobody's. A damaged frame passes with probability 2^-32.
class ReplayCheck final : public ContentCheck {
 public:
  ReplayCheck(const Cube& cube, AtEnd at_end);

  /// For wrong_frame `found` is, of the ids that show these pixels, the one nearest to `id`.
  [[nodiscard]] Finding check(std::span<const std::byte> pixels, FrameId id) const override;
  [[nodiscard]] std::optional<std::uint32_t> sum(PixelSum kind, FrameId id,
                                                 MonotonicTime due) const override;

 private:
  [[nodiscard]] bool played(FrameId id) const;
  [[nodiscard]] std::optional<FrameId> nearest_id_of(std::uint32_t crc, FrameId id) const;

  std::size_t frame_bytes_;
  AtEnd at_end_;
  std::vector<std::uint32_t> crcs_;    // CRC-32C
  std::vector<std::uint32_t> crc32s_;  // for programs that report that one
};

}  // namespace daohil::drivers
