#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hil/host/doctor.hpp"
#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"

namespace daohil::hil {

/// What the host scenarios of a run mean for the cases in real time that follow them on the same
/// bench. Without such a scenario the gate is open, and a case is judged by its own trace alone.
class HostGate {
 public:
  /// Looks at the host as a case says, and remembers what was found.
  /// @throws drivers::Error when a source of the bench cannot be described
  judge::CaseResult examine(const plan::Case& planned, const std::function<bool()>& stop_requested);

  /// Remembers what was found.
  /// @param planned has `host`
  void learn(const plan::Case& planned, const host::Examination& found,
             const judge::CaseResult& result);

  /// Why a case is not run: it needs a host of a better class than was measured. Empty: it is run.
  [[nodiscard]] std::string refusal(const plan::Case& planned) const;
  /// Why `timing` proves nothing: a host scenario FAILed. Empty: it may.
  [[nodiscard]] std::string unfit(const plan::Case& planned) const;
  /// An attempt that follows an INCONCLUSIVE one proves nothing on a host that is not fit.
  void judge_retry(judge::CaseResult& result) const;

  /// What is wrong, and the class: for the facts of the host.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> facts() const;

 private:
  struct Bench {
    std::optional<host::ClaimClass> measured;
    std::string failed;  // the first host scenario that FAILed, and why
  };
  [[nodiscard]] const Bench* known(const plan::Case& planned) const;

  std::map<std::string, Bench> benches_;
  std::vector<host::Finding> findings_;
  std::string claim_;
};

}  // namespace daohil::hil
