#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hil/plan/case.hpp"

namespace daohil::hil::plan {

/// What a metric counts in, and so what it may be compared with.
enum class Quantity { truth, count, duration, rate, number, text };
[[nodiscard]] std::string_view name_of(Quantity quantity);  ///< "true or false", "a count" ...

struct Metric {
  std::string name;  ///< "fifo.wfs.slow.overwrites"
  Quantity quantity = Quantity::count;
  Tier tier = Tier::a;  ///< of a claim that does not say
};

/// Every metric of a scenario with these readers: fifo.<fifo>.<reader>.<what>,
/// source.<role>.<what>.
std::vector<Metric> metrics_of(const std::string& role, const std::string& fifo,
                               const std::vector<ReaderPlan>& readers);

/// The predictions that `predicted:` may name.
std::vector<std::string_view> prediction_names();
/// Empty for an unknown one.
std::optional<Quantity> quantity_of_prediction(std::string_view name);

}  // namespace daohil::hil::plan
