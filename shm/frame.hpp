#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shm/time.hpp"

namespace daohil::shm {

/// Element types with DAO's codes (IMAGE_METADATA.atype).
enum class PixelType : std::uint8_t {
  u8 = 1,
  i8 = 2,
  u16 = 3,
  i16 = 4,
  u32 = 5,
  i32 = 6,
  u64 = 7,
  i64 = 8,
  f32 = 9,
  f64 = 10,
  c64 = 11,   ///< two f32: re, im
  c128 = 12,  ///< two f64: re, im
};

[[nodiscard]] bool is_pixel_type(std::uint8_t code);
/// Bytes of one element.
[[nodiscard]] std::size_t bytes_of(PixelType type);
/// "u16", "f32", ... the names used in scenario files.
[[nodiscard]] std::string_view name_of(PixelType type);
[[nodiscard]] std::optional<PixelType> pixel_type_named(std::string_view name);

/// One to three axes, slowest first: (rows, columns[, planes]) as numpy's shape in C order.
class Shape {
 public:
  static constexpr std::size_t kMaxAxes = 3;

  /// @throws Error invalid_argument unless 1 to 3 axes, each >= 1
  Shape(std::initializer_list<std::uint32_t> axes)
      : Shape(std::span<const std::uint32_t>(axes.begin(), axes.size())) {}
  explicit Shape(std::span<const std::uint32_t> axes);

  [[nodiscard]] std::size_t axes() const { return axes_; }
  [[nodiscard]] std::uint32_t operator[](std::size_t axis) const { return size_[axis]; }
  /// Product of the axes; fits 64 bits by construction of FrameFormat.
  [[nodiscard]] std::uint64_t elements() const;
  /// "240x240"
  [[nodiscard]] std::string str() const;

  bool operator==(const Shape&) const = default;

 private:
  std::array<std::uint32_t, kMaxAxes> size_{};
  std::size_t axes_ = 0;
};

/// Geometry and element type of one frame.
class FrameFormat {
 public:
  /// @throws Error invalid_argument if a frame would exceed 2^45 bytes
  FrameFormat(Shape shape, PixelType type);

  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] PixelType type() const { return type_; }
  [[nodiscard]] std::uint64_t elements() const { return shape_.elements(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// "240x240 u16"
  [[nodiscard]] std::string str() const;

  bool operator==(const FrameFormat&) const = default;

 private:
  Shape shape_;
  PixelType type_;
  std::size_t bytes_;
};

/// The FIFO's own frame counter (cnt0): 1 for the first frame after creation, contiguous.
struct Counter {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const Counter&) const = default;
  constexpr Counter operator+(std::uint64_t n) const { return {value + n}; }
  /// Frames from `other` to this one; this must not be the older.
  constexpr std::uint64_t operator-(Counter other) const { return value - other.value; }
};

/// The device's frame number (written to cnt2): gaps in it are frames the device lost,
/// which the contiguous Counter cannot show.
struct FrameId {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const FrameId&) const = default;
};

}  // namespace daohil::shm
