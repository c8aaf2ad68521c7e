#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"

namespace daohil::hil::plan {

/// A scenario or bench file is wrong. `what()` is one line:
///   scenarios/x.yaml:12: reader 'slow': unknown key 'dept'; did you mean 'depth'?
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A word of hil/v1 that this version does not run.
class NotYet : public Error {
 public:
  using Error::Error;
};

struct PlanOptions {
  std::vector<std::filesystem::path> benches;  ///< each scenario is run on each; empty: default
  std::optional<Mode> mode;                    ///< empty: sim where the scenario has it
  std::optional<std::uint64_t> seed;           ///< replaces the scenario's
  /// Only cases whose id, or that of a sweep they belong to, contains this text; empty: all.
  std::string select;
};

/// Text to checked plan: read the files, expand the matrix, bind the roles, resolve the units.
/// @param files scenario files; a folder stands for the *.yaml files in it, sorted by name
/// @throws Error on the first thing wrong, naming file, line, key, value and what is allowed
std::vector<Case> make_plan(const std::vector<std::filesystem::path>& files,
                            const PlanOptions& options);

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
