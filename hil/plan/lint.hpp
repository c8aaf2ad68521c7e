#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "hil/plan/problem.hpp"

namespace daohil::hil::plan {

struct LintOptions {
  /// What scenarios are bound to; empty: the default bench of each.
  std::vector<std::filesystem::path> benches;
  /// For a scenario that has no default bench; empty: that is a problem.
  std::filesystem::path spare_bench;
};

struct LintReport {
  std::size_t files = 0;          ///< looked at
  std::vector<Problem> problems;  ///< of all of them; empty: clean
};

/// Everything that is wrong with scenario and bench files, in every mode and every cell of the
/// matrix, without running anything. A problem of a bench is reported with the scenario that needs
/// it. In a folder ids of scenarios are unique.
/// @param files a folder stands for the *.yaml files in it and in the folders below it, sorted
[[nodiscard]] LintReport lint(const std::vector<std::filesystem::path>& files,
                              const LintOptions& options);

}  // namespace daohil::hil::plan
