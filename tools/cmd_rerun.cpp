#include <fmt/format.h>

#include <memory>

#include "hil/report/stored_run.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

struct RerunArguments {
  std::filesystem::path run;
  hil::report::StoredRun::Selection selection;
  RunRequest request;
};

int rerun(const std::string& program, const RerunArguments& arguments) {
  const hil::report::StoredRun stored(arguments.run);
  const auto cases = stored.plan_again(arguments.selection);
  if (cases.empty()) {
    const auto& [text, failed_only] = arguments.selection;
    fmt::print(stderr, "hil: {}: no {}case{}; {} lists them\n", arguments.run.string(),
               failed_only ? "failed " : "",
               text.empty() ? std::string{} : fmt::format(" has '{}' in its id", text),
               (arguments.run / "verdict.txt").string());
    return kNothingSelected;
  }
  RunRequest request = arguments.request;
  request.command = quoted(program) + " rerun " + quoted(arguments.run.string());
  request.repeats = true;
  return run_cases(cases, request);
}

}  // namespace

void add_rerun(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "rerun",
      "Run the cases of a folder of evidence again, from that folder alone: the scenarios and\n"
      "benches as they were then, with the same seeds. In virtual time the traces are the same\n"
      "to the byte. A recording must still be where it was, and be the same.");
  const auto arguments = std::make_shared<RerunArguments>();
  verb->add_option("run", arguments->run, "Folder of evidence, as 'hil run' leaves it")
      ->required()
      ->type_name("RUN");
  verb->add_flag("--failed", arguments->selection.failed_only,
                 "Only what was neither PASS, MARGINAL nor SKIP; of a sweep all its cases");
  verb->add_option("-k,--select", arguments->selection.text,
                   "Only the case of that id, or cases whose id, or that of a sweep they belong "
                   "to, contains this text")
      ->type_name("TEXT");
  verb->add_option("--out", arguments->request.out,
                   "Evidence folder, new or empty. Default: hil-runs/<UTC>-<pid>")
      ->type_name("DIR");
  verb->add_flag("--json", arguments->request.json, "Result as JSON on standard output");
  add_verdict_options(*verb, arguments->request);
  verb->callback([&program, &chosen, arguments] {
    chosen = [name = program.get_name(), arguments] { return rerun(name, *arguments); };
  });
}

}  // namespace daohil::tools
