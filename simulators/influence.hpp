#pragma once

#include <Eigen/SparseCore>
#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "simulators/actuator_map.hpp"
#include "simulators/instruction_set.hpp"
#include "simulators/phase.hpp"

namespace daohil::simulators {

/// Where a mirror's actuator grid lies on a wavefront: its centre on the optical axis, but for the
/// shift.
struct GridPlacement {
  std::size_t side = 0;  ///< of the wavefront, samples
  double pitch = 0;      ///< from actuator to actuator, samples, > 0
  double shift_x = 0;    ///< of the grid [samples]
  double shift_y = 0;
};

/// Gaussian influence functions, coupling^(r^2 / pitch^2), r from the actuator: 1 at the actuator,
/// `coupling` at its neighbours, coupling^2 on the diagonal. The product of a function of x and one
/// of y, so a shape is two small matrix products: 15 us for 21 x 21 actuators on 160 x 160 samples.
/// What is below 1e-8 is left out.
///
/// Immutable; safe from any thread.
class GaussianInfluence {
 public:
  /// @param coupling in (0, 1); most mirrors 0.1 .. 0.5 @throws std::invalid_argument
  GaussianInfluence(const ActuatorMap& map, double coupling, const GridPlacement& placement);

  [[nodiscard]] std::size_t actuators() const { return cells_.size(); }
  [[nodiscard]] std::size_t side() const { return side_; }

  /// out += sum over actuators of height * influence; heights [m of OPD], in the map's order.
  /// @throws std::invalid_argument when sizes differ
  void add_to(Wavefront& out, std::span<const float> heights,
              InstructionSet set = widest_instruction_set()) const;

 private:
  std::size_t side_, grid_, stride_;
  std::vector<std::size_t> cells_;         // of each actuator, in the grid
  std::vector<float> across_;              // grid x stride: influence along x of each column
  std::vector<float> down_;                // side x grid: influence along y of each row
  std::vector<std::size_t> first_, last_;  // per line of samples: the rows that reach it
};

/// Any influence functions: a matrix of samples (side * side, x fastest) by actuators, whose zeros
/// cost nothing. Immutable; safe from any thread.
class MatrixInfluence {
 public:
  using Matrix = Eigen::SparseMatrix<float, Eigen::RowMajor>;

  /// @param side of the wavefront; matrix.rows() == side * side @throws std::invalid_argument
  MatrixInfluence(std::size_t side, Matrix matrix);

  [[nodiscard]] std::size_t actuators() const { return static_cast<std::size_t>(matrix_.cols()); }
  [[nodiscard]] std::size_t side() const { return side_; }
  void add_to(Wavefront& out, std::span<const float> heights,
              InstructionSet set = widest_instruction_set()) const;

 private:
  std::size_t side_;
  Matrix matrix_;
};

using Influence = std::variant<GaussianInfluence, MatrixInfluence>;

}  // namespace daohil::simulators
