#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/plan/problem.hpp"

namespace daohil::hil::plan {

struct PlanOptions {
  std::vector<std::filesystem::path> benches;  ///< each scenario is run on each; empty: default
  std::optional<Mode> mode;                    ///< empty: sim where the scenario has it
  std::optional<std::uint64_t> seed;           ///< replaces the scenario's
  /// Only cases whose id, or that of a sweep they belong to, contains this text; empty: all.
  std::string select;
};

/// The bench of a scenario for which none was named: benches/default.yaml in its folder.
/// @throws Error if there is none
[[nodiscard]] std::filesystem::path default_bench(const std::filesystem::path& scenario);

/// Text to checked plan: read the files, expand the matrix, bind the roles, resolve the units.
/// @param files scenario files; a folder stands for the *.yaml files in it, sorted by name
/// Cases of the host come first, then in the order of the files.
/// @throws Error with all that is wrong, naming file, line, key, value and what is allowed
std::vector<Case> make_plan(const std::vector<std::filesystem::path>& files,
                            const PlanOptions& options);

/// The groups that scenarios are of, in the order of a report.
[[nodiscard]] std::vector<std::string_view> group_names();

/// What `hil list` shows.
struct ScenarioSummary {
  std::filesystem::path file;
  std::string id;
  std::string title;
  std::string group;
  std::vector<std::string> modes;  ///< as the file lists them, also those this version does not run
  std::size_t cases = 0;
};
std::vector<ScenarioSummary> list_scenarios(const std::vector<std::filesystem::path>& files);

}  // namespace daohil::hil::plan
