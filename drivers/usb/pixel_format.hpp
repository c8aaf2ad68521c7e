#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shm/frame.hpp"

namespace daohil::drivers::usb {

/// How pixels lie in the payload.
enum class Packing : std::uint8_t {
  none,          ///< one pixel in one or two bytes, the value in the low bits
  lsb,           ///< PFNC "p": one stream of bits, least significant first
  gige_grouped,  ///< "Packed" of GigE Vision: 2 pixels in 3 bytes, high bits in bytes 0 and 2
};

/// A grey pixel format by its name and code in the GenICam Pixel Format Naming Convention.
struct PixelFormat {
  std::string_view name;
  std::uint32_t code = 0;
  unsigned bits = 8;  ///< significant ones
  Packing packing = Packing::none;

  /// In the payload; PFNC codes state it in bits 16 to 23.
  [[nodiscard]] constexpr unsigned stored_bits() const { return (code >> 16U) & 0xFFU; }
  /// In a stream: u8 for 8 bits, u16 for more.
  [[nodiscard]] constexpr shm::PixelType type() const {
    return bits <= 8 ? shm::PixelType::u8 : shm::PixelType::u16;
  }
};

/// All that can be streamed, those with most bits first, of these the unpacked one first.
[[nodiscard]] std::span<const PixelFormat> pixel_formats();
[[nodiscard]] std::optional<PixelFormat> pixel_format_of(std::uint32_t code);
[[nodiscard]] std::optional<PixelFormat> pixel_format_named(std::string_view name);

/// The pixels of one payload.
struct ImageLayout {
  PixelFormat format;
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t padding_x = 0;  ///< bytes behind each line
};

/// Bytes that the layout takes. Lines of packed formats follow each other without a gap, in the
/// middle of a byte too, unless there is padding: then each begins at a byte of its own.
[[nodiscard]] std::size_t payload_bytes(const ImageLayout& layout);

/// Pixels of a payload into a frame of a stream, in one pass; 16-bit values right-aligned.
/// @param payload at least payload_bytes(layout) @param frame exactly width * height of type()
/// @returns whether the sizes fit; nothing is written if not
[[nodiscard]] bool unpack(const ImageLayout& layout, std::span<const std::byte> payload,
                          std::span<std::byte> frame);

}  // namespace daohil::drivers::usb
