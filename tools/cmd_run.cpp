#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "hil/report/evidence.hpp"
#include "hil/report/json.hpp"
#include "hil/report/text.hpp"
#include "hil/suite.hpp"
#include "tools/console.hpp"
#include "tools/stop_signal.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

constexpr unsigned kMostProbes = 1000;

struct RunArguments {
  ScenarioArguments scenarios;
  RunRequest request;
};

std::filesystem::path default_folder() {
  std::string stamp = shm::to_iso8601(shm::system_clock().utc_now());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-'; });
  return fmt::format("hil-runs/{}-{}", stamp, ::getpid());
}

int run(const std::string& program, const RunArguments& arguments) {
  const auto cases = arguments.scenarios.make_plan();
  if (cases.empty()) return nothing_selected(arguments.scenarios);
  RunRequest request = arguments.request;
  request.command = arguments.scenarios.command(program, "run");
  request.json = arguments.scenarios.output == ScenarioArguments::Output::json;
  return run_cases(cases, request);
}

}  // namespace

int run_cases(const std::vector<hil::plan::Case>& cases, const RunRequest& request) {
  shm::Duration planned{0};
  for (const auto& forecast : hil::forecast(cases)) planned += forecast.duration;

  const bool json = request.json;
  catch_stop_signals();
  Console console(json ? Console::Table::on_stderr : Console::Table::on_stdout, cases.size(),
                  planned);
  const hil::SuiteOptions options{.out = request.out.empty() ? default_folder() : request.out,
                                  .command = request.command,
                                  .repeats = request.repeats,
                                  .flaky_probe = request.flaky_probe,
                                  .strictness = request.strictness,
                                  .stop_requested = stop_requested};
  const hil::report::SuiteResult suite = hil::run_suite(cases, options, console);
  console.finish();

  std::FILE* text = json ? stderr : stdout;
  fmt::print(text, "{}", hil::report::verdict_line(suite));
  fmt::print(text, "artefacts {}   (verdict.txt run.json junit.xml host.json cases/ SHA256SUMS)\n",
             options.out.string());
  if (json) fmt::print("{}", hil::report::run_json(suite));
  return hil::report::exit_code_of(suite);
}

void add_verdict_options(CLI::App& verb, RunRequest& request) {
  using hil::report::Strictness;
  verb.add_option("--flaky-probe", request.flaky_probe,
                  "Run a case that FAILs so often more; if an attempt passes, it is FLAKY (exit 1)")
      ->type_name("N")
      ->check(CLI::Range(0U, kMostProbes));
  verb.add_flag_callback(
      "--strict", [&request] { request.strictness.marginal = Strictness::Marginal::fails; },
      "Exit status 1 also for MARGINAL");
  verb.add_flag_callback(
      "--fail-on-skip", [&request] { request.strictness.skipped = Strictness::Skipped::fails; },
      "Exit status 1 also for a SKIP");
}

void add_run(CLI::App& program, Chosen& chosen) {
  CLI::App* verb =
      program.add_subcommand("run",
                             "Run scenarios, judge them, leave a folder of evidence.\n"
                             "Ctrl-C stops the run, tears it down and writes a partial report.");
  const auto arguments = std::make_shared<RunArguments>();
  add_scenario_arguments(*verb, arguments->scenarios, Needs::files);
  verb->add_option("--out", arguments->request.out,
                   "Evidence folder, new or empty. Default: hil-runs/<UTC>-<pid>")
      ->type_name("DIR");
  add_verdict_options(*verb, arguments->request);
  // The program's name is known once it has parsed its command line.
  verb->callback([&program, &chosen, arguments] {
    chosen = [name = program.get_name(), arguments] { return run(name, *arguments); };
  });
}

}  // namespace daohil::tools
