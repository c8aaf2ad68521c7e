#pragma once

#include <string>

#include "hil/judge/metrics.hpp"
#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"

namespace daohil::hil::judge {

/// What theory predicts for an expectation, before anything has run: from the scenario's numbers.
/// @param metric of the form fifo.<fifo>.<reader>.<quantity>: names the reader
/// @throws std::invalid_argument on an unknown prediction or reader (plans are checked, so this
///         is a defect of the caller)
[[nodiscard]] Prediction predict(const plan::Case& planned,
                                 const drivers::CameraDescription& source,
                                 const std::string& prediction, const std::string& metric);

/// The same with the interval widened to what the bench as measured allows (tier C): rate error,
/// wake-up latency and lateness of calls, each in both directions, pauses of the host excluded.
/// In virtual time it stays exact.
[[nodiscard]] Prediction predict(const plan::Case& planned,
                                 const drivers::CameraDescription& source,
                                 const std::string& prediction, const std::string& metric,
                                 const SourceFacts& bench, const ReaderFacts& reader);

/// The reader a metric speaks of; nullptr for metrics of the source.
[[nodiscard]] const plan::ReaderPlan* reader_of(const plan::Case& planned,
                                                const std::string& metric);

}  // namespace daohil::hil::judge
