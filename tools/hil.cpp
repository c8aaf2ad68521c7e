// The command: one verb a file (cmd_*.cpp). Exit status: 0 pass, 1 fail, 2 usage or invalid
// scenario, 3 inconclusive, 4 error of bench or device, 5 nothing selected, 130 stopped.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <sstream>

#include "hil/plan/planner.hpp"
#include "hil/report/evidence.hpp"
#include "hil/suite.hpp"
#include "tools/verbs.hpp"
#include "tools/words.hpp"

namespace daohil::tools {

namespace {

using hil::plan::Case;

bool is_called(const Case& planned, const std::string& id) {
  return planned.id == id || std::any_of(planned.sweep.begin(), planned.sweep.end(),
                                         [&](const auto& sweep) { return sweep.case_id == id; });
}

// A name that is wrong is refused, and not a case fewer that nobody notices.
void keep_only(std::vector<Case>& cases, const std::vector<std::string>& ids) {
  for (const auto& id : ids)
    if (std::none_of(cases.begin(), cases.end(), [&](const Case& c) { return is_called(c, id); }))
      throw hil::plan::Error(
          fmt::format("--case: there is no case or sweep '{}'; 'hil plan' lists the cases", id));
  std::erase_if(cases, [&](const Case& c) {
    return std::none_of(ids.begin(), ids.end(), [&](const auto& id) { return is_called(c, id); });
  });
}

}  // namespace

std::vector<Case> ScenarioArguments::make_plan() const {
  hil::plan::PlanOptions options{
      .benches = benches, .mode = hil::plan::mode_of(mode), .seed = seed, .select = select};
  auto planned = hil::plan::make_plan(files_meant_by(files), options);
  if (!cases.empty()) keep_only(planned, cases);
  return planned;
}

int nothing_selected(const ScenarioArguments& arguments) {
  fmt::print(stderr, "hil: no case is selected by --select '{}'; 'hil list' shows what there is\n",
             arguments.select);
  return kNothingSelected;
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+=:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

namespace {

// CLI11 reads -1 as the largest number.
std::string not_negative(const std::string& number) {
  return number.find('-') == std::string::npos ? std::string{} : number + " is negative";
}

}  // namespace

std::string ScenarioArguments::command(const std::string& program, const std::string& verb) const {
  std::string text = quoted(program) + " " + verb;
  for (const auto& file : files) text += " " + quoted(file.string());
  for (const auto& bench : benches) text += " --bench " + quoted(bench.string());
  if (seed) text += fmt::format(" --seed {}", *seed);
  return text;
}

void print_json(const nlohmann::ordered_json& json) {
  using nlohmann::ordered_json;
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

void add_scenario_arguments(CLI::App& verb, ScenarioArguments& arguments, Needs needs) {
  auto* files = verb.add_option("files", arguments.files,
                                "Groups or ids of the scenarios that come with this program "
                                "('hil list' shows them), or files of your own; a folder stands "
                                "for the *.yaml in it. With a slash in it, a word is a path");
  if (needs == Needs::files)
    files->required();
  else
    arguments.files = {"scenarios"};
  verb.add_option("--bench", arguments.benches,
                  "Bench file that binds roles to devices; may be repeated, then every scenario "
                  "is run on every bench. Default: benches/default.yaml beside the scenario")
      ->type_name("FILE")
      ->take_all()
      ->expected(1);
  verb.add_option("--mode", arguments.mode,
                  "virtual: one thread, virtual clock, exact. sim: real time, separate processes. "
                  "Default: sim where the scenario has it")
      ->check(CLI::IsMember({"virtual", "sim"}));
  verb.add_option("--seed", arguments.seed, "Seed of every random choice, instead of the file's")
      ->check(CLI::Validator(not_negative, "0..2^64-1"));
  verb.add_option("-k,--select", arguments.select,
                  "Only cases whose id, or that of a sweep they belong to, contains this text, "
                  "e.g. 'N=8'");
  verb.add_option("--case", arguments.cases,
                  "Only the case of exactly this id, or the cases of this sweep; may be repeated")
      ->type_name("ID")
      ->take_all()
      ->expected(1);
  verb.add_flag_callback(
      "--json", [&arguments] { arguments.output = ScenarioArguments::Output::json; },
      "Result as JSON on standard output");
}

namespace {

constexpr int kUsage = 2;
constexpr int kBenchError = 4;

// A line for each thing that is wrong.
int complain(const std::exception& error, int status) {
  std::istringstream lines(error.what());
  for (std::string line; std::getline(lines, line);) fmt::print(stderr, "hil: {}\n", line);
  return status;
}

int main_of(int argc, char** argv) {
  CLI::App program{
      "hil - hardware-in-the-loop test bench for adaptive optics\n\n"
      "Publishes camera frames into FIFO shared memories, lets reader processes lag behind as a\n"
      "scenario says, and judges what they got against theory.\n"};
  program.set_version_flag("--version", DAO_HIL_VERSION);
  program.require_subcommand(1);
  program.footer(
      "\nExamples\n"
      "  hil list                                        what there is\n"
      "  hil plan scenarios/lag.constant.yaml            predictions, without running\n"
      "  hil lint scenarios                              what is wrong with scenario files\n"
      "  hil run acceptance                              a group, or a scenario by its id\n"
      "  hil run scenarios --mode virtual                everything, exact, in seconds\n"
      "  hil run scenarios/depth.sizing.yaml --bench scenarios/benches/shwfs20.yaml\n"
      "  hil report hil-runs/<UTC>-<pid>                 its evidence as a page to print\n"
      "  hil stream ls                                   the streams of this host\n"
      "  hil host --floor 0                              is this host fit, what to change\n"
      "  hil selftest                                    does the suite notice known defects\n"
      "  hil devices                                     cameras that are attached\n\n"
      "Exit status: 0 pass, 1 fail, 2 usage or invalid scenario, 3 inconclusive (the bench was\n"
      "not fit to measure), 4 error of bench or device, 5 nothing selected, 130 stopped\n");
  Chosen chosen;
  add_run(program, chosen);
  add_list(program, chosen);
  add_lint(program, chosen);
  add_plan(program, chosen);
  add_show(program, chosen);
  add_report(program, chosen);
  add_explain(program, chosen);
  add_rerun(program, chosen);
  add_stream(program, chosen);
  add_host(program, chosen);
  add_selftest(program, chosen);
  add_devices(program, chosen);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : kUsage;
  }
  try {
    return chosen();
  } catch (const hil::plan::Error& error) {
    return complain(error, kUsage);
  } catch (const hil::report::EvidenceError& error) {
    return complain(error, kUsage);
  } catch (const std::exception& error) {
    return complain(error, kBenchError);
  }
}

}  // namespace
}  // namespace daohil::tools

int main(int argc, char** argv) { return daohil::tools::main_of(argc, argv); }
