#pragma once

#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/plan/fields.hpp"

namespace daohil::hil::plan {

/// What faults refer to.
struct FaultContext {
  const SourcePlan& source;
  const std::vector<ReaderPlan>& readers;
  std::optional<Mode> mode;  ///< empty when the case is not run
};

/// The faults of a scenario. Changes of the rate become part of the source's settings.
/// @throws Error
std::vector<Fault> read_faults(const Field& field, const FaultContext& context,
                               std::vector<drivers::RateStep>& rate_steps);

}  // namespace daohil::hil::plan
