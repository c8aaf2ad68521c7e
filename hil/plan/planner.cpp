#include "hil/plan/planner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "hil/plan/bench.hpp"
#include "hil/plan/scenario.hpp"

namespace daohil::hil::plan {
namespace {

using std::filesystem::path;

constexpr const char* kDefaultBench = "benches/default.yaml";

path identity_of(const path& file) {
  std::error_code error;
  const auto canonical = std::filesystem::weakly_canonical(file, error);
  return error ? file : canonical;
}

std::vector<path> yaml_files_in(const path& folder) {
  std::vector<path> files;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    if (it->path().extension() == ".yaml" && it->is_regular_file(error))
      files.push_back(it->path());
  if (error)
    throw Error(fmt::format("{}:1: cannot be listed: {}", folder.string(), error.message()));
  if (files.empty())
    throw Error(
        fmt::format("{}:1: no *.yaml in this folder; name a scenario file", folder.string()));
  std::sort(files.begin(), files.end());
  return files;
}

struct ScenarioFile {
  path file;
  bool named;  // by itself, not found in a folder
};

// Folders opened, each file once however often it is named.
std::vector<ScenarioFile> scenario_files(const std::vector<path>& given) {
  std::vector<ScenarioFile> files;
  std::set<path> seen;
  for (const auto& item : given) {
    std::error_code error;
    const bool folder = std::filesystem::is_directory(item, error);
    for (const auto& file : folder ? yaml_files_in(item) : std::vector<path>{item})
      if (seen.insert(identity_of(file)).second) files.push_back({file, !folder});
  }
  return files;
}

// Benches by file, read once; two of one name would give two cases one id.
class Benches {
 public:
  const Bench& at(const path& file) {
    const auto key = identity_of(file);
    const auto known = benches_.find(key);
    if (known != benches_.end()) return known->second;
    Bench bench = load_bench(file);
    for (const auto& other : benches_)
      if (other.second.name == bench.name)
        throw Error(fmt::format("{}:1: name: bench '{}' is also that of {}; names are unique",
                                bench.file, bench.name, other.second.file));
    return benches_.emplace(key, std::move(bench)).first->second;
  }

 private:
  std::map<path, Bench> benches_;
};

std::vector<path> benches_for(const path& scenario, const PlanOptions& options) {
  if (!options.benches.empty()) return options.benches;
  const auto file = scenario.parent_path() / kDefaultBench;
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw Error(fmt::format("{}:1: there is no default bench {}; name a bench file",
                            scenario.string(), file.string()));
  return {file};
}

void refuse_same_id(std::map<std::string, std::string>& files, const Scenario& scenario) {
  const auto& file = scenario.document.file;
  const auto [it, added] = files.emplace(scenario.header.id, file);
  if (!added)
    throw Error(fmt::format("{}:1: id: '{}' is also that of {}; ids are unique", file,
                            scenario.header.id, it->second));
}

// By its own id, or that of a sweep it belongs to.
bool selected(const Case& c, const std::string& text) {
  const auto contains = [&](const std::string& id) { return id.find(text) != std::string::npos; };
  return contains(c.id) || std::any_of(c.sweep.begin(), c.sweep.end(),
                                       [&](const auto& sweep) { return contains(sweep.case_id); });
}

void count_sweeps(std::vector<Case>& cases) {
  std::map<std::string, std::size_t> sizes;
  for (const Case& c : cases)
    for (const auto& sweep : c.sweep) ++sizes[sweep.case_id];
  for (Case& c : cases)
    for (auto& sweep : c.sweep) sweep.cases = sizes.at(sweep.case_id);
}

}  // namespace

bool within_publications(const Case& planned) {
  const auto looks = [](const ReaderPlan& reader) {
    return reader.looks == Looks::at_each_publication_step;
  };
  const auto dies = [](const Fault& fault) { return std::holds_alternative<WriterCrash>(fault); };
  return std::any_of(planned.readers.begin(), planned.readers.end(), looks) ||
         std::any_of(planned.faults.begin(), planned.faults.end(), dies);
}

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::virtual_time:
      return "virtual";
    case Mode::sim:
      return "sim";
  }
  return "?";
}

std::optional<Mode> mode_of(std::string_view name) {
  for (const Mode mode : {Mode::virtual_time, Mode::sim})
    if (name == name_of(mode)) return mode;
  return std::nullopt;
}

std::string_view name_of(HostClass host) {
  switch (host) {
    case HostClass::any:
      return "any";
    case HostClass::desktop:
      return "desktop";
    case HostClass::rt:
      return "rt";
    case HostClass::summit:
      return "summit";
  }
  return "?";
}

std::vector<Case> make_plan(const std::vector<path>& files, const PlanOptions& options) {
  std::vector<Case> cases;
  std::map<std::string, std::string> ids;
  Benches benches;
  const Wishes wishes{options.mode, options.seed};
  for (const auto& [file, named] : scenario_files(files)) {
    const Scenario scenario = load_scenario(file);
    refuse_same_id(ids, scenario);
    std::set<std::string> done;
    for (const auto& bench_file : benches_for(file, options)) {
      const Bench& bench = benches.at(bench_file);
      if (!done.insert(bench.name).second) continue;
      for (const auto& cell : scenario.cells) {
        // Made even when not selected: a wrong case is an error whichever is asked for.
        Case& c = cases.emplace_back(make_case(scenario, cell, bench, wishes));
        // Hours that nobody asked for.
        if (c.skip.empty() && c.group == "soak" && !named && options.select.empty())
          c.skip = fmt::format("a soak is run when its file is named: {}", file.string());
      }
    }
  }
  count_sweeps(cases);
  std::erase_if(cases, [&](const Case& c) { return !selected(c, options.select); });
  return cases;
}

std::vector<ScenarioSummary> list_scenarios(const std::vector<path>& files) {
  std::vector<ScenarioSummary> summaries;
  for (const auto& [file, named] : scenario_files(files)) {
    const Scenario scenario = load_scenario(file);
    const auto& header = scenario.header;
    summaries.push_back(
        {file, header.id, header.title, header.group, header.mode_words, scenario.cells.size()});
  }
  return summaries;
}

}  // namespace daohil::hil::plan
