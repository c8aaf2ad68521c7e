#include "hil/suite.hpp"

#include <algorithm>

#include "hil/attempts.hpp"
#include "hil/host_gate.hpp"
#include "hil/judge/judge.hpp"
#include "hil/judge/prediction.hpp"
#include "hil/report/evidence.hpp"
#include "hil/run/host.hpp"

namespace daohil::hil {
namespace {

using judge::CaseResult;
using judge::Verdict;

// Before anything runs: a missing file is one clear line, not one failure per case.
void preflight(run::Runner& runner, const std::vector<plan::Case>& cases) {
  for (const plan::Case& planned : cases) {
    if (!planned.skip.empty() || planned.host) continue;
    try {
      runner.preflight(planned);
    } catch (const std::exception& error) {
      throw PreflightError(error.what());
    }
  }
}

CaseResult judged(const plan::Case& planned, const run::Recording& recording,
                  judge::Examination& examination) {
  switch (recording.ending) {
    case run::Ending::completed:
      return examination.conclude(recording.trace);
    case run::Ending::aborted:
      return judge::not_run(planned, Verdict::aborted, "stopped by the user");
    case run::Ending::broken:
      break;
  }
  return judge::not_run(planned, Verdict::error, recording.error);
}

class SuiteRun {
 public:
  SuiteRun(const std::vector<plan::Case>& cases, const SuiteOptions& options, Watcher& watcher)
      : cases_(cases),
        options_(options),
        watcher_(watcher),
        runner_({.progress = [this](const run::Progress& p) { watcher_.progress(p); },
                 .stop_requested = options.stop_requested}) {}

  report::SuiteResult go() {
    const shm::Clock& clock = shm::system_clock();
    const shm::MonotonicTime begin = clock.now();
    suite_.started = clock.utc_now();
    suite_.command = options_.command;
    suite_.repeats = options_.repeats;
    suite_.strictness = options_.strictness;
    suite_.host = run::host_facts();
    preflight(runner_, cases_);
    report::Evidence evidence(options_.out);

    std::vector<CaseResult> final_results;
    for (std::size_t i = 0; i < cases_.size(); ++i) final_results.push_back(run_case(i, evidence));
    for (CaseResult& sweep : judge::judge_sweeps(final_results)) {
      watcher_.case_judged(suite_, sweep, cases_.size(), cases_.size());
      evidence.add(suite_, sweep, {});
      final_results.push_back(sweep);
      suite_.results.push_back(std::move(sweep));
    }
    for (auto& fact : gate_.facts()) suite_.host.push_back(std::move(fact));
    suite_.verdict = judge::overall(final_results);
    suite_.elapsed = clock.now() - begin;
    evidence.finish(suite_);
    return std::move(suite_);
  }

 private:
  CaseResult run_case(std::size_t index, report::Evidence& evidence) {
    Attempts attempts(cases_[index], options_.flaky_probe);
    do {
      run::Recording recording;
      CaseResult result = attempt_case(index, attempts.next_number(), recording);
      result.attempt = attempts.next_number();
      if (recording.elapsed.count() > 0) result.elapsed = recording.elapsed;
      if (attempts.after_inconclusive()) gate_.judge_retry(result);
      attempts.take(result);
      watcher_.case_judged(suite_, result, index + 1, cases_.size());
      evidence.add(suite_, result, recording.trace);
      suite_.results.push_back(std::move(result));
    } while (attempts.another());
    return suite_.results.back();
  }

  CaseResult attempt_case(std::size_t index, int attempt, run::Recording& recording) {
    const plan::Case& planned = cases_[index];
    if (!planned.skip.empty()) return judge::not_run(planned, Verdict::skip, planned.skip);
    if (options_.stop_requested())
      return judge::not_run(planned, Verdict::aborted, "not run: stopped by the user");
    watcher_.case_started(planned, index + 1, cases_.size(), attempt);
    if (planned.host) return examine_host(planned);
    if (const auto refusal = gate_.refusal(planned); !refusal.empty())
      return judge::not_run(planned, Verdict::skip, refusal);
    plan::Case gated = planned;
    gated.unfit_host = gate_.unfit(planned);
    const drivers::CameraDescription& source = runner_.preflight(gated);
    judge::Examination examination(gated, source);
    recording = runner_.run(gated, examination);
    return judged(gated, recording, examination);
  }

  CaseResult examine_host(const plan::Case& planned) {
    const shm::MonotonicTime begin = shm::system_clock().now();
    CaseResult result;
    try {
      result = gate_.examine(planned, options_.stop_requested);
    } catch (const std::exception& error) {
      result = judge::not_run(planned, Verdict::error, error.what());
    }
    result.elapsed = shm::system_clock().now() - begin;
    return result;
  }

  const std::vector<plan::Case>& cases_;
  const SuiteOptions& options_;
  Watcher& watcher_;
  run::Runner runner_;
  HostGate gate_;
  report::SuiteResult suite_;
};

}  // namespace

report::SuiteResult run_suite(const std::vector<plan::Case>& cases, const SuiteOptions& options,
                              Watcher& watcher) {
  return SuiteRun(cases, options, watcher).go();
}

namespace {

// Where theory does not reach, the reason stands in the place of the number.
judge::Prediction forecast_of(const plan::Case& planned, const drivers::CameraDescription& source,
                              const plan::Expectation& expectation) {
  try {
    return judge::predict(planned, source, expectation.predicted, expectation.metric);
  } catch (const std::invalid_argument& error) {
    return {.nominal = std::string("none"), .formula = error.what(), .inputs = {}};
  }
}

}  // namespace

std::vector<Forecast> forecast(const std::vector<plan::Case>& cases) {
  run::Runner runner({});
  preflight(runner, cases);
  std::vector<Forecast> forecasts;
  for (const plan::Case& planned : cases) {
    Forecast forecast{.planned = planned, .lines = {}};
    // Three instruments, and a second for the rest.
    if (planned.skip.empty() && planned.host)
      forecast.duration = 3 * planned.host->floor + std::chrono::seconds(1);
    if (planned.skip.empty() && !planned.host) {
      const drivers::CameraDescription& source = runner.preflight(planned);
      if (planned.mode == plan::Mode::sim)
        forecast.duration = source.rate.offset_of(planned.frames);
      for (const plan::Expectation& e : planned.expect)
        if (e.op == plan::Operator::predicted)
          forecast.lines.push_back({e.id, e.metric, forecast_of(planned, source, e)});
    }
    forecasts.push_back(std::move(forecast));
  }
  return forecasts;
}

}  // namespace daohil::hil
