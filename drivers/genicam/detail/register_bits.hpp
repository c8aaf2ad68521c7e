#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// How numbers lie in registers.
namespace daohil::drivers::genicam::detail {

enum class Endian : std::uint8_t { little, big };

/// @param bytes 1 to 8
[[nodiscard]] inline std::uint64_t load(std::span<const std::byte> bytes, Endian endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t at = endian == Endian::big ? i : bytes.size() - 1 - i;
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[at]);
  }
  return value;
}

inline void store(std::span<std::byte> bytes, Endian endian, std::uint64_t value) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t at = endian == Endian::big ? bytes.size() - 1 - i : i;
    bytes[at] = static_cast<std::byte>((value >> (8 * i)) & 0xFFU);
  }
}

/// Bits of a number, the lowest one counted as 0.
struct BitField {
  unsigned lowest = 0;
  unsigned count = 64;

  [[nodiscard]] std::uint64_t mask() const {
    return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
  }
  [[nodiscard]] std::uint64_t extract(std::uint64_t whole) const {
    return (whole >> lowest) & mask();
  }
  [[nodiscard]] std::uint64_t insert(std::uint64_t whole, std::uint64_t value) const {
    return (whole & ~(mask() << lowest)) | ((value & mask()) << lowest);
  }
  [[nodiscard]] std::int64_t with_sign(std::uint64_t value) const {
    if (count < 64 && (value >> (count - 1) & 1U) != 0) value |= ~mask();
    return static_cast<std::int64_t>(value);
  }
};

}  // namespace daohil::drivers::genicam::detail
