#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/plan/document.hpp"
#include "hil/plan/problem.hpp"

namespace daohil::hil::plan {

/// What is on the table: which device plays each role that scenarios name, and what this place
/// can do. The same scenario runs on every bench that has its roles.
struct Bench {
  std::string file;  ///< as in messages
  std::string name;  ///< the part of a case id after @
  HostClass host_class = HostClass::desktop;
  std::vector<std::string> features;
  std::map<std::string, SourcePlan> roles;
};

/// @param problems gets what is wrong; the Bench is then what could be read
/// @throws Error if nothing could, or it is a file of another kind
Bench load_bench(const std::filesystem::path& file, Problems& problems);

/// The bench as a file that load_bench reads back to the same from any folder.
Node bench_node(const Bench& bench);

}  // namespace daohil::hil::plan
