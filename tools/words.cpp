#include "tools/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>

#include "hil/plan/planner.hpp"
#include "hil/plan/show.hpp"
#include "tools/data.hpp"

namespace daohil::tools {
namespace {

namespace fs = std::filesystem;
using hil::plan::ScenarioSummary;

// The scenarios of this program, looked at when the first word may be one of them.
class Shipped {
 public:
  // Empty if it is neither a group nor an id.
  std::vector<fs::path> named(const std::string& word) {
    std::vector<fs::path> files;
    for (const auto& scenario : scenarios())
      if (scenario.id == word || scenario.group == word) files.push_back(scenario.file);
    return files;
  }

  [[noreturn]] void refuse(const std::string& word) {
    const auto groups = hil::plan::group_names();
    auto names = groups;
    for (const auto& scenario : scenarios()) names.emplace_back(scenario.id);
    const auto hint = hil::plan::did_you_mean(word, names);
    throw hil::plan::Error(
        fmt::format("{} is no group, scenario or file{} groups: {}; 'hil list' shows the scenarios",
                    hil::plan::show(word), hint.empty() ? ";" : hint, fmt::join(groups, ", ")));
  }

 private:
  const std::vector<ScenarioSummary>& scenarios() {
    if (!scenarios_) scenarios_ = hil::plan::list_scenarios({shipped_scenarios()});
    return *scenarios_;
  }

  std::optional<std::vector<ScenarioSummary>> scenarios_;
};

bool is_group(const std::string& word) {
  const auto groups = hil::plan::group_names();
  return std::find(groups.begin(), groups.end(), word) != groups.end();
}

bool is_path(const std::string& word) {
  return word.find('/') != std::string::npos || word.ends_with(".yaml") || word == "." ||
         word == "..";
}

}  // namespace

std::vector<fs::path> files_meant_by(const std::vector<fs::path>& words) {
  Shipped shipped;
  std::vector<fs::path> files;
  for (const auto& path : words) {
    const std::string word = path.string();
    std::error_code error;
    const bool exists = fs::exists(path, error);
    // A group that has no scenario yet is still one.
    if (is_path(word) || (exists && !is_group(word) && shipped.named(word).empty())) {
      files.push_back(path);
      continue;
    }
    const auto meant = shipped.named(word);
    if (meant.empty() && is_group(word))
      throw hil::plan::Error(
          fmt::format("group {} has no scenario in {}", word, shipped_scenarios().string()));
    if (meant.empty()) shipped.refuse(word);
    files.insert(files.end(), meant.begin(), meant.end());
  }
  return files;
}

}  // namespace daohil::tools
