#include <fmt/format.h>

#include <memory>

#include "hil/judge/result.hpp"
#include "hil/report/text.hpp"
#include "hil/suite.hpp"
#include "tools/verbs.hpp"

namespace daohil::tools {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const hil::Forecast& forecast) {
  Json json{{"id", forecast.planned.id},
            {"variables", forecast.planned.variables},
            {"mode", hil::plan::name_of(forecast.planned.mode)},
            {"frames", forecast.planned.frames},
            {"depth", forecast.planned.fifo.depth},
            {"seed", forecast.planned.seed},
            {"duration_s", std::chrono::duration<double>(forecast.duration).count()}};
  if (!forecast.planned.skip.empty()) json["skip"] = forecast.planned.skip;
  json["sweeps"] = Json::array();
  for (const auto& sweep : forecast.planned.sweep) json["sweeps"].push_back(sweep.case_id);
  json["predictions"] = Json::array();
  for (const auto& line : forecast.lines)
    json["predictions"].push_back({{"id", line.id},
                                   {"metric", line.metric},
                                   {"predicted", hil::judge::to_text(line.prediction.nominal)},
                                   {"formula", line.prediction.formula},
                                   {"inputs", line.prediction.inputs}});
  return json;
}

int plan(const ScenarioArguments& arguments) {
  const auto forecasts = hil::forecast(arguments.make_plan());
  if (arguments.output == ScenarioArguments::Output::json) {
    Json json = Json::array();
    for (const auto& forecast : forecasts) json.push_back(to_json(forecast));
    print_json(json);
    return 0;
  }
  shm::Duration total{0};
  for (const auto& forecast : forecasts) {
    total += forecast.duration;
    fmt::print("{}   {} {} frames\n", forecast.planned.id,
               hil::plan::name_of(forecast.planned.mode), forecast.planned.frames);
    if (!forecast.planned.skip.empty()) fmt::print("    skip: {}\n", forecast.planned.skip);
    for (const auto& line : forecast.lines)
      fmt::print("    {:<34} {:<10}  {}   {}\n", line.metric,
                 hil::judge::to_text(line.prediction.nominal), line.prediction.formula,
                 line.prediction.inputs);
  }
  fmt::print("{} cases, {} in real time\n", forecasts.size(), hil::report::duration_text(total));
  return 0;
}

}  // namespace

void add_plan(CLI::App& program, Chosen& chosen) {
  CLI::App* verb =
      program.add_subcommand("plan", "Say which cases would run and what theory predicts of them");
  const auto arguments = std::make_shared<ScenarioArguments>();
  add_scenario_arguments(*verb, *arguments, Needs::files);
  verb->callback([&chosen, arguments] { chosen = [arguments] { return plan(*arguments); }; });
}

}  // namespace daohil::tools
