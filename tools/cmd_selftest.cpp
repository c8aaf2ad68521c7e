#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "hil/plan/planner.hpp"
#include "hil/report/text.hpp"
#include "tools/mutants.hpp"
#include "tools/stop_signal.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kFail = 1;
constexpr int kStopped = 130;

struct SelftestArguments {
  enum class Output { text, json } output = Output::text;
  enum class Action { run, list } action = Action::run;
  fs::path mutants;
  fs::path scenarios = "scenarios";
  std::string select;
  fs::path out;
};

// One row of the table: a scenario with a mutant or, as the control, with the FIFO as it is.
struct Row {
  std::string name;  // empty: the control
  std::string puts_back;
  std::string scenario;
  std::string select;
  fs::path program;
  fs::path file;
  Outcome outcome{};
  shm::Duration elapsed{0};

  [[nodiscard]] bool is_control() const { return name.empty(); }
  [[nodiscard]] const char* expected() const { return is_control() ? "PASS" : "FAIL"; }
  [[nodiscard]] bool as_expected() const { return outcome.verdict == expected(); }
  [[nodiscard]] std::string question() const {
    return select.empty() ? scenario : scenario + " " + select;
  }
};

class EvidenceFolder {
 public:
  // Where it is not wanted, in a folder that goes away.
  explicit EvidenceFolder(const fs::path& wanted) : folder_(wanted), kept_(!wanted.empty()) {
    if (kept_) return;
    std::string name = fs::temp_directory_path() / "dao-hil-selftest.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "cannot make " + name);
    folder_ = name;
  }
  EvidenceFolder(const EvidenceFolder&) = delete;
  ~EvidenceFolder() {
    std::error_code none;
    if (!kept_) fs::remove_all(folder_, none);
  }

  [[nodiscard]] fs::path of(const Row& row, std::size_t number) const {
    return folder_ / fmt::format("{:02}-{}", number, row.is_control() ? "control" : row.name);
  }
  // A trace has up to a hundred megabytes: gone before the next one comes.
  void done_with(const fs::path& evidence) const {
    std::error_code none;
    if (!kept_) fs::remove_all(evidence, none);
  }

 private:
  fs::path folder_;
  bool kept_;
};

