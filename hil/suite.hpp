#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"
#include "hil/report/suite_result.hpp"
#include "hil/run/runner.hpp"

namespace daohil::hil {

/// A source of the plan cannot be opened or is not what the bench says: nothing was run.
class PreflightError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Someone who watches a run. Called from the one thread of the run.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void case_started(const plan::Case& planned, std::size_t number, std::size_t of,
                            int attempt) = 0;
  virtual void progress(const run::Progress& progress) = 0;
  /// @param suite what is known so far, for the `rerun:` line
  virtual void case_judged(const report::SuiteResult& suite, const judge::CaseResult& result,
                           std::size_t number, std::size_t of) = 0;
};

struct SuiteOptions {
  std::filesystem::path out;  ///< evidence folder, new or empty
  std::string command;        ///< see report::SuiteResult::command
  bool repeats = false;       ///< see report::SuiteResult::repeats
  /// How often more a case that FAILs is run, to see whether it always does: attempts that disagree
  /// make it FLAKY.
  unsigned flaky_probe = 0;
  report::Strictness strictness;
  /// Polled at least every 50 ms; true stops the run, tears it down and writes what there is.
  std::function<bool()> stop_requested = [] { return false; };
};

/// plan -> run -> judge -> report, case after case: preflight of all sources, each case with its
/// attempts, the sweeps, the evidence folder.
/// Not thread-safe and for single-threaded processes only: it forks.
/// @throws PreflightError, report::EvidenceError
report::SuiteResult run_suite(const std::vector<plan::Case>& cases, const SuiteOptions& options,
                              Watcher& watcher);

/// What will be run and what theory says of it, without running it.
struct Forecast {
  plan::Case planned;
  struct Line {
    std::string id;
    std::string metric;
    judge::Prediction prediction;
  };
  std::vector<Line> lines;
  shm::Duration duration{0};  ///< of one attempt in real time; 0 in virtual time
};
/// @throws PreflightError
std::vector<Forecast> forecast(const std::vector<plan::Case>& cases);

}  // namespace daohil::hil
