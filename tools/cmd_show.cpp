#include <fmt/format.h>

#include <memory>

#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

int show(const ScenarioArguments& arguments) {
  const auto cases = arguments.make_plan();
  if (cases.empty()) return nothing_selected(arguments);
  if (arguments.output == ScenarioArguments::Output::json) {
    auto json = nlohmann::ordered_json::array();
    for (const auto& planned : cases)
      json.push_back({{"id", planned.id}, {"skip", planned.skip}, {"yaml", planned.resolved}});
    print_json(json);
    return 0;
  }
  // A stream of YAML documents.
  for (const auto& planned : cases) {
    if (cases.size() > 1) fmt::print("---\n");
    if (!planned.skip.empty()) fmt::print("# SKIP: {}\n", planned.skip);
    fmt::print("{}", planned.resolved);
  }
  return 0;
}

}  // namespace

void add_show(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "show",
      "Print scenarios as they would run, one YAML document for each case: variables\n"
      "substituted, roles bound to the bench, the seed written out");
  const auto arguments = std::make_shared<ScenarioArguments>();
  add_scenario_arguments(*verb, *arguments, Needs::files);
  verb->callback([&chosen, arguments] { chosen = [arguments] { return show(*arguments); }; });
}

}  // namespace daohil::tools
