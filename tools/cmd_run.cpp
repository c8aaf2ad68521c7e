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

struct RunArguments {
  ScenarioArguments scenarios;
  std::filesystem::path out;
};

std::filesystem::path default_folder() {
  std::string stamp = shm::to_iso8601(shm::system_clock().utc_now());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-'; });
  return fmt::format("hil-runs/{}-{}", stamp, ::getpid());
}

int run(const std::string& program, const RunArguments& arguments) {
  const auto cases = arguments.scenarios.make_plan();
  if (cases.empty()) {
    fmt::print(stderr,
               "hil: no case is selected by --select '{}'; 'hil list' shows what there is\n",
               arguments.scenarios.select);
    return kNothingSelected;
  }
  return run_cases(cases, {.out = arguments.out,
                           .command = arguments.scenarios.command(program, "run"),
                           .repeats = false,
                           .json = arguments.scenarios.output == ScenarioArguments::Output::json});
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
                                  .stop_requested = stop_requested};
  const hil::report::SuiteResult suite = hil::run_suite(cases, options, console);
  console.finish();

  std::FILE* text = json ? stderr : stdout;
  fmt::print(text, "{}", hil::report::verdict_line(suite));
  fmt::print(text, "artefacts {}   (verdict.txt run.json junit.xml host.json cases/ SHA256SUMS)\n",
             options.out.string());
  if (json) fmt::print("{}", hil::report::run_json(suite));
  return hil::judge::exit_code_of(suite.verdict);
}

void add_run(CLI::App& program, Chosen& chosen) {
  CLI::App* verb =
      program.add_subcommand("run",
                             "Run scenarios, judge them, leave a folder of evidence.\n"
                             "Ctrl-C stops the run, tears it down and writes a partial report.");
  const auto arguments = std::make_shared<RunArguments>();
  add_scenario_arguments(*verb, arguments->scenarios, Needs::files);
  verb->add_option("--out", arguments->out,
                   "Evidence folder, new or empty. Default: hil-runs/<UTC>-<pid>")
      ->type_name("DIR");
  // The program's name is known once it has parsed its command line.
  verb->callback([&program, &chosen, arguments] {
    chosen = [name = program.get_name(), arguments] { return run(name, *arguments); };
  });
}

}  // namespace daohil::tools
