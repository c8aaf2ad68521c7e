#include "hil/judge/judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "hil/judge/theory.hpp"

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

constexpr std::int64_t kPeriod = 1'000'000;

drivers::CameraDescription source_of(double hz = 1000) {
  return {.model = "test",
          .identity = "test",
          .format = {shm::Shape{2, 2}, shm::PixelType::u16},
          .rate = shm::Rate::hertz(hz),
          .frames = {},
          .sha256 = "abc"};
}

plan::Expectation expect_equal(std::string metric, plan::Value value, plan::Tier tier) {
  plan::Expectation e;
  e.id = metric;
  e.metric = std::move(metric);
  e.value = std::move(value);
  e.tier = tier;
  return e;
}

plan::Expectation expect_predicted(std::string metric, std::string prediction) {
  plan::Expectation e;
  e.id = metric;
  e.metric = std::move(metric);
  e.op = plan::Operator::predicted;
  e.predicted = std::move(prediction);
  e.tier = plan::Tier::c;
  return e;
}

// A waiting reader that gets each of 100 frames; tests then spoil it.
struct Scene {
  plan::Case planned;
  Trace trace;

  Scene() {
    planned.id = "test.case";
    planned.scenario = "test";
    planned.mode = plan::Mode::sim;
    planned.source.role = "wfs";
    planned.fifo = {.name = "wfs", .depth = 4};
    plan::ReaderPlan reader;
    reader.name = "slow";
    planned.readers = {reader};
    planned.frames = 100;
    planned.expect = {
        expect_equal("fifo.wfs.slow.identity", true, plan::Tier::a),
        expect_equal("fifo.wfs.slow.content_bad", std::int64_t{0}, plan::Tier::a),
        expect_equal("fifo.wfs.slow.oracle.violations", std::int64_t{0}, plan::Tier::b),
        expect_predicted("fifo.wfs.slow.overwrites", "overwrites"),
    };
    ReaderTrace slow;
    slow.name = "slow";
    for (std::uint64_t k = 1; k <= 100; ++k) {
      const std::int64_t due = kPeriod * static_cast<std::int64_t>(k);
      trace.source.push_back({due, due + 20'000, due + 30'000, due + 31'000, k, k});
      CallEvent call;
      call.intended = due - kPeriod + 60'000;
      call.before = due + 60'000;
      call.after = due + 70'000;
      call.counter = call.id = k;
      call.status = ReadStatus::success;
      call.content = Content::good;
      call.waited = 1;
      slow.calls.push_back(call);
    }
    slow.summary.tail = slow.summary.newest_at_end = 100;
    trace.readers = {slow};
  }

  std::vector<CallEvent>& calls() { return trace.readers[0].calls; }
  [[nodiscard]] CaseResult result() const { return judge(planned, source_of(), trace); }
};

TEST(Judge, AGoodRunPasses) {
  const CaseResult result = Scene().result();
  EXPECT_EQ(result.verdict, Verdict::pass) << result.why;
  EXPECT_EQ(result.measurements.size(), 4U);
  EXPECT_EQ(result.metrics.at("fifo.wfs.slow.delivered"), plan::Value{std::int64_t{100}});
}

// Frames 11 to 19 come back in one call, lapped: they were waited for all the while.
TEST(Judge, LatencyCountsTheFramesThatWereLostMeanwhile) {
  Scene scene;
  scene.calls().erase(scene.calls().begin() + 10, scene.calls().begin() + 19);
  CallEvent& late = scene.calls()[10];  // frame 20
  late.status = ReadStatus::overwrite;
  late.lost = 9;
  late.waited = 0;
  const CaseResult result = scene.result();
  const Histogram& latencies = result.delays.at("fifo.wfs.slow.latency");
  EXPECT_EQ(latencies.total(), 100);
  // Published 31 us after due, delivered 70 us after the due time of frame 20.
  for (std::int64_t k = 11; k <= 20; ++k)
    EXPECT_GE(latencies.count_at((20 - k) * kPeriod + 39'000), 1) << k;
  EXPECT_EQ(result.metrics.at("fifo.wfs.slow.latency.max"), plan::Value{9 * kPeriod + 39'000});
  EXPECT_EQ(result.delays.at("source.wfs.period").total(), 99);
}

TEST(Judge, AFrameTooManyOrTooFewFailsTheIdentity) {
  Scene missing;
  missing.calls().erase(missing.calls().begin() + 50);
  EXPECT_EQ(missing.result().verdict, Verdict::fail);
  Scene twice;
  twice.calls().insert(twice.calls().begin() + 50, twice.calls()[49]);
  EXPECT_EQ(twice.result().verdict, Verdict::fail);
  Scene fifo_ahead;
  fifo_ahead.trace.readers[0].summary.newest_at_end = 101;
  EXPECT_EQ(fifo_ahead.result().verdict, Verdict::fail);
}

TEST(Judge, BadContentFailsWhateverTheHostDid) {
  for (const Content content : {Content::torn, Content::wrong_frame}) {
    Scene scene;
    scene.calls()[10].content = content;
    scene.calls()[20].before += 5 * kPeriod / 2;  // and a pause
    EXPECT_EQ(scene.result().verdict, Verdict::fail);
  }
}

TEST(Judge, AnswersTheOracleForbidsFail) {
  Scene scene;
  scene.calls()[10].before -= kPeriod / 2;  // delivered before it was published
  scene.calls()[10].after = scene.calls()[10].before + 10;
  const CaseResult result = scene.result();
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_NE(result.why.find("oracle"), std::string::npos) << result.why;
}

// An honest overwrite that the scenario does not predict.
Scene with_an_overwrite() {
  Scene scene;
  auto& calls = scene.calls();
  calls.erase(calls.begin() + 50, calls.begin() + 55);  // frames 51 .. 55
  calls[50].status = ReadStatus::overwrite;             // delivers frame 56
  calls[50].lost = 5;
  calls[50].waited = 0;
  calls[50].intended = calls[50].before;
  return scene;
}

TEST(Judge, TierCFailsOnAFitBench) {
  const CaseResult result = with_an_overwrite().result();
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_NE(result.why.find("predicted 0"), std::string::npos) << result.why;
}

TEST(Judge, TierCIsInconclusiveWhenTheHostPaused) {
  Scene scene = with_an_overwrite();
  scene.calls()[50].intended -= 5 * kPeriod;
  const CaseResult result = scene.result();
  EXPECT_EQ(result.verdict, Verdict::inconclusive) << result.why;
  EXPECT_GT(result.health.pauses, 0U);
}

TEST(Judge, ABenchThatMissesItsRateIsInconclusiveEvenIfAllHolds) {
  Scene scene;
  for (SourceEvent& event : scene.trace.source)
    for (std::int64_t* time : {&event.claimed, &event.publishing, &event.published})
      *time += event.due / 10;  // 10 % slow
  for (CallEvent& call : scene.calls())
    for (std::int64_t* time : {&call.intended, &call.before, &call.after}) *time += *time / 10;
  const CaseResult result = scene.result();
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_NE(result.why.find("rate"), std::string::npos) << result.why;
}

TEST(Judge, ABenchThatMissesItsRateDoesNotExcuseABug) {
  Scene scene;
  for (SourceEvent& event : scene.trace.source) event.publishing += event.due / 10;
  scene.calls()[10].content = Content::torn;
  EXPECT_EQ(scene.result().verdict, Verdict::fail);
}

TEST(Judge, AmbiguousCallsProveNothing) {
  Scene scene;
  scene.planned.readers[0].on_empty = plan::OnEmpty::poll;
  for (CallEvent& call : scene.calls()) call.before -= 35'000;  // while the frame is published
  EXPECT_EQ(scene.result().verdict, Verdict::inconclusive);
}

TEST(Judge, SourceCountersMustBeContiguous) {
  Scene scene;
  scene.trace.source[40].counter = 39;
  EXPECT_EQ(scene.result().verdict, Verdict::fail);
}

TEST(Judge, VirtualTimeExcusesNothing) {
  Scene scene = with_an_overwrite();
  scene.planned.mode = plan::Mode::virtual_time;
  scene.calls()[50].intended -= 5 * kPeriod;
  EXPECT_EQ(scene.result().verdict, Verdict::fail);
}

TEST(Judge, OverwriteOfLessThanARingFails) {
  Scene scene = with_an_overwrite();
  scene.planned.fifo.depth = 8;
  const CaseResult result = scene.result();
  EXPECT_EQ(result.verdict, Verdict::fail);
}

TEST(Judge, PixelSumsAreComparedAsText) {
  Scene scene;
  scene.planned.expect = {expect_predicted("fifo.wfs.slow.sha256", "source_sha256")};
  EXPECT_EQ(scene.result().verdict, Verdict::fail);
  std::copy_n("abc", 4, scene.trace.readers[0].summary.sha256);
  EXPECT_EQ(scene.result().verdict, Verdict::pass);
}

CaseResult case_of_depth(std::int64_t depth, bool lossless) {
  Scene scene;
  scene.planned.scenario = "depth.sizing";
  scene.planned.bench = "b";
  scene.planned.variables = {{"N", std::to_string(depth)}};
  scene.planned.readers[0].lag = {
      plan::PeriodicLag{.every = 50, .stall = std::chrono::milliseconds(10)}};
  scene.planned.readers[0].hold = std::chrono::microseconds(240);
  plan::SweepExpectation sweep;
  sweep.id = "smallest";
  sweep.over = "N";
  sweep.metric = "fifo.wfs.slow.lossless";
  sweep.predicted = "safe_depth";
  sweep.case_id = "depth.test/smallest@bench";
  sweep.cases = 2;
  scene.planned.sweep = {sweep};
  CaseResult result = not_run(scene.planned, Verdict::pass, "");
  result.source = source_of();
  result.metrics["fifo.wfs.slow.lossless"] = lossless;
  return result;
}

TEST(JudgeSweep, TheSmallestDepthThatHoldsIsThePredictedOne) {
  const auto sweep = [](std::vector<CaseResult> cases) {
    const auto results = judge_sweeps(cases);
    EXPECT_EQ(results.size(), 1U);
    return results.at(0).verdict;
  };
  EXPECT_EQ(sweep({case_of_depth(10, false), case_of_depth(11, true)}), Verdict::pass);
  EXPECT_EQ(sweep({case_of_depth(11, true), case_of_depth(10, false)}), Verdict::pass);
  EXPECT_EQ(sweep({case_of_depth(10, true), case_of_depth(11, true)}), Verdict::fail);
  EXPECT_EQ(sweep({case_of_depth(11, false), case_of_depth(12, true)}), Verdict::fail);
  EXPECT_EQ(sweep({case_of_depth(10, false), case_of_depth(11, false)}), Verdict::fail);
  CaseResult unsure = case_of_depth(10, false);
  unsure.verdict = Verdict::inconclusive;
  EXPECT_EQ(sweep({unsure, case_of_depth(11, true)}), Verdict::inconclusive);
  EXPECT_EQ(sweep({case_of_depth(11, false)}), Verdict::skip) << "a part proves nothing";
}

TEST(Overall, TheWorstDecides) {
  const auto of = [](std::vector<Verdict> verdicts) {
    std::vector<CaseResult> cases;
    for (const Verdict v : verdicts) cases.push_back(not_run({}, v, ""));
    return overall(cases);
  };
  EXPECT_EQ(of({}), Verdict::skip);
  EXPECT_EQ(of({Verdict::skip, Verdict::pass}), Verdict::pass);
  EXPECT_EQ(of({Verdict::pass, Verdict::marginal}), Verdict::marginal);
  EXPECT_EQ(of({Verdict::inconclusive, Verdict::marginal}), Verdict::inconclusive);
  EXPECT_EQ(of({Verdict::inconclusive, Verdict::fail, Verdict::pass}), Verdict::fail);
  EXPECT_EQ(of({Verdict::error, Verdict::fail}), Verdict::error);
  EXPECT_EQ(of({Verdict::error, Verdict::aborted}), Verdict::aborted);
  CaseResult advisory = not_run({}, Verdict::fail, "");
  advisory.planned.severity = plan::Severity::advisory;
  EXPECT_EQ(overall({advisory}), Verdict::marginal);
}

TEST(Overall, ExitCodes) {
  EXPECT_EQ(exit_code_of(Verdict::pass), 0);
  EXPECT_EQ(exit_code_of(Verdict::marginal), 0);
  EXPECT_EQ(exit_code_of(Verdict::skip), 0);
  EXPECT_EQ(exit_code_of(Verdict::fail), 1);
  EXPECT_EQ(exit_code_of(Verdict::flaky), 1);
  EXPECT_EQ(exit_code_of(Verdict::inconclusive), 3);
  EXPECT_EQ(exit_code_of(Verdict::error), 4);
  EXPECT_EQ(exit_code_of(Verdict::aborted), 130);
}

}  // namespace
}  // namespace daohil::hil::judge
