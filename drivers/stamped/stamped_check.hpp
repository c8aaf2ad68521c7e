#pragma once

#include "drivers/camera.hpp"

namespace daohil::drivers {

/// Fill `into`, a whole frame of that format, with what StampedCamera delivers as frame `id` when
/// it is due at `due`: the moving pattern under its stamp.
void render_stamped(const FrameFormat& format, FrameId id, MonotonicTime due,
                    std::span<std::byte> into);

/// Proves frames of StampedCamera by the stamp in their first pixels (simulators/stamp.hpp).
/// For torn frames `found` is what the stamp says, unproved. Immutable.
class StampedCheck final : public ContentCheck {
 public:
  explicit StampedCheck(FrameFormat format) : format_(format) {}

  [[nodiscard]] Finding check(std::span<const std::byte> pixels, FrameId id) const override;
  [[nodiscard]] std::optional<std::uint32_t> sum(PixelSum kind, FrameId id,
                                                 MonotonicTime due) const override;

 private:
  FrameFormat format_;
};

}  // namespace daohil::drivers
