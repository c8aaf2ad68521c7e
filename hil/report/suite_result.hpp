#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hil/judge/result.hpp"
#include "shm/time.hpp"

/// Verdict to files a person or a machine reads. Draws, never judges.
namespace daohil::hil::report {

struct SuiteResult {
  std::vector<judge::CaseResult> results;  ///< every attempt of every case, sweeps at the end
  judge::Verdict verdict = judge::Verdict::skip;
  shm::UtcTime started;
  shm::Duration elapsed{0};
  std::string command;   ///< as typed, without --select and --out: the beginning of `rerun:`
  bool repeats = false;  ///< the command is a `rerun`: evidence, which knows the mode of each case
  std::vector<std::pair<std::string, std::string>> host;
};

/// The command that repeats one case.
[[nodiscard]] std::string rerun_of(const SuiteResult& suite, const judge::CaseResult& result);

/// Attempts that a later attempt of the same case replaced.
[[nodiscard]] bool superseded(const SuiteResult& suite, std::size_t index);

}  // namespace daohil::hil::report
