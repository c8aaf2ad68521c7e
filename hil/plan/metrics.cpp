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

constexpr Entry kReaderMetrics[]{{"identity", Quantity::truth},
                                 {"delivered", Quantity::count},
                                 {"lost", Quantity::count},
                                 {"overwrites", Quantity::count},
                                 {"backlog", Quantity::count},
                                 {"backlog.max", Quantity::count},
                                 {"evicted", Quantity::count},
                                 {"backward", Quantity::count},
                                 {"duplicates", Quantity::count},
                                 {"skipped", Quantity::count},
                                 {"torn", Quantity::count},
                                 {"content_bad", Quantity::count},
                                 {"content_good", Quantity::count},
                                 {"lossless", Quantity::truth},
                                 {"loss.upper95", Quantity::number},
                                 {"oracle.violations", Quantity::count, Tier::b},
                                 {"oracle.ambiguous", Quantity::count, Tier::b},
                                 {"calls", Quantity::count},
                                 {"sha256", Quantity::text},
                                 {"age.max", Quantity::duration},
                                 {"age.excess", Quantity::duration},
                                 {"latency.p50", Quantity::duration},
                                 {"latency.p99", Quantity::duration},
                                 {"latency.p99_9", Quantity::duration},
                                 {"latency.p99_99", Quantity::duration},
                                 {"latency.max", Quantity::duration},
                                 {"recovery.max", Quantity::duration},
                                 {"recovery.reads", Quantity::count},
                                 {"reopened", Quantity::count},
                                 {"stamps.backward", Quantity::count},
                                 {"history.short", Quantity::count},
                                 {"history.gaps", Quantity::count}};

constexpr Entry kSourceMetrics[]{{"rate", Quantity::rate},
                                 {"rate_error_ppm", Quantity::number},
                                 {"frames", Quantity::count},
                                 {"id_gaps", Quantity::count},
                                 {"duplicates", Quantity::count},
                                 {"reordered", Quantity::count},
                                 {"cnt_gaps", Quantity::count},
                                 {"late", Quantity::count},
                                 {"skipped", Quantity::count},
                                 {"loss.upper95", Quantity::number},
                                 {"period.sd", Quantity::duration},
                                 {"period.p99", Quantity::duration},
                                 {"period.max", Quantity::duration},
                                 {"lateness.p99", Quantity::duration},
                                 {"lateness.max", Quantity::duration},
                                 {"write.p99", Quantity::duration},
                                 {"model", Quantity::text},
                                 {"identity", Quantity::text}};

constexpr Entry kPredictions[]{
    {"overwrites", Quantity::count},    {"lost", Quantity::count},
    {"backlog", Quantity::count},       {"cycle_len", Quantity::count},
    {"recovery", Quantity::duration},   {"lossless", Quantity::truth},
    {"safe_depth", Quantity::count},    {"hold_budget", Quantity::duration},
    {"source_drops", Quantity::count},  {"newest_skips", Quantity::count},
    {"history_valid", Quantity::count}, {"source_sha256", Quantity::text},
    {"age_bound", Quantity::duration}};

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
    case Quantity::number:
      return "a number";
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
