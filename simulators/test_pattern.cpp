#include "simulators/test_pattern.hpp"

#include <cstring>
#include <stdexcept>

namespace daohil::simulators {
namespace {

template <typename T>
void fill(std::span<std::byte> frame, std::size_t columns, std::uint64_t number) {
  // Powers of two, so that wrapping in 32 bits and wrapping in the range agree.
  constexpr std::uint32_t range = sizeof(T) == 1 ? 1U << 8 : 1U << 14;
  const std::size_t row_bytes = columns * sizeof(T);
  if (row_bytes == 0 || frame.size() % row_bytes != 0)
    throw std::invalid_argument("a test pattern needs a whole number of rows");

  const auto slope = static_cast<std::uint32_t>(1 + number / range);
  auto first = static_cast<std::uint32_t>(number);
  for (std::size_t at = 0; at < frame.size(); at += row_bytes) {
    first += slope;
    std::byte* row = frame.data() + at;
    for (std::size_t column = 0; column < columns; ++column) {
      const auto value = static_cast<T>((first + static_cast<std::uint32_t>(column)) & (range - 1));
      std::memcpy(row + column * sizeof(T), &value, sizeof(T));
    }
  }
}

}  // namespace

void fill_pattern(std::span<std::byte> frame, Element element, std::size_t columns,
                  std::uint64_t number) {
  switch (element) {
    case Element::int8:
      return fill<std::uint8_t>(frame, columns, number);
    case Element::int16:
      return fill<std::uint16_t>(frame, columns, number);
    case Element::int32:
      return fill<std::uint32_t>(frame, columns, number);
    case Element::int64:
      return fill<std::uint64_t>(frame, columns, number);
    case Element::float32:
      return fill<float>(frame, columns, number);
    case Element::float64:
      return fill<double>(frame, columns, number);
  }
}

}  // namespace daohil::simulators
