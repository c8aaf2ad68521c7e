#pragma once

#include <filesystem>

#include "hil/plan/bench.hpp"
#include "hil/plan/case.hpp"
#include "hil/plan/document.hpp"
#include "hil/plan/fields.hpp"

namespace daohil::hil::plan {

/// One entry of `sources`, bound: the bench's camera for that role, with the settings that the
/// scenario gives instead (shape, dtype, rate, pacing one by one). A `driver` in the scenario
/// replaces the bench's camera as a whole: settings of one device mean nothing to another.
/// @param folder where a relative `file` of the scenario begins
/// @throws Error also when the bench lacks the role, naming both files
SourcePlan bind_source(const Field& source, const Bench& bench,
                       const std::filesystem::path& folder);

/// The entry of `sources` that binds to the same on any bench.
Node source_node(const SourcePlan& source);

}  // namespace daohil::hil::plan
