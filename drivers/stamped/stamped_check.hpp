#pragma once

#include "drivers/camera.hpp"

namespace daohil::drivers {

/// Proves frames of StampedCamera by the stamp in their first pixels (simulators/stamp.hpp).
/// For torn frames `found` is what the stamp says, unproved. Stateless.
class StampedCheck final : public ContentCheck {
 public:
  [[nodiscard]] Finding check(std::span<const std::byte> pixels, FrameId id) const override;
};

}  // namespace daohil::drivers
