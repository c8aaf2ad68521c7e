#include "hil/attempts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

// When a case is tried again and what its attempts come to. The rules are those of hil/README.md.
namespace daohil::hil {
namespace {

using enum judge::Verdict;
using judge::Verdict;
using Verdicts = std::vector<Verdict>;

struct Rules {
  int attempts = 1;
  plan::Retries retries{};
  unsigned flaky_probe = 0;
};

struct Outcome {
  Verdicts attempts;  ///< as they are stored
  std::string why;    ///< of the last
};

/// Lets a case have these verdicts one after the other, as long as it is tried again.
Outcome outcome(const Rules& rules, const Verdicts& verdicts) {
  plan::Case planned;
  planned.attempts = rules.attempts;
  planned.retries = rules.retries;
  Attempts attempts(planned, rules.flaky_probe);
  Outcome outcome;
  do {
    const std::size_t n = outcome.attempts.size();
    EXPECT_LT(n, verdicts.size()) << "tried again";
    if (n == verdicts.size()) break;
    EXPECT_EQ(attempts.next_number(), static_cast<int>(n) + 1);
    judge::CaseResult result;
    result.verdict = verdicts[n];
    if (result.verdict == fail) result.why = "reason " + std::to_string(n + 1);
    attempts.take(result);
    outcome.attempts.push_back(result.verdict);
    outcome.why = result.why;
  } while (attempts.another());
  return outcome;
}

Verdicts stored(const Rules& rules, const Verdicts& verdicts) {
  return outcome(rules, verdicts).attempts;
}

constexpr plan::Retries kErrors{.inconclusive = false, .errors = true};
constexpr plan::Retries kBoth{.inconclusive = true, .errors = true};

TEST(Attempts, OfAGoodCaseAreOne) {
  for (const Verdict verdict : {pass, marginal, skip})
    EXPECT_EQ(stored({.attempts = 5, .flaky_probe = 5}, {verdict}), Verdicts{verdict});
}

TEST(Attempts, WhatTheBenchSpoiledIsTriedAgainUntilItIsMeasured) {
  EXPECT_EQ(stored({.attempts = 3}, {inconclusive, inconclusive, pass}),
            (Verdicts{inconclusive, inconclusive, pass}));
  EXPECT_EQ(stored({.attempts = 2}, {inconclusive, inconclusive}),
            (Verdicts{inconclusive, inconclusive}));
  EXPECT_EQ(stored({.attempts = 3}, {inconclusive, fail}), (Verdicts{inconclusive, fail}));
}

TEST(Attempts, OnlyWhatIsListedIsTriedAgain) {
  EXPECT_EQ(stored({.attempts = 3}, {error}), Verdicts{error});
  EXPECT_EQ(stored({.attempts = 3, .retries = kErrors}, {error, pass}), (Verdicts{error, pass}));
  EXPECT_EQ(stored({.attempts = 3, .retries = kErrors}, {inconclusive}), Verdicts{inconclusive});
  EXPECT_EQ(stored({.attempts = 3, .retries = kBoth}, {error, inconclusive, error}),
            (Verdicts{error, inconclusive, error}));
}

TEST(Attempts, AFailIsNeverTriedAgainToBeRidOfIt) {
  EXPECT_EQ(stored({.attempts = 100, .retries = kBoth}, {fail}), Verdicts{fail});
}

TEST(Attempts, AProbeThatAlwaysFailsIsAFail) {
  const auto found = outcome({.flaky_probe = 2}, {fail, fail, fail});
  EXPECT_EQ(found.attempts, (Verdicts{fail, fail, fail}));
  EXPECT_EQ(found.why, "reason 3");
}

TEST(Attempts, ThatDisagreeAreFlakyWhicheverComesLast) {
  const auto found = outcome({.flaky_probe = 2}, {fail, fail, pass});
  EXPECT_EQ(found.attempts, (Verdicts{fail, fail, flaky}));
  EXPECT_EQ(found.why, "3 attempts: 1 PASS, 2 FAIL; the first FAIL: reason 1");
  EXPECT_EQ(stored({.flaky_probe = 2}, {fail, pass, fail}), (Verdicts{fail, pass, flaky}));
  EXPECT_EQ(stored({.flaky_probe = 1}, {fail, marginal}), (Verdicts{fail, flaky}));
  // A FAIL after attempts that the bench spoiled is probed as well.
  EXPECT_EQ(stored({.attempts = 3, .flaky_probe = 1}, {inconclusive, fail, pass}),
            (Verdicts{inconclusive, fail, flaky}));
}

TEST(Attempts, ThatMeasuredNothingDoNotContradictAFail) {
  const auto found = outcome({.flaky_probe = 2}, {fail, error, inconclusive});
  EXPECT_EQ(found.attempts, (Verdicts{fail, error, fail}));
  EXPECT_EQ(found.why, "3 attempts: 1 INCONCLUSIVE, 1 FAIL, 1 ERROR; the first FAIL: reason 1");
}

TEST(Attempts, EndWhereTheUserStops) {
  EXPECT_EQ(stored({.attempts = 3}, {inconclusive, aborted}), (Verdicts{inconclusive, aborted}));
  EXPECT_EQ(stored({.flaky_probe = 9}, {fail, aborted}), (Verdicts{fail, aborted}));
}

}  // namespace
}  // namespace daohil::hil
