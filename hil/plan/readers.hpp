#pragma once

#include <optional>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/plan/fields.hpp"

namespace daohil::hil::plan {

/// What readers are relative to.
struct ReaderContext {
  const FifoPlan& fifo;
  std::optional<shm::Rate> rate;  ///< of the bound source; rho needs it
  std::optional<Mode> mode;       ///< empty: the case will not run, so no mode can be wrong
};

/// The `readers` of a scenario. @throws Error also for what the mode cannot do
std::vector<ReaderPlan> read_readers(const Field& readers, const ReaderContext& context);

}  // namespace daohil::hil::plan
