#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace daohil::tools {

/// A defect put back into one source file of the FIFO or the judge, and who must notice it.
struct Mutant {
  std::string name{};
  std::string puts_back{};          ///< the defect, in words
  std::string scenario{};           ///< id of the scenario that must FAIL
  std::string select{};             ///< as --select of `hil run`; empty: all its cases
  std::filesystem::path program{};  ///< a `hil` with the defect
};

/// The mutants of a folder, by name: <name>.patch, whose head says what stands in Mutant, and the
/// program <name> beside it; see tests/selftest/README.md.
/// @throws hil::plan::Error when the folder has none, saying how they are built, or when one has no
///   program or an incomplete head
std::vector<Mutant> read_mutants(const std::filesystem::path& folder);

/// One run of a scenario, in virtual time, by a program of its own.
struct Trial {
  std::filesystem::path program;   ///< a `hil`
  std::filesystem::path scenario;  ///< file
  std::string select;
  std::filesystem::path evidence;  ///< folder, new or empty
};

struct Outcome {
  std::string verdict{};              ///< of run.json; NONE when the program ended without one
  std::vector<std::string> failed{};  ///< ids of the expectations that FAIL
  std::string mishap{};               ///< why there is no verdict
};

/// Run the trial, at most two minutes of it. Of the program nothing is left, however it ends.
/// @param stop polled every 20 ms; true ends the trial, with verdict ABORTED if it obeys
/// @throws std::runtime_error when the program cannot be started
Outcome run_trial(const Trial& trial, const std::function<bool()>& stop);

}  // namespace daohil::tools
