#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "hil/judge/result.hpp"
#include "hil/report/suite_result.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::report {

/// The evidence cannot be written; one line naming the path and the way out.
class EvidenceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The name of a case's folder in `cases`: an id holds a slash where it names a sweep.
[[nodiscard]] std::string folder_name(std::string id);

/// The folder a run leaves behind:
///   verdict.txt run.json junit.xml host.json seed.txt SHA256SUMS
///   benches/<name>.yaml cases/<id>/{scenario.resolved.yaml result.json trace.bin}
/// Earlier attempts of a case are kept as cases/<id>.attempt-<n>.
class Evidence {
 public:
  /// Makes the folder. @throws EvidenceError if it exists and is not empty: no run is overwritten
  explicit Evidence(const std::filesystem::path& folder);

  /// Written as soon as a case is judged, so that a run that dies leaves what it had.
  void add(const SuiteResult& suite, const judge::CaseResult& result, const Trace& trace);
  /// Summary files and, last, the sums of everything.
  void finish(const SuiteResult& suite);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace daohil::hil::report
