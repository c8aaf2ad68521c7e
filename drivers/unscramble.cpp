#include "drivers/unscramble.hpp"

#include <array>
#include <stdexcept>
#include <string>

namespace daohil::drivers {
namespace {

constexpr std::size_t kPixels = 240 * 240;
constexpr std::size_t kRawWords = 528 * 121;
constexpr std::size_t kNumberWord = 4;  // byte 8

constexpr std::array<std::uint16_t, kPixels> make_table() {
  static_assert(kRawWords <= 1 << 16);
  std::array<std::uint16_t, kPixels> table{};
  for (std::size_t row = 0; row < 240; ++row)
    for (std::size_t column = 0; column < 240; ++column)
      table[row * 240 + column] = static_cast<std::uint16_t>(ocam2k_raw_index(row, column));
  return table;
}

}  // namespace

std::uint32_t unscramble_ocam2k(std::span<const std::uint16_t> raw,
                                std::span<std::uint16_t> image) {
  static const auto kTable = make_table();
  if (raw.size() != kRawWords || image.size() != kPixels)
    throw std::invalid_argument("ocam2k: a raw frame of " + std::to_string(raw.size()) +
                                " words for an image of " + std::to_string(image.size()) +
                                " pixels; must be " + std::to_string(kRawWords) + " and " +
                                std::to_string(kPixels));
  for (std::size_t i = 0; i < kPixels; ++i) image[i] = raw[kTable[i]];
  return static_cast<std::uint32_t>(raw[kNumberWord]) |
         static_cast<std::uint32_t>(raw[kNumberWord + 1]) << 16;
}

std::optional<Cred3Tags> read_cred3_tags(std::span<const std::uint16_t> image) noexcept {
  constexpr unsigned kReserved = 0xFFF8;
  if (image.size() < 4 || (image[3] & kReserved) != kReserved) return std::nullopt;
  Cred3Tags tags;
  tags.counter = static_cast<std::uint32_t>(image[0]) | static_cast<std::uint32_t>(image[1]) << 16;
  tags.capacitor = image[3] >> 1 & 3U;
  tags.frame_marker = image[3] & 1U;
  return tags;
}

}  // namespace daohil::drivers
