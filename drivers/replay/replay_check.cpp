#include "drivers/replay/replay_check.hpp"

#include <algorithm>

#include "drivers/pixel_sum.hpp"

namespace daohil::drivers {

ReplayCheck::ReplayCheck(const Cube& cube, AtEnd at_end)
    : frame_bytes_(cube.format.bytes()), at_end_(at_end) {
  crcs_.reserve(cube.frames);
  crc32s_.reserve(cube.frames);
  for (std::uint64_t i = 0; i < cube.frames; ++i) {
    crcs_.push_back(sum_of(PixelSum::crc32c, cube.frame(i)));
    crc32s_.push_back(sum_of(PixelSum::crc32, cube.frame(i)));
  }
}

bool ReplayCheck::played(FrameId id) const {
  return id.value >= 1 && (at_end_ == AtEnd::loop || id.value <= crcs_.size());
}

std::optional<std::uint32_t> ReplayCheck::sum(PixelSum kind, FrameId id, MonotonicTime) const {
  if (!played(id)) return std::nullopt;
  const auto& sums = kind == PixelSum::crc32c ? crcs_ : crc32s_;
  return sums[(id.value - 1) % sums.size()];
}

ContentCheck::Finding ReplayCheck::check(std::span<const std::byte> pixels, FrameId id) const {
  if (pixels.size() != frame_bytes_) return {Verdict::torn, {}};
  const std::uint32_t crc = sum_of(PixelSum::crc32c, pixels);
  const std::uint64_t frames = crcs_.size();
  if (played(id) && crcs_[(id.value - 1) % frames] == crc) return {Verdict::good, id};
  if (const auto found = nearest_id_of(crc, id)) return {Verdict::wrong_frame, *found};
  return {Verdict::torn, {}};
}

std::optional<FrameId> ReplayCheck::nearest_id_of(std::uint32_t crc, FrameId id) const {
  const std::uint64_t frames = crcs_.size();
  std::optional<FrameId> nearest;
  const auto distance = [&](std::uint64_t other) {
    return other > id.value ? other - id.value : id.value - other;
  };
  const auto offer = [&](std::uint64_t candidate) {
    if (!nearest || distance(candidate) < distance(nearest->value)) nearest = FrameId{candidate};
  };
  for (std::uint64_t i = 0; i < frames; ++i) {
    if (crcs_[i] != crc) continue;
    if (at_end_ == AtEnd::stop || id.value == 0) {
      offer(i + 1);
      continue;
    }
    // The showing of this frame in the id's own pass of the loop, and in its neighbours.
    const std::uint64_t here = (id.value - 1) / frames * frames + i + 1;
    if (here > frames) offer(here - frames);
    offer(here);
    offer(here + frames);
  }
  return nearest;
}

}  // namespace daohil::drivers
