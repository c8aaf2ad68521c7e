#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "shm/error.hpp"
#include "shm/frame.hpp"

namespace daohil::shm {

/// The pixel type that T is the C++ type of. Not defined for any other T.
template <typename T>
struct PixelTypeOf;
template <>
struct PixelTypeOf<std::uint8_t> {
  static constexpr auto value = PixelType::u8;
};
template <>
struct PixelTypeOf<std::int8_t> {
  static constexpr auto value = PixelType::i8;
};
template <>
struct PixelTypeOf<std::uint16_t> {
  static constexpr auto value = PixelType::u16;
};
template <>
struct PixelTypeOf<std::int16_t> {
  static constexpr auto value = PixelType::i16;
};
template <>
struct PixelTypeOf<std::uint32_t> {
  static constexpr auto value = PixelType::u32;
};
template <>
struct PixelTypeOf<std::int32_t> {
  static constexpr auto value = PixelType::i32;
};
template <>
struct PixelTypeOf<std::uint64_t> {
  static constexpr auto value = PixelType::u64;
};
template <>
struct PixelTypeOf<std::int64_t> {
  static constexpr auto value = PixelType::i64;
};
template <>
struct PixelTypeOf<float> {
  static constexpr auto value = PixelType::f32;
};
template <>
struct PixelTypeOf<double> {
  static constexpr auto value = PixelType::f64;
};
template <>
struct PixelTypeOf<std::complex<float>> {
  static constexpr auto value = PixelType::c64;
};
template <>
struct PixelTypeOf<std::complex<double>> {
  static constexpr auto value = PixelType::c128;
};

/// Pixels as numbers, in the order of memory (last axis fastest); nothing is copied.
/// @tparam T the C++ type of the stream's pixels, const for a frame that was read
/// @param pixels whole elements: one frame or several. Slots are aligned for their type, since the
///        metadata before them are a multiple of 16 bytes
/// @throws Error invalid_argument when T is another type, or the bytes are no whole elements of it
template <typename T, typename Byte>
[[nodiscard]] std::span<T> numbers(std::span<Byte> pixels, const FrameFormat& format) {
  using Number = std::remove_const_t<T>;
  static_assert(std::is_const_v<T> || !std::is_const_v<Byte>, "frames that are read are const");
  constexpr PixelType kAsked = PixelTypeOf<Number>::value;
  if (format.type() != kAsked)
    throw Error(Errc::invalid_argument, "view of " + format.str() + " as " +
                                            std::string(name_of(kAsked)) +
                                            ": another type; ask for that of the stream");
  if (pixels.size() % sizeof(T) != 0 ||
      reinterpret_cast<std::uintptr_t>(pixels.data()) % alignof(T) != 0)
    throw Error(Errc::invalid_argument, "view of " + std::to_string(pixels.size()) + " bytes as " +
                                            std::string(name_of(kAsked)) +
                                            ": not whole, aligned elements");
  return {reinterpret_cast<T*>(pixels.data()), pixels.size() / sizeof(T)};
}

}  // namespace daohil::shm
