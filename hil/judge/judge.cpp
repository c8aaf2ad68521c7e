#include "hil/judge/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "hil/judge/holding.hpp"
#include "hil/judge/metrics.hpp"
#include "hil/judge/prediction.hpp"
#include "hil/judge/statistics.hpp"

namespace daohil::hil::judge {
namespace {

// An interval wider than a quarter of the prediction (and than a few counts) proves nothing: the
// bench was too restless. House limit.
constexpr double kWidestInterval = 0.25;
constexpr double kFewCounts = 4;
constexpr double kAmbiguousLimit = 0.01;  // scenarios: more ambiguous calls prove nothing

bool within(const Prediction& prediction, double slack, const plan::Value& observed) {
  if (std::holds_alternative<std::string>(prediction.nominal))
    return observed == prediction.nominal;
  const double value = number(observed);
  return value >= prediction.low - slack && value <= prediction.high + slack;
}

bool too_wide(const Prediction& prediction) {
  if (std::holds_alternative<std::string>(prediction.nominal) ||
      prediction.claim == Claim::upper_bound)
    return false;
  return prediction.high - prediction.low >
         std::max(kFewCounts, kWidestInterval * number(prediction.nominal));
}

std::string interval_text(const Prediction& p) {
  if (p.low == p.high || std::holds_alternative<std::string>(p.nominal)) return to_text(p.nominal);
  return fmt::format("{} [{:.6g}, {:.6g}]", to_text(p.nominal), p.low, p.high);
}

// Of those metrics that are extreme quantiles of a latency; 0 for all others.
double quantile_of(const std::string& metric) {
  if (metric.ends_with(".latency.p99_9")) return 0.999;
  if (metric.ends_with(".latency.p99_99")) return 0.9999;
  return 0;
}

class Judgement {
 public:
  Judgement(const plan::Case& planned, const drivers::CameraDescription& source,
            SourceFacts source_facts, std::map<std::string, ReaderFacts> facts)
      : planned_(planned),
        source_(source),
        source_facts_(std::move(source_facts)),
        facts_(std::move(facts)) {
    result_.planned = planned;
    result_.source = source;
    name_metrics(planned, source_facts_, result_.metrics);
    const std::string device = fmt::format("source.{}.", planned.source.role);
    result_.metrics[device + "model"] = source.model;
    result_.metrics[device + "identity"] = source.identity;
    for (const plan::ReaderPlan& reader : planned.readers)
      name_metrics(planned, reader, facts_.at(reader.name), result_.metrics);
    name_delays();
    result_.health = source_facts_.health;
    for (const auto& [name, reader] : facts_) result_.health.pauses += reader.pauses;
  }

  CaseResult conclude() {
    for (const plan::Expectation& expectation : planned_.expect) measure(expectation);
    if (!source_facts_.identity_broken.empty())
      raise(Verdict::fail, "source: " + source_facts_.identity_broken);
    check_ambiguity();
    blame_unfit_bench();
    result_.headline = headline();
    return std::move(result_);
  }

 private:
  void name_delays() {
    result_.span = source_facts_.span;
    const auto put = [&](const std::string& name, const Delays& delays) {
      if (delays.size() > 0) result_.delays.emplace(name, delays.histogram());
    };
    put(fmt::format("source.{}.period", planned_.source.role), source_facts_.periods);
    put(fmt::format("source.{}.lateness", planned_.source.role), source_facts_.latenesses);
    for (const auto& [name, reader] : facts_)
      put(fmt::format("fifo.{}.{}.latency", planned_.fifo.name, name), reader.latencies);
  }

