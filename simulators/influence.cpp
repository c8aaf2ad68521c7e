#include "simulators/influence.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "simulators/detail/separable_kernel.hpp"

namespace daohil::simulators {

namespace {

constexpr double kSmallest = 1e-8;
constexpr std::size_t kWidestVector = 16;

void check_sizes(const Wavefront& out, std::size_t side, std::size_t heights,
                 std::size_t actuators) {
  if (out.side() != side)
    throw std::invalid_argument("influence: the wavefront has a side of " +
                                std::to_string(out.side()) + " samples, the influence functions " +
                                std::to_string(side) + "; give equal ones");
  if (heights != actuators)
    throw std::invalid_argument("influence: " + std::to_string(heights) + " heights for " +
                                std::to_string(actuators) + " actuators; give one for each");
}

void check(const ActuatorMap& map, double coupling, const GridPlacement& placement) {
  if (map.count() == 0)
    throw std::invalid_argument("influence: the map has no actuator; give one at least");
  if (!(coupling > 0 && coupling < 1))
    throw std::invalid_argument("influence: coupling is " + std::to_string(coupling) +
                                "; between 0 and 1");
  if (placement.side == 0)
    throw std::invalid_argument("influence: side is 0 samples; one at least");
  if (!(placement.pitch > 0) || !std::isfinite(placement.pitch))
    throw std::invalid_argument("influence: pitch is " + std::to_string(placement.pitch) +
                                " samples; a positive number");
  if (!std::isfinite(placement.shift_x) || !std::isfinite(placement.shift_y))
    throw std::invalid_argument("influence: the shift is not a number of samples");
}

}  // namespace

GaussianInfluence::GaussianInfluence(const ActuatorMap& map, double coupling,
                                     const GridPlacement& placement)
    : side_(placement.side), grid_(map.grid), stride_(0) {
  check(map, coupling, placement);
  stride_ = (side_ + kWidestVector - 1) / kWidestVector * kWidestVector;
  for (const auto& place : map.places) cells_.push_back(place.y * grid_ + place.x);
  const auto influence = [&](std::size_t sample, std::size_t line, double shift) {
    const double from_axis = static_cast<double>(sample) - static_cast<double>(side_ - 1) / 2;
    const double actuator =
        (static_cast<double>(line) - static_cast<double>(grid_ - 1) / 2) * placement.pitch + shift;
    const double value = std::pow(coupling, std::pow((from_axis - actuator) / placement.pitch, 2));
    return value < kSmallest ? 0.0F : static_cast<float>(value);
  };
  across_.resize(grid_ * stride_);
  down_.resize(side_ * grid_);
  first_.assign(side_, grid_);
  last_.assign(side_, 0);
  for (std::size_t sample = 0; sample < side_; ++sample)
    for (std::size_t line = 0; line < grid_; ++line) {
      across_[line * stride_ + sample] = influence(sample, line, placement.shift_x);
      const float down = influence(sample, line, placement.shift_y);
      down_[sample * grid_ + line] = down;
      if (down == 0) continue;
      first_[sample] = std::min(first_[sample], line);
      last_[sample] = line + 1;
    }
}

void GaussianInfluence::add_to(Wavefront& out, std::span<const float> heights,
                               InstructionSet set) const {
  check_sizes(out, side_, heights.size(), cells_.size());
  std::vector<float> grid(grid_ * grid_);
  for (std::size_t i = 0; i < heights.size(); ++i) grid[cells_[i]] = heights[i];
  std::vector<float> lines(grid_ * stride_);
  // The same product with the roles exchanged: each row of heights combines the columns' functions.
  detail::dispatch_lanes<detail::ExpandRows>(set, across_.data(), stride_, grid.data(), grid_,
                                             lines.data());
  detail::dispatch_lanes<detail::CombineLines>(set, lines.data(), stride_, down_.data(),
                                               first_.data(), last_.data(), grid_, out.opd().data(),
                                               side_);
}

MatrixInfluence::MatrixInfluence(std::size_t side, Matrix matrix)
    : side_(side), matrix_(std::move(matrix)) {
  if (side == 0 || static_cast<std::size_t>(matrix_.rows()) != side * side || matrix_.cols() == 0)
    throw std::invalid_argument("influence: a matrix of " + std::to_string(matrix_.rows()) + " x " +
                                std::to_string(matrix_.cols()) + " for a side of " +
                                std::to_string(side) +
                                " samples; side * side rows and a column for each actuator");
  for (Eigen::Index row = 0; row < matrix_.outerSize(); ++row)
    for (Matrix::InnerIterator it(matrix_, row); it; ++it)
      if (!std::isfinite(it.value()))
        throw std::invalid_argument("influence: the matrix at sample " + std::to_string(row) +
                                    ", actuator " + std::to_string(it.col()) +
                                    " is not finite; mend the measured functions");
  matrix_.makeCompressed();
}

void MatrixInfluence::add_to(Wavefront& out, std::span<const float> heights,
                             InstructionSet /*sums have one order*/) const {
  check_sizes(out, side_, heights.size(), actuators());
  const Eigen::Map<const Eigen::VectorXf> by(heights.data(),
                                             static_cast<Eigen::Index>(heights.size()));
  Eigen::Map<Eigen::VectorXf>(out.opd().data(), matrix_.rows()) += matrix_ * by;
}

}  // namespace daohil::simulators
