#include "tools/mutants.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "hil/plan/planner.hpp"
#include "hil/run/program.hpp"
#include "shm/time.hpp"

namespace daohil::tools {
namespace {

namespace fs = std::filesystem;
using hil::run::Program;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The longest trial takes seconds; a mutant that never ends is not one that was noticed.
constexpr shm::Duration kLongest = seconds(120);
// From a stop to the kill: a `hil run` tears down within 2 s.
constexpr shm::Duration kGrace = seconds(5);
constexpr shm::Duration kLook = milliseconds(20);

void need(const fs::path& patch, std::string_view key, const std::string& value) {
  if (value.empty())
    throw hil::plan::Error(fmt::format("{}: its head has no '{}:'", patch.string(), key));
}

// The head of a patch is what stands before its first hunk: "Key: value", a line each.
Mutant read_mutant(const fs::path& patch) {
  Mutant mutant{.name = patch.stem().string(), .program = patch.parent_path() / patch.stem()};
  std::ifstream in(patch);
  for (std::string line; std::getline(in, line) && !line.starts_with("--- ");) {
    const auto take = [&](std::string_view key, std::string& value) {
      if (line.starts_with(key)) value = line.substr(key.size());
    };
    take("Puts-back: ", mutant.puts_back);
    take("Scenario: ", mutant.scenario);
    take("Select: ", mutant.select);
  }
  need(patch, "Puts-back", mutant.puts_back);
  need(patch, "Scenario", mutant.scenario);
  if (!fs::exists(mutant.program))
    throw hil::plan::Error(
        fmt::format("{}: the program '{}' is not beside it; build target selftest_mutants again",
                    patch.string(), mutant.name));
  return mutant;
}

// Of what a program complains the end is enough, and a program gone wild may complain for ever.
void keep_end(std::string& text, const std::string& more) {
  constexpr std::size_t kKept = 4096;
  text += more;
  if (text.size() > kKept) text.erase(0, text.size() - kKept);
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto newline = text.rfind('\n');
  return newline == std::string::npos ? text : text.substr(newline + 1);
}

Outcome read_outcome(const fs::path& evidence, int wait_status, const std::string& errors) {
  Outcome outcome{.verdict = "NONE"};
  std::ifstream in(evidence / "run.json");
  const auto run = nlohmann::json::parse(in, nullptr, false);
  // A program that crashes behind its last word has said nothing.
  const bool said = run.is_object() && run.contains("verdict") && run.contains("cases") &&
                    WIFEXITED(wait_status) &&
                    WEXITSTATUS(wait_status) == run.value("exit_code", -1);
  if (!said) {
    outcome.mishap = hil::run::describe_end(wait_status);
    if (const std::string line = last_line(errors); !line.empty()) outcome.mishap += ": " + line;
    return outcome;
  }
  outcome.verdict = run["verdict"].get<std::string>();
  for (const auto& judged : run["cases"]) {
    if (!judged.contains("measurements")) continue;
    for (const auto& line : judged["measurements"]) {
      const auto id = line.value("id", std::string{});
      const auto known = std::find(outcome.failed.begin(), outcome.failed.end(), id);
      if (line.value("verdict", std::string{}) == "FAIL" && known == outcome.failed.end())
        outcome.failed.push_back(id);
    }
  }
  return outcome;
}

}  // namespace

std::vector<Mutant> read_mutants(const fs::path& folder) {
  std::vector<fs::path> patches;
  std::error_code none;
  for (fs::directory_iterator entry(folder, none), end; !none && entry != end;
       entry.increment(none))
    if (entry->path().extension() == ".patch") patches.push_back(entry->path());
  if (patches.empty())
    throw hil::plan::Error(
        fmt::format("{}: no mutants here. They are never installed; build them in the source tree, "
                    "'cmake --build --preset release --target selftest_mutants', and start that "
                    "build's hil, or "
                    "give this one --mutants build/release/selftest --scenarios scenarios",
                    folder.lexically_normal().string()));
  std::sort(patches.begin(), patches.end());
  std::vector<Mutant> mutants;
  for (const auto& patch : patches) mutants.push_back(read_mutant(patch));
  return mutants;
}

Outcome run_trial(const Trial& trial, const std::function<bool()>& stop) {
  hil::run::ProgramSpec spec{.argv = {trial.program.string(), "run", trial.scenario.string(),
                                      "--mode", "virtual", "--out", trial.evidence.string()}};
  if (!trial.select.empty()) spec.argv.insert(spec.argv.end(), {"--select", trial.select});
  const shm::Clock& clock = shm::system_clock();
  shm::MonotonicTime deadline = clock.now() + kLongest;
  bool stopping = false;
  std::string errors;
  Program program(spec);
  program.close_input();
  while (!program.ended()) {
    keep_end(errors, program.read(clock.now() + kLook).err);
    if (stop() && !stopping) {
      stopping = true;
      program.signal(SIGINT);
      deadline = clock.now() + kGrace;
    }
    if (clock.now() < deadline) continue;
    program.kill();
    return {.verdict = "NONE", .failed = {}, .mishap = "did not end, and was killed"};
  }
  while (!program.closed()) keep_end(errors, program.read(clock.now() + kLook).err);
  return read_outcome(trial.evidence, *program.ended(), errors);
}

}  // namespace daohil::tools
