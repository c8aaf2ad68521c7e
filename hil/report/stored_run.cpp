#include "hil/report/stored_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "drivers/registry.hpp"
#include "hil/plan/planner.hpp"
#include "hil/plan/show.hpp"
#include "hil/report/evidence.hpp"

namespace daohil::hil::report {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostCandidates = 20;

Json read_json(const fs::path& file) {
  std::ifstream in(file);
  if (!in)
    throw EvidenceError(fmt::format(
        "{}: cannot be opened; name the folder that 'hil run' left, whole", file.string()));
  try {
    return Json::parse(in);
  } catch (const Json::exception&) {  // whose text may run over pages
    throw EvidenceError(fmt::format("{}: is not JSON: damaged", file.string()));
  }
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string line_of(const Json& m) {
  std::string line = fmt::format("{}: {} observed {}, limit {}", m.at("id").get<std::string>(),
                                 m.at("metric").get<std::string>(), text_of(m.at("observed")),
                                 m.at("limit").get<std::string>());
  if (m.contains("prediction"))
    line += fmt::format("   ({}; {})", m["prediction"].value("formula", ""),
                        m["prediction"].value("inputs", ""));
  return line;
}

plan::SweepExpectation sweep_of(const Json& json) {
  plan::SweepExpectation sweep;
  sweep.id = json.at("id").get<std::string>();
  sweep.case_id = json.at("case").get<std::string>();
  sweep.cases = json.at("cases").get<std::size_t>();
  sweep.over = json.at("over").get<std::string>();
  sweep.metric = json.at("metric").get<std::string>();
  sweep.predicted = json.at("predicted").get<std::string>();
  return sweep;
}

StoredCase case_of(const Json& json) {
  StoredCase stored;
  stored.id = json.at("id").get<std::string>();
  stored.title = json.at("title").get<std::string>();
  stored.bench = json.at("bench").get<std::string>();
  stored.mode = json.at("mode").get<std::string>();
  stored.verdict = json.at("verdict").get<std::string>();
  stored.why = json.value("why", "");
  stored.attempt = json.at("attempt").get<int>();
  stored.depth = json.at("depth").get<std::uint32_t>();
  stored.seed = json.at("seed").get<std::uint64_t>();
  stored.sweep = stored.id.starts_with(json.at("scenario").get<std::string>() + "/");
  for (const Json& m : json.at("measurements")) {
    if (m.at("verdict") != "PASS") stored.failed.push_back(line_of(m));
    // "fifo.wfs.slow.oracle.violations"
    const auto metric = m.at("metric").get<std::string>();
    constexpr std::string_view kOracle = ".oracle.violations";
    if (metric.ends_with(kOracle)) {
      const auto reader = metric.substr(0, metric.size() - kOracle.size());
      stored.asked.push_back(reader.substr(reader.rfind('.') + 1));
    }
  }
  if (json.contains("sweeps"))
    for (const Json& sweep : json["sweeps"]) stored.sweeps.push_back(sweep_of(sweep));
  if (json.contains("source") && json["source"].contains("sha256")) {
    stored.recording = json["source"].at("identity").get<std::string>();
    stored.sha256 = json["source"]["sha256"].get<std::string>();
  }
  return stored;
}

void check_recording(const fs::path& run, const StoredCase& stored, const plan::Case& planned) {
  const auto camera = drivers::make_camera(planned.source.kind, shm::system_clock());
  camera->configure(planned.source.settings);
  const std::string now = camera->describe().sha256;
  if (now != stored.sha256)
    throw EvidenceError(fmt::format(
        "{}: case {} played {}, whose pixels had the sha256 {}; that file now has {}: "
        "it is another recording, put back the one that was played",
        run.string(), stored.id, plan::show_path(stored.recording), stored.sha256, now));
}

}  // namespace

StoredRun::StoredRun(fs::path folder) : folder_(std::move(folder)) {
  const fs::path file = folder_ / "run.json";
  const Json run = read_json(file);
  if (!run.is_object() || run.value("schema", "") != "dao-hil/run/1")
    throw EvidenceError(fmt::format(
        "{}: schema is not 'dao-hil/run/1': not the evidence of this program", file.string()));
  try {
    for (const Json& json : run.at("cases")) cases_.push_back(case_of(json));
  } catch (const Json::exception& error) {
    throw EvidenceError(
        fmt::format("{}: cases[{}]: damaged: {}", file.string(), cases_.size(), error.what()));
  }
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    StoredCase& stored = cases_[i];
    stored.last = i + 1 == cases_.size() || cases_[i + 1].id != stored.id ||
                  cases_[i + 1].attempt <= stored.attempt;
    stored.folder = folder_ / "cases" / folder_name(stored.id);
    if (!stored.last) stored.folder += fmt::format(".attempt-{}", stored.attempt);
  }
}

