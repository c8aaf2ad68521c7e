#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::simulators {

/// What the pattern needs to know of a pixel type: its width, and whether it is floating. Signed
/// and unsigned integers hold the same pattern; a complex pixel is two floating elements.
enum class Element { int8, int16, int32, int64, float32, float64 };

/// Fill a frame with a diagonal ramp that moves by one step a frame:
///
///   value(row, column, number) = (number + column + (row + 1) * slope) mod range
///   slope = 1 + number / range;  range = 256 for int8, else 2^14 as a 14-bit detector gives
///
/// Frames less than `range` apart differ in every pixel. The slope grows with every turn of the
/// ramp so that frames further apart, the neighbours in a slot of a deep ring, also differ in all
/// but a few rows: no tear leaves the bytes as they were. (Frames range^2 apart are equal again.)
///
/// @param columns elements of a row, >= 1; the frame is a whole number of rows
/// @throws std::invalid_argument when it is not
void fill_pattern(std::span<std::byte> frame, Element element, std::size_t columns,
                  std::uint64_t number);

}  // namespace daohil::simulators
