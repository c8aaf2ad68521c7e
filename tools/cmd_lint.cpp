#include <fmt/format.h>

#include <memory>

#include "hil/plan/lint.hpp"
#include "tools/data.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

using Json = nlohmann::ordered_json;
using hil::plan::Problem;

constexpr int kWrong = 2;

struct LintArguments {
  std::vector<std::filesystem::path> files;
  std::vector<std::filesystem::path> benches;
  enum class Output { text, json } output = Output::text;
};

Json to_json(const Problem& problem) {
  Json json{{"file", problem.file}, {"line", problem.line}};
  if (problem.column > 0) json["column"] = problem.column;
  json["key"] = problem.key;
  json["value"] = problem.value;
  json["message"] = problem.text;
  json["allowed"] = problem.allowed;
  if (!problem.nearest.empty()) json["nearest"] = problem.nearest;
  return json;
}

int lint(const LintArguments& arguments) {
  const auto report = hil::plan::lint(
      arguments.files,
      {.benches = arguments.benches, .spare_bench = shipped_scenarios() / "benches/default.yaml"});
  if (arguments.output == LintArguments::Output::json) {
    Json json{{"files", report.files}, {"problems", Json::array()}};
    for (const auto& problem : report.problems) json["problems"].push_back(to_json(problem));
    print_json(json);
  } else {
    for (const auto& problem : report.problems) fmt::print("{}\n", hil::plan::to_line(problem));
    fmt::print(stderr, "{} files, {} problems\n", report.files, report.problems.size());
  }
  return report.problems.empty() ? 0 : kWrong;
}

}  // namespace

void add_lint(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "lint",
      "Name everything that is wrong with scenario and bench files, one line each:\n"
      "file:line: key: what, and the way out. Exit status 0: nothing, 2: something.");
  const auto arguments = std::make_shared<LintArguments>();
  verb->add_option("files", arguments->files,
                   "Files; a folder stands for the *.yaml in it and below it")
      ->required();
  verb->add_option("--bench", arguments->benches,
                   "Bench that scenarios are checked against; may be repeated. Default: "
                   "benches/default.yaml beside the scenario, else the one of this program")
      ->type_name("FILE")
      ->take_all()
      ->expected(1);
  verb->add_flag_callback(
      "--json", [arguments] { arguments->output = LintArguments::Output::json; },
      "As JSON on standard output, with columns and the words allowed");
  verb->callback([&chosen, arguments] { chosen = [arguments] { return lint(*arguments); }; });
}

}  // namespace daohil::tools
