#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace daohil::drivers {

// What cameras send, made an image. Pure functions, safe from any thread, no allocation; layouts
// and their sources are described in simulators/raw_layout.hpp, which does the reverse.

/// Where the OCAM2K's raw frame (528 x 121 words) holds the pixel of this row and column (0 to 239)
/// of the image: the entry of First Light's descrambling table.
[[nodiscard]] constexpr std::size_t ocam2k_raw_index(std::size_t row, std::size_t column) noexcept {
  const std::size_t block = column / 60;
  const std::size_t within = column % 60;
  const bool upper = row < 120;
  const std::size_t raw_row = upper ? row + 1 : 240 - row;
  const std::size_t amplifier = upper ? block : 7 - block;
  const std::size_t clock = block % 2 == 0 ? 65 - within : 6 + within;
  return raw_row * 528 + clock * 8 + amplifier;
}

/// @param raw 528 x 121 words @param image 240 x 240 pixels, row-major
/// @return the camera's frame number, which counts up by one and wraps at 2^32
/// @throws std::invalid_argument for other lengths
std::uint32_t unscramble_ocam2k(std::span<const std::uint16_t> raw, std::span<std::uint16_t> image);

/// The tags in the first four pixels of a C-RED 3 image.
struct Cred3Tags {
  std::uint32_t counter = 0;
  unsigned capacitor = 0;     ///< 0: high gain, 1: medium, 2: low, 3: HDR
  unsigned frame_marker = 0;  ///< level of the marker input
};

/// Nothing if the image is no tagged one: shorter than 4 pixels, or a reserved bit is not 1.
[[nodiscard]] std::optional<Cred3Tags> read_cred3_tags(
    std::span<const std::uint16_t> image) noexcept;

}  // namespace daohil::drivers
