#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hil/plan/planner.hpp"
#include "hil/report/suite_result.hpp"

namespace daohil::tools {

/// What the verbs that read scenarios have in common.
struct ScenarioArguments {
  std::vector<std::filesystem::path> files;  ///< as typed: see files_meant_by
  std::vector<std::filesystem::path> benches;
  std::string mode;
  std::optional<std::uint64_t> seed;
  std::string select;
  std::vector<std::string> cases;
  enum class Output { text, json };
  Output output = Output::text;

  /// @throws hil::plan::Error, also for a --case that names none
  [[nodiscard]] std::vector<hil::plan::Case> make_plan() const;
  /// The arguments again, as one would type them into a shell, without --select, --case and --mode.
  [[nodiscard]] std::string command(const std::string& program, const std::string& verb) const;
};

/// A word as a shell reads it back: in single quotes where it is more than a plain one.
[[nodiscard]] std::string quoted(const std::string& word);

struct RunRequest {
  std::filesystem::path out;  ///< evidence folder; empty: a new one in hil-runs
  std::string command;        ///< see hil::report::SuiteResult::command
  bool repeats = false;       ///< see hil::report::SuiteResult::repeats
  bool json = false;          ///< the result as JSON on standard output
  unsigned flaky_probe = 0;   ///< see hil::SuiteOptions::flaky_probe
  hil::report::Strictness strictness{};
};
/// What `run` and `rerun` can be told about failures.
void add_verdict_options(CLI::App& verb, RunRequest& request);
/// Run, judge, show, leave the evidence; what `run` and `rerun` have in common.
/// @return exit status
int run_cases(const std::vector<hil::plan::Case>& cases, const RunRequest& request);

constexpr int kNothingSelected = 5;
/// Says that no case was selected. @return exit status
int nothing_selected(const ScenarioArguments& arguments);

/// JSON on standard output. Broken bytes, as in a file's name, do not keep it from being written.
void print_json(const nlohmann::ordered_json& json);

enum class Needs { files, files_or_default };
void add_scenario_arguments(CLI::App& verb, ScenarioArguments& arguments, Needs needs);

/// Each adds its verb to the program and, if that is the one given, sets `chosen` to what runs it.
/// What runs returns the exit status.
using Chosen = std::function<int()>;
void add_run(CLI::App& program, Chosen& chosen);
void add_list(CLI::App& program, Chosen& chosen);
void add_lint(CLI::App& program, Chosen& chosen);
void add_plan(CLI::App& program, Chosen& chosen);
void add_explain(CLI::App& program, Chosen& chosen);
void add_rerun(CLI::App& program, Chosen& chosen);
void add_show(CLI::App& program, Chosen& chosen);
void add_report(CLI::App& program, Chosen& chosen);
void add_stream(CLI::App& program, Chosen& chosen);
void add_host(CLI::App& program, Chosen& chosen);
void add_selftest(CLI::App& program, Chosen& chosen);
void add_devices(CLI::App& program, Chosen& chosen);

}  // namespace daohil::tools
