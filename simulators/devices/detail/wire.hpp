#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Little-endian fields of the device's messages.
namespace daohil::simulators::devices::detail {

inline void append(std::vector<std::byte>& bytes, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::byte>((value >> (8U * i)) & 0xFFU));
}

inline void put(std::span<std::byte> bytes, std::size_t at, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i)
    bytes[at + i] = static_cast<std::byte>((value >> (8U * i)) & 0xFFU);
}

inline std::uint64_t get(std::span<const std::byte> bytes, std::size_t at, unsigned size) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < size; ++i)
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8U * i);
  return value;
}

inline double get_double(std::span<const std::byte> bytes) {
  return std::bit_cast<double>(get(bytes, 0, 8));
}

}  // namespace daohil::simulators::devices::detail
