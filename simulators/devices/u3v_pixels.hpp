#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace daohil::simulators::devices {

/// How the simulated camera sends pixels; names and codes of GenICam's PFNC.
struct WirePixels {
  std::string_view name;
  std::uint32_t code = 0;
  unsigned bits = 8;
  enum class Layout : std::uint8_t { bytes, words, bit_stream, shared_byte } layout = Layout::bytes;
};

[[nodiscard]] std::span<const WirePixels> wire_pixels();
/// @returns nullptr for a code that it does not have
[[nodiscard]] const WirePixels* wire_pixels_of(std::uint32_t code);

/// Bytes of so many pixels; the last byte of packed ones may be partly used.
[[nodiscard]] std::size_t wire_bytes(const WirePixels& format, std::size_t pixels);
/// @param values the low `bits` of each are sent @param into wire_bytes(format, values.size())
void pack(const WirePixels& format, std::span<const std::uint16_t> values,
          std::span<std::byte> into);

}  // namespace daohil::simulators::devices
