#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::drivers::usb {

/// Load and store of little-endian numbers at any address, whatever the host's byte order and
/// alignment rules: bytes of a device are never cast to a structure.
/// @param at offset in `bytes`; at + sizeof(T) <= bytes.size() is the caller's duty, who has
///        compared the size with the whole structure before
template <std::unsigned_integral T>
[[nodiscard]] constexpr T load_le(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  return static_cast<T>(value);
}

template <std::unsigned_integral T>
constexpr void store_le(std::span<std::byte> bytes, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[at + i] = static_cast<std::byte>((value >> (8 * i)) & 0xFFU);
}

}  // namespace daohil::drivers::usb
