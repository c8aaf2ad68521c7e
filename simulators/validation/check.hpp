#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace daohil::simulators::validation {

/// One number that a simulator produced beside the number that theory gives: a row of the table
/// that `tests/physics` judges and that a validation report prints.
struct Check {
  std::string name;       ///< what was measured, unique in its list: "D(1 m), x, L0 = 25 m"
  std::string reference;  ///< the formula's source: "Conan 2000"
  double expected = 0;    ///< from the formula, never from a run
  double measured = 0;
  double tolerance = 0;  ///< passes when |measured - expected| <= tolerance; same unit
  std::string unit;      ///< "rad^2", "px", "" for a ratio
  std::size_t n = 0;     ///< independent realisations behind `measured`

  /// False for a measurement that is not a number.
  [[nodiscard]] bool passes() const { return std::abs(measured - expected) <= tolerance; }
};

using Checks = std::vector<Check>;

}  // namespace daohil::simulators::validation
