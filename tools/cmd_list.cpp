#include <fmt/format.h>

#include <memory>

#include "hil/plan/planner.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

std::string modes_text(const hil::plan::ScenarioSummary& scenario) {
  std::string text;
  for (const auto& mode : scenario.modes)
    text += fmt::format("{}{}", text.empty() ? "" : ",", mode);
  return text;
}

int list(const ScenarioArguments& arguments) {
  const auto scenarios = hil::plan::list_scenarios(arguments.files);
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
  arguments->files = {"scenarios"};
  verb->add_option("files", arguments->files, "Scenario files or folders; default: scenarios");
  verb->add_flag_callback(
      "--json", [arguments] { arguments->output = ScenarioArguments::Output::json; },
      "As JSON on standard output");
  verb->callback([&chosen, arguments] { chosen = [arguments] { return list(*arguments); }; });
}

}  // namespace daohil::tools
