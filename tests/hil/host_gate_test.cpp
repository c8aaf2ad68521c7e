#include "hil/host_gate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "hil/judge/host.hpp"

// What a look at the host comes to, and what that means for the cases after it. The rules are those
// of hil/README.md.
namespace daohil::hil {
namespace {

using host::ClaimClass;
using host::Examination;
using host::Finding;
using host::Group;
using host::Status;
using judge::judge_host;
using judge::Verdict;
using plan::HostClass;
using plan::Operator;

plan::Expectation at_most(std::string metric, double limit) {
  plan::Expectation e;
  e.id = metric;
  e.metric = std::move(metric);
  e.op = Operator::max;
  e.value = limit;
  return e;
}

plan::Case host_case(std::vector<plan::Expectation> expect, Group group = Group::rt) {
  plan::Case c;
  c.scenario = "host.test";
  c.bench = "desk";
  c.mode = plan::Mode::sim;
  c.host = plan::HostChecks{.groups = {group}, .sources = {}};
  c.expect = std::move(expect);
  return c;
}

Finding finding(std::string id, Status status, std::string reason = {}, std::string fix = {}) {
  Finding f;
  f.id = std::move(id);
  f.status = status;
  f.observed = "seen";
  f.wanted = "better";
  f.reason = std::move(reason);
  f.fix = std::move(fix);
  return f;
}

constexpr const char* kMax = "host.rt.cyclictest.max_us";

TEST(JudgeHost, ALineHoldsOrNot) {
  Examination found;
  found.metrics[kMax] = 40;
  EXPECT_EQ(judge_host(host_case({at_most(kMax, 40)}), found).verdict, Verdict::pass);
  auto near = at_most(kMax, 50);
  near.marginal = 30;
  EXPECT_EQ(judge_host(host_case({near}), found).verdict, Verdict::marginal);
  found.findings = {finding("host.rt.floor", Status::warn, "late", "mend the floor"),
                    finding("host.rt.cyclictest", Status::warn, "late", "mend it")};
  const auto result = judge_host(host_case({at_most(kMax, 39)}), found);
  EXPECT_EQ(result.verdict, Verdict::fail);
  EXPECT_EQ(result.why,
            "host.rt.cyclictest.max_us: observed 40, expected <= 39; host.rt.cyclictest: seen; "
            "fix: mend it");
}

TEST(JudgeHost, AToolThatIsNotThereIsASkipUnlessSomethingFails) {
  Examination found;
  found.metrics["host.rt.max_us"] = 100;
  found.findings = {finding("host.rt.oslat", Status::not_applicable, "elsewhere", "not this"),
                    finding("host.rt.cyclictest", Status::not_applicable,
                            "cyclictest is not installed", "sudo apt install rt-tests")};
  const auto good = at_most("host.rt.max_us", 100);
  const auto bad = at_most("host.rt.max_us", 99);
  const auto absent = at_most(kMax, 10);
  const auto skipped = judge_host(host_case({good, absent}), found);
  EXPECT_EQ(skipped.verdict, Verdict::skip);
  EXPECT_EQ(skipped.why,
            "host.rt.cyclictest.max_us: cyclictest is not installed; fix: sudo apt install "
            "rt-tests");
  EXPECT_EQ(judge_host(host_case({absent, bad}), found).verdict, Verdict::fail);
}

TEST(JudgeHost, WhatCouldNotBeMeasuredIsInconclusive) {
  Examination found;
  EXPECT_EQ(judge_host(host_case({at_most(kMax, 10)}), found).verdict, Verdict::inconclusive);
  found.findings = {finding("host.rt.cyclictest", Status::not_applicable, "no SCHED_FIFO")};
  const auto result = judge_host(host_case({at_most(kMax, 10)}), found);
  EXPECT_EQ(result.verdict, Verdict::inconclusive);
  EXPECT_EQ(result.why, "host.rt.cyclictest.max_us: no SCHED_FIFO");
}

TEST(JudgeHost, ABrokenDoctorIsAnErrorAndAStoppedOneIsAborted) {
  Examination found;
  found.metrics[kMax] = 100;
  found.defects = {"host.rt.kernel: broke"};
  EXPECT_EQ(judge_host(host_case({at_most(kMax, 10)}), found).verdict, Verdict::error);
  found.end = Examination::End::stopped;
  EXPECT_EQ(judge_host(host_case({at_most(kMax, 10)}), found).verdict, Verdict::aborted);
}

class Gate : public ::testing::Test {
 protected:
  void learn(ClaimClass claim, Verdict verdict, Group group = Group::rt,
             Examination::End end = Examination::End::complete) {
    Examination found;
    found.claim = claim;
    found.claim_why = "measured";
    found.end = end;
    judge::CaseResult result;
    result.verdict = verdict;
    result.why = "reason";
    gate_.learn(host_case({}, group), found, result);
  }