  void measure(const plan::Expectation& expectation) {
    Measurement m;
    m.id = expectation.id;
    m.metric = expectation.metric;
    m.tier = expectation.tier;
    m.limit = limit_text(expectation);
    const auto known = result_.metrics.find(expectation.metric);
    if (known == result_.metrics.end()) {
      m.verdict = Verdict::error;
      m.why = fmt::format("no such metric: {}", expectation.metric);
      note(std::move(m));
      return;
    }
    m.observed = known->second;
    bool good = false;
    if (expectation.op == plan::Operator::predicted) {
      try {
        const plan::ReaderPlan* reader = reader_of(planned_, expectation.metric);
        const std::string& name = reader != nullptr ? reader->name : planned_.readers.front().name;
        m.prediction = predict(planned_, source_, expectation.predicted, expectation.metric,
                               source_facts_, facts_.at(name));
        m.limit = "predicted " + interval_text(*m.prediction);
        good = within(*m.prediction, expectation.slack, m.observed);
        if (good && expectation.tier == plan::Tier::c && too_wide(*m.prediction)) {
          m.verdict = Verdict::inconclusive;
          m.why = fmt::format("{}: observed {}, {}: the bench was too restless for a prediction",
                              m.metric, to_text(m.observed), m.limit);
        }
      } catch (const std::invalid_argument& error) {
        m.verdict = Verdict::error;
        m.why = fmt::format("{}: {}", m.metric, error.what());
        return note(std::move(m));
      }
    } else {
      good = holds(expectation, m.observed);
    }
    if (!good) {
      blame(expectation, m);
    } else if (in_margin(expectation, m.observed)) {
      m.verdict = Verdict::marginal;
      m.why = fmt::format("{}: observed {}, holds {} but is beyond the margin of {}", m.metric,
                          to_text(m.observed), m.limit, to_text(*expectation.marginal));
    } else if (too_few(expectation)) {
      m.verdict = Verdict::inconclusive;
      m.why = fmt::format("{}: a claim on that quantile needs at least {} samples", m.metric,
                          samples_for_quantile(quantile_of(expectation.metric)));
    }
    note(std::move(m));
  }

  // A quantile is claimed from its upper bound, the maximum: that takes n samples.
  [[nodiscard]] bool too_few(const plan::Expectation& expectation) const {
    const double q = quantile_of(expectation.metric);
    const plan::ReaderPlan* reader = reader_of(planned_, expectation.metric);
    return q > 0 && reader != nullptr &&
           facts_.at(reader->name).latencies.size() < samples_for_quantile(q);
  }

  // Who is at fault: the system under test, or a host that stood still?
  void blame(const plan::Expectation& expectation, Measurement& m) const {
    const bool may_be_the_bench = planned_.mode == plan::Mode::sim &&
                                  (expectation.tier == plan::Tier::c || expectation.timing);
    const bool bench_at_fault =
        may_be_the_bench && (result_.health.pauses > 0 || !result_.health.unfit.empty());
    const bool host_at_fault =
        planned_.mode == plan::Mode::sim && expectation.timing && !planned_.unfit_host.empty();
    m.verdict = bench_at_fault || host_at_fault ? Verdict::inconclusive : Verdict::fail;
    m.why = fmt::format("{}: observed {}, {}", m.metric, to_text(m.observed),
                        m.prediction ? m.limit : "expected " + m.limit);
    if (bench_at_fault)
      m.why += fmt::format("; the host held the actors up {} times by half a frame or more",
                           result_.health.pauses);
    else if (host_at_fault)
      m.why += "; " + planned_.unfit_host;
    else
      m.why += detail_of(expectation.metric);
  }

  [[nodiscard]] std::string detail_of(const std::string& metric) const {
    const plan::ReaderPlan* reader = reader_of(planned_, metric);
    if (reader == nullptr) return {};
    const ReaderFacts& facts = facts_.at(reader->name);
    if (metric.ends_with(".identity")) return ": " + facts.identity_broken;
    if (metric.ends_with(".oracle.violations")) return ": " + facts.oracle.first_violation;
    return {};
  }

  // Where the oracle is asked. A reader that looks in the middle of publications is not: there both
  // answers are right by design.
  [[nodiscard]] bool oracle_is_asked(const std::string& reader) const {
    return std::any_of(planned_.expect.begin(), planned_.expect.end(), [&](const auto& e) {
      const plan::ReaderPlan* asked = reader_of(planned_, e.metric);
      return asked != nullptr && asked->name == reader && e.metric.ends_with(".oracle.violations");
    });
  }

