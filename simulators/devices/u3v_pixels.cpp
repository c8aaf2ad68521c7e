#include "simulators/devices/u3v_pixels.hpp"

#include <algorithm>
#include <array>

namespace daohil::simulators::devices {
namespace {

using Layout = WirePixels::Layout;

constexpr std::array<WirePixels, 9> kFormats{{{"Mono8", 0x01080001, 8, Layout::bytes},
                                              {"Mono10", 0x01100003, 10, Layout::words},
                                              {"Mono10p", 0x010A0046, 10, Layout::bit_stream},
                                              {"Mono10Packed", 0x010C0004, 10, Layout::shared_byte},
                                              {"Mono12", 0x01100005, 12, Layout::words},
                                              {"Mono12p", 0x010C0047, 12, Layout::bit_stream},
                                              {"Mono12Packed", 0x010C0006, 12, Layout::shared_byte},
                                              {"Mono14", 0x01100025, 14, Layout::words},
                                              {"Mono16", 0x01100007, 16, Layout::words}}};

// As a shift register fills: the first pixel's lowest bit leaves first.
void pack_bit_stream(unsigned bits, std::span<const std::uint16_t> values,
                     std::span<std::byte> into) {
  std::uint32_t reservoir = 0;
  unsigned held = 0;
  std::size_t at = 0;
  for (const std::uint16_t value : values) {
    reservoir |= (value & ((1U << bits) - 1)) << held;
    for (held += bits; held >= 8; held -= 8, reservoir >>= 8U)
      into[at++] = static_cast<std::byte>(reservoir & 0xFFU);
  }
  if (held > 0) into[at] = static_cast<std::byte>(reservoir & 0xFFU);
}

void pack_shared_byte(unsigned bits, std::span<const std::uint16_t> values,
                      std::span<std::byte> into) {
  const unsigned low = bits - 8;
  std::fill(into.begin(), into.end(), std::byte{0});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t group = i / 2 * 3;
    const unsigned value = values[i] & ((1U << bits) - 1);
    into[group + (i % 2) * 2] = static_cast<std::byte>(value >> low);
    into[group + 1] |= static_cast<std::byte>((value & ((1U << low) - 1)) << (i % 2 * 4));
  }
}

}  // namespace

std::span<const WirePixels> wire_pixels() { return kFormats; }

const WirePixels* wire_pixels_of(std::uint32_t code) {
  const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                   [&](const WirePixels& format) { return format.code == code; });
  return found == kFormats.end() ? nullptr : found;
}

std::size_t wire_bytes(const WirePixels& format, std::size_t pixels) {
  switch (format.layout) {
    case Layout::bytes:
      return pixels;
    case Layout::words:
      return 2 * pixels;
    case Layout::bit_stream:
      return (pixels * format.bits + 7) / 8;
    case Layout::shared_byte:
      return pixels / 2 * 3 + pixels % 2 * 2;
  }
  return 0;
}

void pack(const WirePixels& format, std::span<const std::uint16_t> values,
          std::span<std::byte> into) {
  switch (format.layout) {
    case Layout::bytes:
      for (std::size_t i = 0; i < values.size(); ++i)
        into[i] = static_cast<std::byte>(values[i] & 0xFFU);
      return;
    case Layout::words:
      for (std::size_t i = 0; i < values.size(); ++i) {
        const unsigned value = values[i] & ((1U << format.bits) - 1);
        into[2 * i] = static_cast<std::byte>(value & 0xFFU);
        into[2 * i + 1] = static_cast<std::byte>(value >> 8U);
      }
      return;
    case Layout::bit_stream:
      return pack_bit_stream(format.bits, values, into);
    case Layout::shared_byte:
      return pack_shared_byte(format.bits, values, into);
  }
}

}  // namespace daohil::simulators::devices
