#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"

namespace daohil::hil::report {

/// One attempt of one case, or a sweep, as run.json has it.
struct StoredCase {
  std::string id;
  std::string title;
  std::string bench;
  std::string mode;
  std::string verdict;
  std::string why;
  int attempt = 1;
  bool last = true;    ///< no later attempt replaced it
  bool sweep = false;  ///< a claim over other cases: has no trace
  std::uint32_t depth = 1;
  std::uint64_t seed = 0;
  std::vector<std::string> failed;  ///< expectations that did not hold, one line each
  std::vector<std::string> asked;   ///< readers that an expectation asks the oracle about
  std::vector<plan::SweepExpectation> sweeps;  ///< it belongs to
  std::string recording;                       ///< the file that its source played; empty: none
  std::string sha256;                          ///< of that file's pixels
  std::filesystem::path folder;

  [[nodiscard]] bool good() const {  ///< nothing to look into
    return verdict == "PASS" || verdict == "MARGINAL" || verdict == "SKIP";
  }
};

/// A folder of evidence, read back.
class StoredRun {
 public:
  /// @throws EvidenceError naming the file and what is wrong with it
  explicit StoredRun(std::filesystem::path folder);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const std::vector<StoredCase>& cases() const { return cases_; }

  /// The case meant by `text`: its id, or a part that no other id has. Of several attempts the
  /// last.
  /// @throws EvidenceError listing the candidates when it is none or more than one
  [[nodiscard]] const StoredCase& find(const std::string& text) const;

  /// The plan of a case, from its folder and the bench beside it alone.
  /// @throws plan::Error
  [[nodiscard]] plan::Case plan_of(const StoredCase& stored) const;

  struct Selection {
    std::string text;          ///< as of PlanOptions::select; a whole id means that case alone
    bool failed_only = false;  ///< neither PASS, MARGINAL nor SKIP, and cases of such a sweep
  };
  /// The plans of the cases selected, sweeps included, ready to run again; what was skipped then is
  /// skipped again. A recording is compared with what was played.
  /// @throws EvidenceError when a recording is missing or another one; plan::Error
  [[nodiscard]] std::vector<plan::Case> plan_again(const Selection& selection) const;

 private:
  std::filesystem::path folder_;
  std::vector<StoredCase> cases_;
};

}  // namespace daohil::hil::report
