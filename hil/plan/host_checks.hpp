#pragma once

#include <span>
#include <vector>

#include "hil/plan/bench.hpp"
#include "hil/plan/case.hpp"
#include "hil/plan/fields.hpp"
#include "hil/plan/metrics.hpp"

namespace daohil::hil::plan {

/// What a scenario with `checks` looks at: the groups it lists, for as long as `duration` says,
/// under what the roles of the bench make the host carry. A key of scenarios with a camera is
/// wrong.
/// @param mode in which it runs; in virtual time there is no host to look at
HostChecks read_host_checks(const Section& top, const Bench& bench, std::optional<Mode> mode);

/// host.<group>.<what>, numbers all.
std::vector<Metric> metrics_of_host(std::span<const host::Group> groups);

}  // namespace daohil::hil::plan