// Before the mutants of a scenario its control.
std::vector<Row> make_rows(const SelftestArguments& arguments, std::vector<Mutant> mutants) {
  const auto listed = hil::plan::list_scenarios({arguments.scenarios});
  std::stable_sort(mutants.begin(), mutants.end(), [](const Mutant& a, const Mutant& b) {
    return std::tie(a.scenario, a.select) < std::tie(b.scenario, b.select);
  });
  const fs::path self = fs::read_symlink("/proc/self/exe");
  std::vector<Row> rows;
  for (const Mutant& mutant : mutants) {
    const auto found = std::find_if(listed.begin(), listed.end(),
                                    [&](const auto& one) { return one.id == mutant.scenario; });
    if (found == listed.end())
      throw hil::plan::Error(
          fmt::format("mutant '{}': there is no scenario '{}' in {}; give "
                      "--scenarios DIR",
                      mutant.name, mutant.scenario, arguments.scenarios.string()));
    Row row{mutant.name,   mutant.puts_back, mutant.scenario,
            mutant.select, mutant.program,   found->file};
    if (rows.empty() || rows.back().question() != row.question()) {
      Row control = row;
      control.name.clear();
      control.puts_back = "nothing: the control";
      control.program = self;
      rows.push_back(std::move(control));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string joined(const std::vector<std::string>& words) {
  constexpr std::size_t kShown = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(words.size(), kShown); ++i)
    text += (i == 0 ? "" : ", ") + words[i];
  return words.size() > kShown ? fmt::format("{} and {} more", text, words.size() - kShown) : text;
}

// Prints the table while it grows; on a terminal also what is being run.
class Table {
 public:
  explicit Table(std::FILE* out) : out_(out) {
    fmt::print(out_, "{:<21} {:<28} {:<8} {:<12}  {}\n", "mutant", "scenario", "expected",
               "observed", "puts back");
  }

  void begin(const Row& row, std::size_t number, std::size_t of) const {
    if (!terminal_) return;
    fmt::print(stderr, "[{}/{}] {}: {}", number, of, row.is_control() ? "control" : row.name,
               row.question());
    std::fflush(stderr);
  }
  void end(const Row& row) const {
    if (terminal_) fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    fmt::print(out_, "{:<21} {:<28} {:<8} {:<12}  {}\n", row.is_control() ? "-" : row.name,
               row.question(), row.expected(), row.outcome.verdict, row.puts_back);
    if (!row.outcome.failed.empty())
      fmt::print(out_, "{:<21} {} by {}\n", "", row.is_control() ? "refused" : "noticed",
                 joined(row.outcome.failed));
    if (!row.outcome.mishap.empty()) fmt::print(out_, "{:<21} {}\n", "", row.outcome.mishap);
    std::fflush(out_);
  }

 private:
  std::FILE* out_;
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
};

struct Verdict {
  std::string word;
  int exit = 0;
  std::vector<std::string> survivors;  // mutants that were not noticed
  std::size_t mutants = 0, controls = 0, refused = 0;
};

Verdict judge(const std::vector<Row>& done, std::size_t planned) {
  Verdict verdict;
  for (const Row& row : done) {
    ++(row.is_control() ? verdict.controls : verdict.mutants);
    if (row.as_expected()) continue;
    if (row.is_control())
      verdict.refused += 1;
    else
      verdict.survivors.push_back(row.name);
  }
  const bool bad = !verdict.survivors.empty() || verdict.refused > 0;
  verdict.word = done.size() < planned ? "ABORTED" : bad ? "FAIL" : "PASS";
  verdict.exit = done.size() < planned ? kStopped : bad ? kFail : 0;
  return verdict;
}

void print_verdict(std::FILE* out, const Verdict& verdict, shm::Duration elapsed) {
  std::string text = fmt::format("{} of {} mutants noticed, {} of {} controls pass",
                                 verdict.mutants - verdict.survivors.size(), verdict.mutants,
                                 verdict.controls - verdict.refused, verdict.controls);
  if (!verdict.survivors.empty())
    text += "; not noticed: " + fmt::format("{}", fmt::join(verdict.survivors, ", "));
  fmt::print(out, "SELFTEST {}   {}   {}   exit {}\n", verdict.word, text,
             hil::report::duration_text(elapsed), verdict.exit);
}

Json to_json(const Row& row) {
  Json json{{"mutant", row.is_control() ? Json(nullptr) : Json(row.name)},
            {"puts_back", row.is_control() ? Json(nullptr) : Json(row.puts_back)},
            {"scenario", row.scenario},
            {"select", row.select},
            {"expected", row.expected()}};
  return json;
}

Json to_json(const Row& row, const Outcome& outcome) {
  Json json = to_json(row);
  json["observed"] = outcome.verdict;
  json["as_expected"] = row.as_expected();
  json["failed"] = outcome.failed;
  if (!outcome.mishap.empty()) json["mishap"] = outcome.mishap;
  json["elapsed_s"] = std::chrono::duration<double>(row.elapsed).count();
  return json;
}

int list(const SelftestArguments& arguments, const std::vector<Row>& rows) {
  if (arguments.output == SelftestArguments::Output::json) {
    Json json = Json::array();
    for (const Row& row : rows)
      if (!row.is_control()) json.push_back(to_json(row));
    print_json(json);
    return 0;
  }
  fmt::print("{:<21} {:<28} {}\n", "mutant", "scenario", "puts back");
  for (const Row& row : rows)
    if (!row.is_control())
      fmt::print("{:<21} {:<28} {}\n", row.name, row.question(), row.puts_back);
  return 0;
}

int run(const SelftestArguments& arguments, const std::vector<Row>& rows) {
  const bool json = arguments.output == SelftestArguments::Output::json;
  std::FILE* text = json ? stderr : stdout;
  const EvidenceFolder evidence(arguments.out);
  const shm::Clock& clock = shm::system_clock();
  const shm::MonotonicTime begin = clock.now();
  catch_stop_signals();
  const Table table(text);
  std::vector<Row> done;
  for (Row row : rows) {
    if (stop_requested()) break;
    const std::size_t number = done.size() + 1;
    table.begin(row, number, rows.size());
    const fs::path folder = evidence.of(row, number);
    const shm::MonotonicTime from = clock.now();
    row.outcome = run_trial({row.program, row.file, row.select, folder}, stop_requested);
    row.elapsed = clock.now() - from;
    evidence.done_with(folder);
    table.end(row);
    // One that was stopped is no answer.
    if (stop_requested()) break;
    done.push_back(std::move(row));
  }
  const Verdict verdict = judge(done, rows.size());
  print_verdict(text, verdict, clock.now() - begin);
  if (json) {
    Json result{{"schema", "hil-selftest/v1"},
                {"version", DAO_HIL_VERSION},
                {"verdict", verdict.word},
                {"exit_code", verdict.exit},
                {"elapsed_s", std::chrono::duration<double>(clock.now() - begin).count()},
                {"not_noticed", verdict.survivors}};
    result["trials"] = Json::array();
    for (const Row& row : done) result["trials"].push_back(to_json(row, row.outcome));
    print_json(result);
  }
  return verdict.exit;
}

int selftest(SelftestArguments arguments) {
  // Beside the program where it was built; an installation has none.
  if (arguments.mutants.empty())
    arguments.mutants = fs::read_symlink("/proc/self/exe").parent_path() / "../selftest";
  std::vector<Mutant> mutants = read_mutants(arguments.mutants);
  std::erase_if(mutants, [&](const Mutant& mutant) {
    return mutant.name.find(arguments.select) == std::string::npos &&
           mutant.scenario.find(arguments.select) == std::string::npos;
  });
  if (mutants.empty()) {
    fmt::print(stderr, "hil: no mutant is selected by --select '{}'; --list shows them\n",
               arguments.select);
    return kNothingSelected;
  }
  const std::vector<Row> rows = make_rows(arguments, std::move(mutants));
  return arguments.action == SelftestArguments::Action::list ? list(arguments, rows)
                                                             : run(arguments, rows);
}

}  // namespace

void add_selftest(CLI::App& program, Chosen& chosen) {
  CLI::App* verb = program.add_subcommand(
      "selftest",
      "Show that the suite can fail. A mutant is this program with one defect put back into the\n"
      "FIFO, or into the judge: most are the reference library's. Each must make the scenario "
      "named\n"
      "FAIL, in virtual time; ERROR, INCONCLUSIVE or a crash is not noticed. The same scenario "
      "must\n"
      "PASS with the FIFO as it is.\n\n"
      "Mutants are built in the source tree, on request, and never installed:\n"
      "  cmake --build --preset release --target selftest_mutants\n"
      "  build/release/tools/hil selftest");
  verb->footer(
      "\nExamples\n"
      "  hil selftest --list                        which defects, and who must notice\n"
      "  hil selftest --select ovw                  the scenarios of the overwrite group\n"
      "  hil selftest --select stale --out e        keep the evidence; then\n"
      "  hil explain e/02-stale-mapping flt.recreate@ocam2k\n\n"
      "Exit status: 0 every mutant was noticed and every control passed, 1 not so, 2 usage or no\n"
      "mutants, 4 a program could not be started, 5 nothing selected, 130 stopped\n");
  const auto arguments = std::make_shared<SelftestArguments>();
  verb->add_flag_callback(
      "--list", [arguments] { arguments->action = SelftestArguments::Action::list; },
      "Say which mutants there are, run none");
  verb->add_option("--select", arguments->select,
                   "Only mutants whose name, or that of their scenario, contains this text")
      ->type_name("TEXT");
  verb->add_option("--scenarios", arguments->scenarios, "Folder of the scenarios")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_option("--mutants", arguments->mutants,
                   "Folder of the mutants. Default: ../selftest, from where this program is")
      ->type_name("DIR");
  verb->add_option("--out", arguments->out,
                   "Keep the evidence: a folder a row, <number>-<mutant>. Default: it is removed")
      ->type_name("DIR");
  verb->add_flag_callback(
      "--json", [arguments] { arguments->output = SelftestArguments::Output::json; },
      "Result as JSON on standard output, the table on standard error");
  verb->callback([&chosen, arguments] { chosen = [arguments] { return selftest(*arguments); }; });
}

}  // namespace daohil::tools
