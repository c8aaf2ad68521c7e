#pragma once

#include <map>
#include <string>

#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"

namespace daohil::hil {

/// When a case is tried again, and what its attempts come to.
///
/// What the bench spoiled (INCONCLUSIVE, ERROR) is tried again as often as the scenario allows: the
/// first attempt that measured something counts. A FAIL is never tried again to be rid of it. With
/// a probe it is, so many times, to see whether it always fails: if one of those attempts passes,
/// the case is FLAKY, which no later attempt can mend.
class Attempts {
 public:
  Attempts(const plan::Case& planned, unsigned flaky_probe)
      : planned_(&planned), flaky_probe_(flaky_probe) {}

  /// Of the attempt to be made, from 1.
  [[nodiscard]] int next_number() const { return made_ + 1; }

  /// Takes an attempt. If it is the last of a case whose attempts disagree, makes it FLAKY.
  void take(judge::CaseResult& result);

  /// Whether an attempt before was INCONCLUSIVE.
  [[nodiscard]] bool after_inconclusive() const {
    return verdicts_.contains(judge::Verdict::inconclusive);
  }

  [[nodiscard]] bool another() const { return another_; }

 private:
  [[nodiscard]] bool spoiled(judge::Verdict verdict) const;

  const plan::Case* planned_;
  unsigned flaky_probe_;
  int made_ = 0;
  unsigned probes_ = 0;  // made so far, after the first FAIL
  bool failed_ = false;
  bool another_ = false;
  std::string first_why_;
  std::map<judge::Verdict, int> verdicts_;
};

}  // namespace daohil::hil
