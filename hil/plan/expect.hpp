#pragma once

#include <span>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/plan/fields.hpp"
#include "hil/plan/matrix.hpp"
#include "hil/plan/metrics.hpp"

namespace daohil::hil::plan {

/// The `expect` list. A line that gives no tier gets C if it compares with a prediction, else the
/// metric's own (B for the oracle, A for the rest).
/// @throws Error also for an unknown metric or prediction (naming the nearest) and for a value of
///         the wrong kind: a count is not compared with true
std::vector<Expectation> read_expect(const Field& expect, std::span<const Metric> metrics);

/// The `sweep` list: claims over all values of one matrix variable of whole numbers.
std::vector<SweepExpectation> read_sweep(const Field& sweep, std::span<const Metric> metrics,
                                         const Combination& variables);

}  // namespace daohil::hil::plan