  static plan::Case sim_case(HostClass needs = HostClass::any, const std::string& bench = "desk") {
    plan::Case c;
    c.bench = bench;
    c.mode = plan::Mode::sim;
    c.host_class = needs;
    return c;
  }

  HostGate gate_;
};

TEST_F(Gate, IsOpenWhereTheHostWasNotLookedAt) {
  EXPECT_EQ(gate_.refusal(sim_case(HostClass::summit)), "");
  EXPECT_EQ(gate_.unfit(sim_case()), "");
  learn(ClaimClass::desktop, Verdict::fail);
  EXPECT_EQ(gate_.refusal(sim_case(HostClass::summit, "other")), "");
  EXPECT_EQ(gate_.unfit(sim_case(HostClass::any, "other")), "");
}

TEST_F(Gate, RefusesWhatNeedsABetterClassThanWasMeasured) {
  learn(ClaimClass::rt, Verdict::pass);
  for (const auto needs : {HostClass::any, HostClass::desktop, HostClass::rt})
    EXPECT_EQ(gate_.refusal(sim_case(needs)), "");
  EXPECT_EQ(gate_.refusal(sim_case(HostClass::summit)),
            "needs a host of class summit, this one was measured as rt (measured)");
  auto in_virtual = sim_case(HostClass::summit);
  in_virtual.mode = plan::Mode::virtual_time;
  EXPECT_EQ(gate_.refusal(in_virtual), "");
}

TEST_F(Gate, KnowsNoClassFromALookThatDidNotMeasureIt) {
  learn(ClaimClass::desktop, Verdict::pass, Group::memory);
  learn(ClaimClass::desktop, Verdict::aborted, Group::rt, Examination::End::stopped);
  EXPECT_EQ(gate_.refusal(sim_case(HostClass::summit)), "");
}

TEST_F(Gate, SaysWhyTimingProvesNothingAfterAFailOnly) {
  for (const auto verdict :
       {Verdict::pass, Verdict::marginal, Verdict::skip, Verdict::inconclusive})
    learn(ClaimClass::rt, verdict);
  EXPECT_EQ(gate_.unfit(sim_case()), "");
  learn(ClaimClass::rt, Verdict::fail, Group::memory);
  EXPECT_EQ(gate_.unfit(sim_case()), "host.test FAIL: reason");
}

TEST_F(Gate, ARetryPassesOnAFitHostOnly) {
  const auto retried = [&](Verdict verdict) {
    judge::CaseResult result;
    result.planned = sim_case();
    result.attempt = 2;
    result.verdict = verdict;
    gate_.judge_retry(result);
    return result.verdict;
  };
  EXPECT_EQ(retried(Verdict::pass), Verdict::pass);
  learn(ClaimClass::rt, Verdict::fail);
  EXPECT_EQ(retried(Verdict::pass), Verdict::inconclusive);
  EXPECT_EQ(retried(Verdict::marginal), Verdict::inconclusive);
  EXPECT_EQ(retried(Verdict::fail), Verdict::fail);
  EXPECT_EQ(retried(Verdict::error), Verdict::error);
}

}  // namespace
}  // namespace daohil::hil