  void check_ambiguity() {
    for (const auto& [name, facts] : facts_) {
      const OracleFinding& oracle = facts.oracle;
      if (oracle_is_asked(name) && static_cast<double>(oracle.ambiguous) >
                                       kAmbiguousLimit * static_cast<double>(oracle.checked))
        raise(Verdict::inconclusive,
              fmt::format("reader '{}': {} of {} calls were ambiguous (limit 1 %)", name,
                          oracle.ambiguous, oracle.checked));
    }
  }

  // Whatever else was inconclusive was so for this reason.
  void blame_unfit_bench() {
    if (result_.health.unfit.empty() || result_.verdict > Verdict::inconclusive) return;
    result_.verdict = Verdict::inconclusive;
    result_.why = result_.health.unfit;
  }

  void note(Measurement m) {
    if (m.verdict != Verdict::pass) raise(m.verdict, m.why);
    result_.measurements.push_back(std::move(m));
  }

  void raise(Verdict verdict, const std::string& why) {
    if (verdict <= result_.verdict) return;
    result_.verdict = verdict;
    result_.why = why;
  }

  // The first predicted quantities, else the counts of the first reader.
  [[nodiscard]] std::string headline() const {
    std::string text;
    for (const Measurement& m : result_.measurements) {
      if (!m.prediction || text.size() > 60) continue;
      const std::string quantity = m.metric.substr(m.metric.rfind('.') + 1);
      if (std::holds_alternative<std::string>(m.observed)) {
        text += fmt::format("{} {:.12}... {}  ", quantity, to_text(m.observed),
                            m.verdict == Verdict::pass ? "equal" : "differs");
      } else {
        text += fmt::format("{} {} predicted {}  ", quantity, to_text(m.observed),
                            interval_text(*m.prediction));
      }
    }
    if (text.empty() && !planned_.readers.empty()) {
      const ReaderFacts& facts = facts_.at(planned_.readers.front().name);
      text = fmt::format("delivered {}  overwrites {}  lost {}", facts.delivered, facts.overwrites,
                         facts.lost);
    }
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
  }

  const plan::Case& planned_;
  const drivers::CameraDescription& source_;
  SourceFacts source_facts_;
  std::map<std::string, ReaderFacts> facts_;
  CaseResult result_;
};

CaseResult judge_sweep(const std::vector<const CaseResult*>& siblings,
                       const plan::SweepExpectation& sweep) {
  const CaseResult& model = *siblings.front();
  CaseResult result = not_run(model.planned, Verdict::pass, {});
  result.planned.id = sweep.case_id;
  result.source = model.source;
  if (siblings.size() < sweep.cases)
    return not_run(
        result.planned, Verdict::skip,
        fmt::format("{} of the {} cases it compares were selected", siblings.size(), sweep.cases));

  std::map<std::int64_t, bool> outcome;
  for (const CaseResult* sibling : siblings) {
    if (sibling->verdict >= Verdict::inconclusive) {
      result.verdict = Verdict::inconclusive;
      result.why = fmt::format("case {} gave {}", sibling->planned.id, name_of(sibling->verdict));
      return result;
    }
    if (sibling->verdict == Verdict::skip)
      return not_run(result.planned, Verdict::skip, sibling->why);
    outcome[std::stoll(sibling->planned.variables.at(sweep.over))] =
        number(sibling->metrics.at(sweep.metric)) != 0;
  }
  const auto first =
      std::find_if(outcome.begin(), outcome.end(), [](const auto& o) { return o.second; });

  Measurement m;
  m.id = sweep.id;
  m.metric = fmt::format("smallest {} with {}", sweep.over, sweep.metric);
  m.tier = plan::Tier::c;
  m.prediction = predict(model.planned, *model.source, sweep.predicted, sweep.metric);
  m.limit = "predicted " + interval_text(*m.prediction);
  m.observed = first == outcome.end() ? plan::Value{std::string("none of the sweep")}
                                      : plan::Value{first->first};
  result.headline =
      fmt::format("{} {}  {}  ({})", m.metric, to_text(m.observed), m.limit, m.prediction->formula);
  if (!within(*m.prediction, 0, m.observed)) {
    m.verdict = Verdict::fail;
    m.why = fmt::format("{}: observed {}, {}", m.metric, to_text(m.observed), m.limit);
  }
  result.verdict = m.verdict;
  result.why = m.why;
  result.measurements.push_back(std::move(m));
  return result;
}

}  // namespace

struct Examination::State {
  State(const plan::Case& of, const drivers::CameraDescription& description)
      : planned(of), source(description), publications(of, description) {
    for (const plan::ReaderPlan& reader : of.readers)
      readers.push_back(std::make_unique<ReaderExaminer>(of, reader, description, publications));
  }

