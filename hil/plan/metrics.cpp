#include "hil/plan/metrics.hpp"

#include <fmt/format.h>

#include <array>

namespace daohil::hil::plan {
namespace {

struct Entry {
  std::string_view name;
  Quantity quantity;
  Tier tier = Tier::a;
};

constexpr std::array<Entry, 19> kReaderMetrics{{{"identity", Quantity::truth},
                                                {"delivered", Quantity::count},
                                                {"lost", Quantity::count},
                                                {"overwrites", Quantity::count},
                                                {"backlog", Quantity::count},
                                                {"evicted", Quantity::count},
                                                {"backward", Quantity::count},
                                                {"duplicates", Quantity::count},
                                                {"torn", Quantity::count},
                                                {"content_bad", Quantity::count},
                                                {"lossless", Quantity::truth},
                                                {"oracle.violations", Quantity::count, Tier::b},
                                                {"oracle.ambiguous", Quantity::count, Tier::b},
                                                {"calls", Quantity::count},
                                                {"sha256", Quantity::text},
                                                {"age.max", Quantity::duration},
                                                {"latency.p50", Quantity::duration},
                                                {"latency.p99", Quantity::duration},
                                                {"latency.max", Quantity::duration}}};

constexpr std::array<Entry, 5> kSourceMetrics{{{"rate", Quantity::rate},
                                               {"frames", Quantity::count},
                                               {"id_gaps", Quantity::count},
                                               {"late", Quantity::count},
                                               {"skipped", Quantity::count}}};

constexpr std::array<Entry, 7> kPredictions{{{"overwrites", Quantity::count},
                                             {"lost", Quantity::count},
                                             {"backlog", Quantity::count},
                                             {"lossless", Quantity::truth},
                                             {"safe_depth", Quantity::count},
                                             {"source_sha256", Quantity::text},
                                             {"age_bound", Quantity::duration}}};

}  // namespace

std::string_view name_of(Quantity quantity) {
  switch (quantity) {
    case Quantity::truth:
      return "true or false";
    case Quantity::count:
      return "a count";
    case Quantity::duration:
      return "a duration";
    case Quantity::rate:
      return "a rate";
    case Quantity::text:
      return "a text";
  }
  return "?";
}

std::vector<Metric> metrics_of(const std::string& role, const std::string& fifo,
                               const std::vector<ReaderPlan>& readers) {
  std::vector<Metric> metrics;
  for (const auto& reader : readers)
    for (const auto& entry : kReaderMetrics)
      metrics.push_back({fmt::format("fifo.{}.{}.{}", fifo, reader.name, entry.name),
                         entry.quantity, entry.tier});
  for (const auto& entry : kSourceMetrics)
    metrics.push_back({fmt::format("source.{}.{}", role, entry.name), entry.quantity, entry.tier});
  return metrics;
}

std::vector<std::string_view> prediction_names() {
  std::vector<std::string_view> names;
  for (const auto& entry : kPredictions) names.push_back(entry.name);
  return names;
}

std::optional<Quantity> quantity_of_prediction(std::string_view name) {
  for (const auto& entry : kPredictions)
    if (entry.name == name) return entry.quantity;
  return std::nullopt;
}

}  // namespace daohil::hil::plan
