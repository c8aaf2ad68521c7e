#include <fmt/format.h>

#include <memory>

#include "hil/report/explain.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

struct ExplainArguments {
  std::filesystem::path run;
  std::string text;
  std::size_t around = 12;
  bool json = false;
};

int explain(const ExplainArguments& arguments) {
  const hil::report::StoredRun run(arguments.run);
  const auto explanation = hil::report::explain(run, run.find(arguments.text), arguments.around);
  fmt::print("{}", arguments.json ? hil::report::explanation_json(explanation)
                                  : hil::report::explanation_text(explanation));
  return 0;
}

}  // namespace

void add_explain(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "explain",
      "Show what writer and readers did around the first wrong call of a case, or around its\n"
      "first overwrite where no call is wrong. Exit status 0, whatever the verdict.");
  const auto arguments = std::make_shared<ExplainArguments>();
  verb->add_option("run", arguments->run, "Folder of evidence, as 'hil run' leaves it")
      ->required()
      ->type_name("RUN");
  verb->add_option("case", arguments->text, "Id of the case, or a part that no other id has")
      ->required()
      ->type_name("CASE");
  constexpr std::size_t kMost = 100'000;
  verb->add_option("--around", arguments->around, "Events before and after; default 12")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, kMost));
  verb->add_flag("--json", arguments->json, "As JSON on standard output, times in nanoseconds");
  verb->callback([&chosen, arguments] { chosen = [arguments] { return explain(*arguments); }; });
}

}  // namespace daohil::tools
