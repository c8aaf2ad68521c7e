#include "simulators/actuator_map.hpp"

#include <stdexcept>
#include <string>

namespace daohil::simulators {

namespace {

constexpr std::size_t kLargestGrid = 256;

void check_grid(std::size_t grid) {
  if (grid == 0 || grid > kLargestGrid)
    throw std::invalid_argument("actuator map: the grid has " + std::to_string(grid) +
                                " rows; 1 .. " + std::to_string(kLargestGrid));
}

}  // namespace

std::vector<std::size_t> ActuatorMap::indices() const {
  std::vector<std::size_t> indices(grid * grid, count());
  for (std::size_t i = 0; i < count(); ++i) indices[places[i].y * grid + places[i].x] = i;
  return indices;
}

std::vector<std::size_t> ActuatorMap::neighbours(std::size_t actuator) const {
  const Place here = places.at(actuator);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < count(); ++i) {
    const std::size_t dx = here.x > places[i].x ? here.x - places[i].x : places[i].x - here.x;
    const std::size_t dy = here.y > places[i].y ? here.y - places[i].y : places[i].y - here.y;
    if (dx + dy == 1) found.push_back(i);
  }
  return found;
}

ActuatorMap square_map(std::size_t grid) {
  check_grid(grid);
  ActuatorMap map{grid, {}};
  for (std::size_t y = 0; y < grid; ++y)
    for (std::size_t x = 0; x < grid; ++x) map.places.push_back({x, y});
  return map;
}

ActuatorMap map_of_rows(std::span<const std::size_t> widths) {
  check_grid(widths.size());
  ActuatorMap map{widths.size(), {}};
  for (std::size_t y = 0; y < map.grid; ++y) {
    const std::size_t width = widths[y];
    if (width > map.grid || (map.grid - width) % 2 != 0)
      throw std::invalid_argument(
          "actuator map: row " + std::to_string(y) + " has " + std::to_string(width) +
          " actuators, which cannot be centred in " + std::to_string(map.grid) +
          " columns; as many columns as rows, widths even or odd like them");
    for (std::size_t x = 0; x < width; ++x) map.places.push_back({(map.grid - width) / 2 + x, y});
  }
  if (map.places.empty())
    throw std::invalid_argument("actuator map: no row has an actuator; give one at least");
  return map;
}

}  // namespace daohil::simulators
