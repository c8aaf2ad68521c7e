#include "hil/report/json.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace daohil::hil::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kIndent = 2;

// Broken bytes in a path or message must not keep the report from being written.
std::string dump(const Json& json) {
  return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json to_json(const plan::Value& value) {
  return std::visit(
      [](const auto& v) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, double>)
          if (!std::isfinite(v)) return nullptr;
        return v;
      },
      value);
}

std::string_view name_of(plan::Tier tier) {
  switch (tier) {
    case plan::Tier::a:
      return "A";
    case plan::Tier::b:
      return "B";
    case plan::Tier::c:
      return "C";
  }
  return "?";
}

double seconds(shm::Duration d) { return std::chrono::duration<double>(d).count(); }

Json to_json(const judge::Measurement& m) {
  Json json{{"id", m.id},       {"metric", m.metric},      {"observed", to_json(m.observed)},
            {"limit", m.limit}, {"tier", name_of(m.tier)}, {"verdict", judge::name_of(m.verdict)}};
  if (!m.why.empty()) json["why"] = m.why;
  if (m.prediction) {
    const auto& p = *m.prediction;
    json["prediction"] = {
        {"nominal", to_json(p.nominal)}, {"formula", p.formula}, {"inputs", p.inputs}};
    if (!std::holds_alternative<std::string>(p.nominal)) {
      json["prediction"]["low"] = p.low;
      json["prediction"]["high"] = p.high;
    }
  }
  return json;
}

Json to_json(const judge::BenchHealth& health) {
  Json json{{"scheduling", health.scheduling == Scheduling::realtime ? "realtime" : "ordinary"},
            {"rate_hz", health.rate_hz},
            {"rate_error_ppm", health.rate_error_ppm},
            {"skipped", health.skipped},
            {"late", health.late},
            {"worst_lateness_ns", health.worst_lateness_ns},
            {"host_pauses", health.pauses}};
  if (!health.unfit.empty()) json["unfit"] = health.unfit;
  return json;
}

Json to_json(const drivers::CameraDescription& source) {
  Json json{{"model", source.model},
            {"identity", source.identity},
            {"shape", source.format.shape().str()},
            {"dtype", shm::name_of(source.format.type())},
            {"rate_hz", source.rate.hertz()}};
  if (!source.sha256.empty()) json["sha256"] = source.sha256;
  return json;
}

Json to_json(const SuiteResult& suite, const judge::CaseResult& result) {
  const plan::Case& planned = result.planned;
  Json json{{"id", planned.id},
            {"scenario", planned.scenario},
            {"title", planned.title},
            {"group", planned.group},
            {"severity", planned.severity == plan::Severity::mandatory ? "mandatory" : "advisory"},
            {"requirements", planned.requirements},
            {"bench", planned.bench},
            {"mode", plan::name_of(planned.mode)},
            {"variables", planned.variables},
            {"seed", planned.seed},
            {"depth", planned.fifo.depth},
            {"frames", planned.frames},
            {"attempt", result.attempt},
            {"verdict", judge::name_of(result.verdict)},
            {"headline", result.headline},
            {"elapsed_s", seconds(result.elapsed)}};
  if (!result.why.empty()) json["why"] = result.why;
  if (result.verdict > judge::Verdict::pass) json["rerun"] = rerun_of(suite, result);
  // Not in its scenario.resolved.yaml, where it would compare one case with itself.
  for (const plan::SweepExpectation& sweep : planned.sweep)
    if (planned.id != sweep.case_id)
      json["sweeps"].push_back({{"id", sweep.id},
                                {"case", sweep.case_id},
                                {"cases", sweep.cases},
                                {"over", sweep.over},
                                {"metric", sweep.metric},
                                {"predicted", sweep.predicted}});
  if (result.source) json["source"] = to_json(*result.source);
  json["health"] = to_json(result.health);
  json["measurements"] = Json::array();
  for (const auto& m : result.measurements) json["measurements"].push_back(to_json(m));
  json["metrics"] = Json::object();
  for (const auto& [name, value] : result.metrics) json["metrics"][name] = to_json(value);
  return json;
}

Json facts(const SuiteResult& suite) {
  Json json = Json::object();
  for (const auto& [name, value] : suite.host) json[name] = value;
  return json;
}

Json counts(const SuiteResult& suite) {
  Json json = Json::object();
  for (const auto verdict :
       {judge::Verdict::pass, judge::Verdict::marginal, judge::Verdict::fail, judge::Verdict::flaky,
        judge::Verdict::inconclusive, judge::Verdict::error, judge::Verdict::skip,
        judge::Verdict::aborted}) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < suite.results.size(); ++i)
      if (suite.results[i].verdict == verdict && !superseded(suite, i)) ++n;
    json[std::string(judge::name_of(verdict))] = n;
  }
  return json;
}

}  // namespace

std::string run_json(const SuiteResult& suite) {
  Json json{{"schema", "dao-hil/run/1"},
            {"verdict", judge::name_of(suite.verdict)},
            {"exit_code", exit_code_of(suite)},
            {"started", shm::to_iso8601(suite.started)},
            {"elapsed_s", seconds(suite.elapsed)},
            {"command", suite.command},
            {"version", DAO_HIL_VERSION},
            {"counts", counts(suite)},
            {"host", facts(suite)}};
  json["cases"] = Json::array();
  for (const auto& result : suite.results) json["cases"].push_back(to_json(suite, result));
  return dump(json);
}

std::string case_json(const SuiteResult& suite, const judge::CaseResult& result) {
  return dump(to_json(suite, result));
}

std::string host_json(const SuiteResult& suite) { return dump(facts(suite)); }

}  // namespace daohil::hil::report
