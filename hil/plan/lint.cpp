#include "hil/plan/lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "hil/plan/bench.hpp"
#include "hil/plan/planner.hpp"
#include "hil/plan/scenario.hpp"

namespace daohil::hil::plan {
namespace {

using std::filesystem::path;
using Walk = std::filesystem::recursive_directory_iterator;

Error of_file(const path& file, const std::string& text) {
  return Error(Problem{.file = file.string(), .text = text});
}

std::vector<path> yaml_files_below(const path& folder) {
  std::vector<path> files;
  std::error_code error;
  for (auto it = Walk(folder, std::filesystem::directory_options::skip_permission_denied, error);
       !error && it != Walk(); it.increment(error))
    if (it->path().extension() == ".yaml" && it->is_regular_file(error))
      files.push_back(it->path());
  if (error) throw of_file(folder, fmt::format("cannot be listed: {}", error.message()));
  if (files.empty()) throw of_file(folder, "no *.yaml in this folder or below it");
  std::sort(files.begin(), files.end());
  return files;
}

class Linter {
 public:
  explicit Linter(const LintOptions& options) : options_(options) {}

  void look_at(const path& given) {
    std::error_code error;
    problems_.gather([&] {
      if (!std::filesystem::is_directory(given, error)) return look_at_file(given);
      for (const auto& file : yaml_files_below(given))
        problems_.gather([&] { look_at_file(file); });
    });
  }

  [[nodiscard]] LintReport report() const { return {files_.size(), problems_.sorted()}; }

 private:
  void look_at_file(const path& file) {
    if (!files_.insert(file.lexically_normal()).second) return;
    const Document document = load_document(file);
    const Node* kind = document.root.find("kind");
    if (kind != nullptr && kind->text == "Bench")
      static_cast<void>(bench_at(file));
    else
      look_at_scenario(load_scenario(file, problems_));
  }

  void look_at_scenario(const Scenario& scenario) {
    const path file = scenario.document.file;
    problems_.gather([&] { refuse_same_id(file, scenario.header.id); });
    for (const auto& bench_file : benches_for(file))
      if (const Bench* bench = bench_at(bench_file)) bind(scenario, *bench);
  }

  void bind(const Scenario& scenario, const Bench& bench) {
    std::vector<std::optional<Mode>> modes(scenario.header.modes.begin(),
                                           scenario.header.modes.end());
    if (modes.empty()) modes.emplace_back();
    for (const auto mode : modes)
      for (const auto& cell : scenario.cells)
        static_cast<void>(make_case(scenario, cell, bench, {mode, std::nullopt}, problems_));
  }

  [[nodiscard]] std::vector<path> benches_for(const path& scenario) const {
    if (!options_.benches.empty()) return options_.benches;
    try {
      return {default_bench(scenario)};
    } catch (const Error&) {
      if (options_.spare_bench.empty()) throw;
      return {options_.spare_bench};
    }
  }

  // nullptr if it is wrong
  const Bench* bench_at(const path& file) {
    const auto [entry, added] = benches_.try_emplace(file.lexically_normal());
    auto& bench = entry->second;
    if (added) {
      problems_.gather([&] {
        const auto before = problems_.complaints();
        Bench read = load_bench(file, problems_);
        if (problems_.complaints() == before) bench = std::move(read);
      });
    }
    return bench ? &*bench : nullptr;
  }

  void refuse_same_id(const path& file, const std::string& id) {
    if (id.empty()) return;
    const auto [it, added] = ids_.emplace(std::pair(file.parent_path(), id), file);
    if (!added)
      throw Error(Problem{
          .file = file.string(),
          .key = "id",
          .text = fmt::format("'{}' is also that of {}; ids are unique", id, it->second.string()),
          .value = id});
  }

  const LintOptions& options_;
  Problems problems_;
  std::set<path> files_;
  std::map<path, std::optional<Bench>> benches_;
  std::map<std::pair<path, std::string>, path> ids_;
};

}  // namespace

LintReport lint(const std::vector<path>& files, const LintOptions& options) {
  Linter linter(options);
  for (const auto& file : files) linter.look_at(file);
  return linter.report();
}

}  // namespace daohil::hil::plan
