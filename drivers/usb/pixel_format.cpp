#include "drivers/usb/pixel_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "drivers/usb/little_endian.hpp"

namespace daohil::drivers::usb {
namespace {

using Bytes = std::span<const std::byte>;

// Codes: GenICam PFNC value list.
constexpr std::array<PixelFormat, 9> kFormats{
    {{"Mono16", 0x01100007, 16, Packing::none},
     {"Mono14", 0x01100025, 14, Packing::none},
     {"Mono12", 0x01100005, 12, Packing::none},
     {"Mono12p", 0x010C0047, 12, Packing::lsb},
     {"Mono12Packed", 0x010C0006, 12, Packing::gige_grouped},
     {"Mono10", 0x01100003, 10, Packing::none},
     {"Mono10p", 0x010A0046, 10, Packing::lsb},
     {"Mono10Packed", 0x010C0004, 10, Packing::gige_grouped},
     {"Mono8", 0x01080001, 8, Packing::none}}};

std::size_t line_bytes(const PixelFormat& format, std::size_t pixels) {
  // Two pixels of "Packed" share three bytes; a single last one takes two.
  return (pixels * format.stored_bits() + 7) / 8;
}

// The host is little endian wherever unpacked lines are copied; elsewhere they are turned.
void copy_words(Bytes from, std::span<std::byte> into) {
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(into.data(), from.data(), into.size());
  } else {
    for (std::size_t i = 0; i < into.size(); i += 2) {
      const auto value = load_le<std::uint16_t>(from, i);
      std::memcpy(&into[i], &value, sizeof value);
    }
  }
}

void put(std::span<std::byte> into, std::size_t pixel, std::uint16_t value) {
  std::memcpy(&into[2 * pixel], &value, sizeof value);
}

// A group of bits that begins and ends at a byte at once: 4 pixels of 10 bits are 5 bytes, 2 of 12
// are 3. Pixels behind the last whole group are taken bit by bit.
template <unsigned Bits, std::size_t GroupPixels>
void unpack_lsb(Bytes from, std::size_t pixels, std::span<std::byte> into) {
  constexpr std::size_t kGroupBytes = Bits * GroupPixels / 8;
  constexpr std::uint64_t kMask = (1U << Bits) - 1;
  std::size_t pixel = 0;
  for (std::size_t at = 0; pixel + GroupPixels <= pixels; at += kGroupBytes) {
    std::uint64_t group = 0;
    for (std::size_t i = 0; i < kGroupBytes; ++i)
      group |= std::to_integer<std::uint64_t>(from[at + i]) << (8 * i);
    for (std::size_t i = 0; i < GroupPixels; ++i)
      put(into, pixel++, static_cast<std::uint16_t>((group >> (Bits * i)) & kMask));
  }
  for (; pixel < pixels; ++pixel) {
    const std::size_t bit = pixel * Bits;
    const std::size_t at = bit / 8;
    const std::size_t bytes = (bit % 8 + Bits + 7) / 8;
    std::uint32_t window = 0;
    for (std::size_t i = 0; i < bytes; ++i)
      window |= std::to_integer<std::uint32_t>(from[at + i]) << (8 * i);
    put(into, pixel, static_cast<std::uint16_t>((window >> (bit % 8)) & kMask));
  }
}

// GigE Vision 2.0, appendix on pixel layout: byte 0 and 2 hold the high 8 bits, byte 1 the low
// ones: of the first pixel from bit 0 on, of the second from bit 4 on.
void unpack_grouped(unsigned bits, Bytes from, std::size_t pixels, std::span<std::byte> into) {
  const unsigned low = bits - 8;
  const unsigned mask = (1U << low) - 1;
  const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(from[at]); };
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    const std::size_t group = pixel / 2 * 3;
    const bool second = pixel % 2 == 1;
    const unsigned high = byte(group + (second ? 2 : 0));
    const unsigned shared = byte(group + 1) >> (second ? 4U : 0U);
    put(into, pixel, static_cast<std::uint16_t>(high << low | (shared & mask)));
  }
}

void unpack_run(const PixelFormat& format, Bytes from, std::size_t pixels,
                std::span<std::byte> into) {
  switch (format.packing) {
    case Packing::none:
      if (format.type() == shm::PixelType::u8)
        std::memcpy(into.data(), from.data(), pixels);
      else
        copy_words(from, into);
      return;
    case Packing::lsb:
      if (format.bits == 10)
        unpack_lsb<10, 4>(from, pixels, into);
      else
        unpack_lsb<12, 2>(from, pixels, into);
      return;
    case Packing::gige_grouped:
      unpack_grouped(format.bits, from, pixels, into);
      return;
  }
}

std::size_t pixel_bytes(const PixelFormat& format) {
  return format.type() == shm::PixelType::u8 ? 1 : 2;
}

// Width and height come from a device: they may not fit.
bool is_sane(const ImageLayout& layout) {
  constexpr std::size_t kLargest = std::size_t{1} << 32U;
  return layout.width > 0 && layout.height > 0 && layout.width < kLargest / 16 &&
         layout.height < kLargest / 16 && layout.padding_x < kLargest;
}

}  // namespace

std::span<const PixelFormat> pixel_formats() { return kFormats; }

std::optional<PixelFormat> pixel_format_of(std::uint32_t code) {
  for (const PixelFormat& format : kFormats)
    if (format.code == code) return format;
  return std::nullopt;
}

std::optional<PixelFormat> pixel_format_named(std::string_view name) {
  for (const PixelFormat& format : kFormats)
    if (format.name == name) return format;
  return std::nullopt;
}

std::size_t payload_bytes(const ImageLayout& layout) {
  if (!is_sane(layout)) return 0;
  if (layout.padding_x == 0) return line_bytes(layout.format, layout.width * layout.height);
  return (line_bytes(layout.format, layout.width) + layout.padding_x) * layout.height;
}

bool unpack(const ImageLayout& layout, Bytes payload, std::span<std::byte> frame) {
  if (!is_sane(layout)) return false;
  const std::size_t pixels = layout.width * layout.height;
  const std::size_t each = pixel_bytes(layout.format);
  if (frame.size() != pixels * each || payload.size() < payload_bytes(layout)) return false;
  if (layout.padding_x == 0) {
    unpack_run(layout.format, payload, pixels, frame);
    return true;
  }
  const std::size_t stride = line_bytes(layout.format, layout.width) + layout.padding_x;
  for (std::size_t line = 0; line < layout.height; ++line)
    unpack_run(layout.format, payload.subspan(line * stride), layout.width,
               frame.subspan(line * layout.width * each, layout.width * each));
  return true;
}

}  // namespace daohil::drivers::usb
