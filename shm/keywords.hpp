#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shm/segment.hpp"

namespace daohil::shm {

/// A named value that travels with a stream: exposure, gain. Not part of the frame protocol: who
/// reads while it is written may see parts of both.
struct Keyword {
  /// Empty: the record is unused (type 'N'). Else 'L' (integer), 'D' (real) or 'S' (text).
  using Value = std::variant<std::monostate, std::int64_t, double, std::string>;

  std::string name;       ///< at most 15 bytes
  Value value{};          ///< a text of at most 16 bytes
  std::string comment{};  ///< at most 79 bytes
};

/// All records of a stream, used or not, in their order. Hostile bytes are cut, never trusted.
[[nodiscard]] std::vector<Keyword> read_keywords(const Segment& segment);

/// Replace one record. Segment opened for reading and writing; one thread of one process at a time.
/// @param index 0 .. layout().keywords() - 1
/// @throws Error invalid_argument (index, a text too long), permission (mapped read-only)
void write_keyword(Segment& segment, std::uint16_t index, const Keyword& keyword);

/// The record of that name. @returns layout().keywords() when there is none
[[nodiscard]] std::uint16_t find_keyword(const Segment& segment, std::string_view name);

}  // namespace daohil::shm
