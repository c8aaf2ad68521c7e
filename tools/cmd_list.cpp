#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "hil/plan/planner.hpp"
#include "tools/data.hpp"
#include "tools/verbs.hpp"
#include "tools/words.hpp"

namespace daohil::tools {
namespace {

std::string modes_text(const hil::plan::ScenarioSummary& scenario) {
  std::string text;
  for (const auto& mode : scenario.modes)
    text += fmt::format("{}{}", text.empty() ? "" : ",", mode);
  return text;
}

// The scenarios at hand, else those that came with this program.
std::vector<std::filesystem::path> default_folder() {
  std::error_code error;
  if (std::filesystem::is_directory("scenarios", error)) return {"scenarios"};
  return {shipped_scenarios()};
}

int list(const ScenarioArguments& arguments) {
  const auto scenarios = hil::plan::list_scenarios(
      arguments.files.empty() ? default_folder() : files_meant_by(arguments.files));
  if (arguments.output == ScenarioArguments::Output::json) {
    auto json = nlohmann::ordered_json::array();
    for (const auto& s : scenarios) {
      nlohmann::ordered_json entry{{"id", s.id},
                                   {"group", s.group},
                                   {"title", s.title},
                                   {"cases", s.cases},
                                   {"file", s.file.string()}};
      entry["modes"] = nlohmann::ordered_json::array();
      for (const auto& mode : s.modes) entry["modes"].push_back(mode);
      json.push_back(entry);
    }
    print_json(json);
    return 0;
  }
  fmt::print("{:<22} {:<11} {:<13} {:>5}  {}\n", "scenario", "group", "modes", "cases", "title");
  for (const auto& s : scenarios)
    fmt::print("{:<22} {:<11} {:<13} {:>5}  {}\n", s.id, s.group, modes_text(s), s.cases, s.title);
  return 0;
}

}  // namespace

void add_list(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand("list", "List scenarios: id, group, modes, cases, title");
  const auto arguments = std::make_shared<ScenarioArguments>();
  verb->add_option("files", arguments->files,
                   "Groups or ids of scenarios, files or folders. Default: the folder scenarios if "
                   "there is one, else what came with this program");
  verb->add_flag_callback(
      "--json", [arguments] { arguments->output = ScenarioArguments::Output::json; },
      "As JSON on standard output");
  verb->callback([&chosen, arguments] { chosen = [arguments] { return list(*arguments); }; });
}

}  // namespace daohil::tools