const StoredCase& StoredRun::find(const std::string& text) const {
  std::vector<const StoredCase*> candidates;
  for (const StoredCase& stored : cases_) {
    if (!stored.last) continue;
    if (stored.id == text) return stored;
    if (stored.id.find(text) != std::string::npos) candidates.push_back(&stored);
  }
  if (candidates.size() == 1) return *candidates.front();
  if (candidates.empty())
    throw EvidenceError(fmt::format("{}: no case has {} in its id; {} lists them", folder_.string(),
                                    plan::show(text), (folder_ / "verdict.txt").string()));
  std::string list;
  for (std::size_t i = 0; i < std::min(candidates.size(), kMostCandidates); ++i)
    list += fmt::format("\n  {:<12} {}", candidates[i]->verdict, candidates[i]->id);
  if (candidates.size() > kMostCandidates)
    list += fmt::format("\n  and {} more", candidates.size() - kMostCandidates);
  throw EvidenceError(fmt::format("{}: {} cases have {} in their id; say more of it:{}",
                                  folder_.string(), candidates.size(), plan::show(text), list));
}

plan::Case StoredRun::plan_of(const StoredCase& stored) const {
  const fs::path scenario = stored.folder / "scenario.resolved.yaml";
  const fs::path bench = folder_ / "benches" / (stored.bench + ".yaml");
  auto cases = plan::make_plan(
      {scenario},
      // Asked for again, also where the scenario has no such mode: what was skipped is skipped.
      {.benches = {bench}, .mode = plan::mode_of(stored.mode), .seed = std::nullopt, .select = {}});
  if (cases.size() != 1 || cases.front().id != stored.id || cases.front().seed != stored.seed)
    throw plan::Error(fmt::format("{}:1: is not the case {} with seed {} of run.json: damaged",
                                  scenario.string(), stored.id, stored.seed));
  cases.front().sweep = stored.sweeps;
  // Some are skipped for how a run was asked for: a soak that was not named.
  if (stored.verdict == "SKIP" && cases.front().skip.empty()) cases.front().skip = stored.why;
  return std::move(cases.front());
}

std::vector<plan::Case> StoredRun::plan_again(const Selection& selection) const {
  std::set<std::string> bad_sweeps;
  bool whole_id = false;
  for (const StoredCase& stored : cases_) {
    if (stored.sweep && !stored.good()) bad_sweeps.insert(stored.id);
    whole_id = whole_id || stored.id == selection.text;
  }
  const auto named = [&](const std::string& id) {
    return whole_id ? id == selection.text : id.find(selection.text) != std::string::npos;
  };
  const auto selected = [&](const StoredCase& stored) {
    const auto any_sweep = [&](auto&& wanted) {
      return std::any_of(stored.sweeps.begin(), stored.sweeps.end(),
                         [&](const auto& sweep) { return wanted(sweep.case_id); });
    };
    const bool bad =
        !stored.good() || any_sweep([&](const std::string& id) { return bad_sweeps.contains(id); });
    return (named(stored.id) || any_sweep(named)) && (bad || !selection.failed_only);
  };

  std::vector<plan::Case> again;
  std::map<std::string, std::string> compared;  // sums by file: a cube is read once
  for (const StoredCase& stored : cases_) {
    if (!stored.last || stored.sweep || !selected(stored)) continue;
    std::error_code error;
    if (!stored.recording.empty() && !fs::is_regular_file(stored.recording, error))
      throw EvidenceError(fmt::format(
          "{}: case {} played {}, which is not there; put it back (sha256 of its "
          "pixels {})",
          folder_.string(), stored.id, plan::show_path(stored.recording), stored.sha256));
    plan::Case planned = plan_of(stored);
    if (!stored.recording.empty() && compared[stored.recording] != stored.sha256) {
      check_recording(folder_, stored, planned);
      compared[stored.recording] = stored.sha256;
    }
    again.push_back(std::move(planned));
  }
  return again;
}

}  // namespace daohil::hil::report
