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

Error of_file(const path& file, const std::string& text) {
  return Error(Problem{.file = file.string(), .text = text});
}

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
  if (error) throw of_file(folder, fmt::format("cannot be listed: {}", error.message()));
  if (files.empty()) throw of_file(folder, "no *.yaml in this folder; name a scenario file");
  std::sort(files.begin(), files.end());
  return files;
}

struct ScenarioFile {
  path file;
  bool named;  // by itself, not found in a folder
};

// Folders opened, each file once however often it is named.
std::vector<ScenarioFile> scenario_files(const std::vector<path>& given, Problems& problems) {
  std::vector<ScenarioFile> files;
  std::set<path> seen;
  for (const auto& item : given) {
    std::error_code error;
    const bool folder = std::filesystem::is_directory(item, error);
    problems.gather([&] {
      for (const auto& file : folder ? yaml_files_in(item) : std::vector<path>{item})
        if (seen.insert(identity_of(file)).second) files.push_back({file, !folder});
    });
  }
  return files;
}

// Benches by file, read once; two of one name would give two cases one id.
class Benches {
 public:
  explicit Benches(Problems& problems) : problems_(problems) {}

  /// nullptr if it is wrong
  const Bench* at(const path& file) {
    const auto key = identity_of(file);
    const auto known = benches_.find(key);
    if (known != benches_.end()) return known->second ? &*known->second : nullptr;
    auto& entry = benches_[key];
    const auto before = problems_.complaints();
    problems_.gather([&] {
      Bench bench = load_bench(file, problems_);
      if (problems_.complaints() != before) return;
      refuse_same_name(bench);
      entry = std::move(bench);
    });
    return entry ? &*entry : nullptr;
  }

 private:
  void refuse_same_name(const Bench& bench) const {
    for (const auto& [key, other] : benches_)
      if (other && other->name == bench.name)
        throw Error(Problem{.file = bench.file,
                            .key = "name",
                            .text = fmt::format("bench '{}' is also that of {}; names are unique",
                                                bench.name, other->file),
                            .value = bench.name});
  }

  Problems& problems_;
  std::map<path, std::optional<Bench>> benches_;
};

void refuse_same_id(std::map<std::string, std::string>& files, const Scenario& scenario) {
  const auto& file = scenario.document.file;
  const auto& id = scenario.header.id;
  if (id.empty()) return;
  const auto [it, added] = files.emplace(id, file);
  if (!added)
    throw Error(
        Problem{.file = file,
                .key = "id",
                .text = fmt::format("'{}' is also that of {}; ids are unique", id, it->second),
                .value = id});
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
  const auto looks = [](const ReaderPlan& reader) { return reader.looks != Looks::by_lag; };
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

path default_bench(const path& scenario) {
  auto file = scenario.parent_path() / kDefaultBench;
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    throw of_file(scenario,
                  fmt::format("there is no default bench {}; name a bench file", file.string()));
  return file;
}

std::vector<Case> make_plan(const std::vector<path>& files, const PlanOptions& options) {
  Problems problems;
  std::vector<Case> cases;
  std::map<std::string, std::string> ids;
  Benches benches(problems);
  const Wishes wishes{options.mode, options.seed};
  const auto plan_file = [&](const path& file, bool named) {
    const Scenario scenario = load_scenario(file, problems);
    problems.gather([&] { refuse_same_id(ids, scenario); });
    std::set<std::string> done;
    const auto bench_files =
        options.benches.empty() ? std::vector<path>{default_bench(file)} : options.benches;
    for (const auto& bench_file : bench_files) {
      const Bench* bench = benches.at(bench_file);
      if (bench == nullptr || !done.insert(bench->name).second) continue;
      for (const auto& cell : scenario.cells) {
        // Made even when not selected: a wrong case is an error whichever is asked for.
        Case& c = cases.emplace_back(make_case(scenario, cell, *bench, wishes, problems));
        // Hours that nobody asked for.
        if (c.skip.empty() && c.group == "soak" && !named && options.select.empty())
          c.skip = fmt::format("a soak is run when its file is named: {}", file.string());
      }
    }
  };
  for (const auto& [file, named] : scenario_files(files, problems))
    problems.gather([&, &path = file, &by_name = named] { plan_file(path, by_name); });
  problems.throw_if_any();
  // First, so that what they find counts for the others.
  std::stable_partition(cases.begin(), cases.end(),
                        [](const Case& c) { return c.host.has_value(); });
  count_sweeps(cases);
  std::erase_if(cases, [&](const Case& c) { return !selected(c, options.select); });
  return cases;
}

std::vector<ScenarioSummary> list_scenarios(const std::vector<path>& files) {
  Problems problems;
  std::vector<ScenarioSummary> summaries;
  for (const auto& scenario_file : scenario_files(files, problems)) {
    const path& file = scenario_file.file;
    problems.gather([&] {
      const Scenario scenario = load_scenario(file, problems);
      const auto& header = scenario.header;
      summaries.push_back(
          {file, header.id, header.title, header.group, header.mode_words, scenario.cells.size()});
    });
  }
  problems.throw_if_any();
  return summaries;
}

}  // namespace daohil::hil::plan
