#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hil/judge/result.hpp"
#include "shm/time.hpp"

/// Verdict to files a person or a machine reads. Draws, never judges.
namespace daohil::hil::report {

/// Which verdicts that are no failure make the exit status 1 all the same.
struct Strictness {
  enum class Marginal { passes, fails } marginal = Marginal::passes;
  enum class Skipped { passes, fails } skipped = Skipped::passes;
};

struct SuiteResult {
  std::vector<judge::CaseResult> results;  ///< every attempt of every case, sweeps at the end
  judge::Verdict verdict = judge::Verdict::skip;
  Strictness strictness;
  shm::UtcTime started;
  shm::Duration elapsed{0};
  std::string command;   ///< as typed, without --select and --out: the beginning of `rerun:`
  bool repeats = false;  ///< the command is a `rerun`: evidence, which knows the mode of each case
  std::vector<std::pair<std::string, std::string>> host;
};

/// Of its verdict, or 1 where that would be 0 and its strictness says otherwise.
[[nodiscard]] int exit_code_of(const SuiteResult& suite);

/// The command that repeats one case.
[[nodiscard]] std::string rerun_of(const SuiteResult& suite, const judge::CaseResult& result);

/// Attempts that a later attempt of the same case replaced.
[[nodiscard]] bool superseded(const SuiteResult& suite, std::size_t index);

}  // namespace daohil::hil::report