  const plan::Case& planned;
  const drivers::CameraDescription& source;
  SourceExaminer publications;
  std::vector<std::unique_ptr<ReaderExaminer>> readers;
};

Examination::Examination(const plan::Case& planned, const drivers::CameraDescription& source)
    : state_(std::make_unique<State>(planned, source)) {}
Examination::~Examination() = default;

void Examination::published(std::span<const SourceEvent> events) {
  // Here all readers have had their calls of the time before: what none of them asks for can go.
  std::uint64_t done = std::numeric_limits<std::uint64_t>::max();
  for (const auto& reader : state_->readers) done = std::min(done, reader->done_with());
  state_->publications.forget_up_to(done);
  for (const SourceEvent& event : events) state_->publications.add(event);
}

void Examination::called(std::size_t reader, std::span<const CallEvent> calls,
                         const ReaderSummary& summary) {
  for (const CallEvent& call : calls) state_->readers.at(reader)->add(call, summary);
}

CaseResult Examination::conclude(const Trace& trace) {
  std::map<std::string, ReaderFacts> facts;
  for (std::size_t i = 0; i < state_->readers.size(); ++i)
    facts[state_->planned.readers[i].name] =
        state_->readers[i]->conclude(trace.readers.at(i).summary, trace.readers.at(i).dropped);
  SourceFacts source = state_->publications.conclude(trace.scheduling);
  if (trace.source_dropped > 0 && source.identity_broken.empty())
    source.identity_broken =
        fmt::format("{} publications did not fit into the trace", trace.source_dropped);
  return Judgement(state_->planned, state_->source, std::move(source), std::move(facts)).conclude();
}

CaseResult judge(const plan::Case& planned, const drivers::CameraDescription& source,
                 const Trace& trace) {
  Examination examination(planned, source);
  examination.published(trace.source);
  for (std::size_t i = 0; i < planned.readers.size(); ++i)
    examination.called(i, trace.readers.at(i).calls, trace.readers.at(i).summary);
  return examination.conclude(trace);
}

CaseResult not_run(const plan::Case& planned, Verdict verdict, const std::string& why) {
  CaseResult result;
  result.planned = planned;
  result.verdict = verdict;
  result.why = why;
  return result;
}

std::vector<CaseResult> judge_sweeps(const std::vector<CaseResult>& cases) {
  struct Group {
    const plan::SweepExpectation* sweep;
    std::vector<const CaseResult*> siblings;
  };
  std::vector<std::string> order;
  std::map<std::string, Group> groups;
  for (const CaseResult& result : cases) {
    for (const plan::SweepExpectation& sweep : result.planned.sweep) {
      auto [group, added] = groups.try_emplace(sweep.case_id, Group{&sweep, {}});
      if (added) order.push_back(sweep.case_id);
      group->second.siblings.push_back(&result);
    }
  }
  std::vector<CaseResult> results;
  for (const std::string& key : order)
    results.push_back(judge_sweep(groups.at(key).siblings, *groups.at(key).sweep));
  return results;
}

Verdict overall(const std::vector<CaseResult>& cases) {
  Verdict worst = Verdict::skip;
  for (const CaseResult& result : cases) {
    Verdict verdict = result.verdict;
    if (result.planned.severity == plan::Severity::advisory && verdict != Verdict::aborted)
      verdict = std::min(verdict, Verdict::marginal);
    worst = std::max(worst, verdict);
  }
  return worst;
}

}  // namespace daohil::hil::judge
