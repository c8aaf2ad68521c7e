#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace daohil::simulators {

/// Where the actuators of a mirror stand on a square grid; their order is the order of a command.
/// A plain value. Concurrent reads are safe.
struct ActuatorMap {
  struct Place {
    std::size_t x = 0, y = 0;  ///< column and row, < grid
    bool operator==(const Place&) const = default;
  };

  std::size_t grid = 0;  ///< places along x and along y
  std::vector<Place> places;

  [[nodiscard]] std::size_t count() const { return places.size(); }

  /// grid * grid: index of the actuator at [y * grid + x], or count() where there is none.
  [[nodiscard]] std::vector<std::size_t> indices() const;

  /// The actuators up to one row or column away, not diagonally.
  [[nodiscard]] std::vector<std::size_t> neighbours(std::size_t actuator) const;
};

/// All places of a square, row by row. @param grid 1 .. 256 @throws std::invalid_argument
[[nodiscard]] ActuatorMap square_map(std::size_t grid);

/// Rows of so many actuators, each centred, from row 0 on, x fastest: most round mirrors' maps, as
/// catalogues give them. @throws std::invalid_argument when a row is longer than there are rows, or
/// cannot be centred
[[nodiscard]] ActuatorMap map_of_rows(std::span<const std::size_t> widths);

}  // namespace daohil::simulators
