#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "drivers/camera.hpp"

namespace daohil::drivers {

/// The sum of these bytes. Safe from any thread.
[[nodiscard]] std::uint32_t sum_of(PixelSum kind, std::span<const std::byte> bytes);

}  // namespace daohil::drivers
