#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "files.hpp"

namespace daohil::hil::plan {
namespace {

using test::kScenarios;
using test::on;
using test::selecting;

const std::filesystem::path kOcam = kScenarios / "benches/ocam2k.yaml";
const std::filesystem::path kShwfs = kScenarios / "benches/shwfs20.yaml";

struct Counts {
  std::size_t runs = 0;
  std::size_t skips = 0;
  bool operator==(const Counts&) const = default;
};

std::map<std::string, Counts> counted(const PlanOptions& options) {
  std::map<std::string, Counts> counts;
  for (const auto& c : make_plan({kScenarios}, options))
    ++(c.skip.empty() ? counts[c.scenario].runs : counts[c.scenario].skips);
  return counts;
}

using Expected = std::map<std::string, Counts>;

// The suite may grow; what is named here must stay as it is.
void expect_counts(const PlanOptions& options, const Expected& expected) {
  auto counts = counted(options);
  for (const auto& [scenario, count] : expected) {
    EXPECT_EQ(counts[scenario].runs, count.runs) << scenario;
    EXPECT_EQ(counts[scenario].skips, count.skips) << scenario;
  }
}

TEST(Shipped, OnOcam2k) {
  expect_counts(on({kOcam}, Mode::virtual_time), {{"lag.constant", {8, 0}},
                                                  {"ovw.exact-threshold", {128, 0}},
                                                  {"depth.sizing", {4, 0}},
                                                  {"replay.bit-exact", {0, 1}}});
  expect_counts(on({kOcam}, Mode::sim), {{"lag.constant", {8, 0}},
                                         {"ovw.exact-threshold", {0, 128}},
                                         {"depth.sizing", {4, 0}},
                                         {"replay.bit-exact", {0, 1}}});
}

TEST(Shipped, OnShwfs20) {
  expect_counts(on({kShwfs}, Mode::virtual_time), {{"lag.constant", {8, 0}},
                                                   {"ovw.exact-threshold", {128, 0}},
                                                   {"depth.sizing", {4, 0}},
                                                   {"replay.bit-exact", {1, 0}}});
  expect_counts(on({kShwfs}, Mode::sim), {{"lag.constant", {8, 0}},
                                          {"ovw.exact-threshold", {0, 128}},
                                          {"depth.sizing", {4, 0}},
                                          {"replay.bit-exact", {1, 0}}});
}

TEST(Shipped, DefaultBenchIsOcam2k) {
  const auto by_default = make_plan({kScenarios}, {});
  const auto by_name = make_plan({kScenarios}, on({kOcam}));
  ASSERT_EQ(by_default.size(), by_name.size());
  for (std::size_t i = 0; i < by_name.size(); ++i) {
    EXPECT_EQ(by_default[i].id, by_name[i].id);
    EXPECT_EQ(by_default[i].resolved, by_name[i].resolved);
  }
}

TEST(Shipped, IdsAndSeedsAreUnique) {
  std::set<std::string> ids;
  std::set<std::uint64_t> seeds;
  const auto cases = make_plan({kScenarios}, on({kOcam, kShwfs}));
  for (const auto& c : cases) {
    ids.insert(c.id);
    seeds.insert(c.seed);
  }
  EXPECT_EQ(ids.size(), cases.size());
  EXPECT_EQ(seeds.size(), cases.size());
}

TEST(Shipped, NumbersOfTheTheory) {
  const auto cases = make_plan({kScenarios / "lag.constant.yaml"}, selecting("N=8,rho=1.5"));
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].frames, 6201U);
  EXPECT_EQ(std::get<ConstantLag>(cases[0].readers[0].lag[0]).service, Duration{725689});

  const auto edge = make_plan({kScenarios / "ovw.exact-threshold.yaml"}, {});
  ASSERT_EQ(edge.size(), 128U);
  EXPECT_EQ(edge[0].id, "ovw.exact-threshold[N=1]@ocam2k");
  EXPECT_EQ(std::get<UnreadLag>(edge[0].readers[0].lag[0]).unread,
            (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(std::get<UnreadLag>(edge[127].readers[0].lag[0]).unread,
            (std::vector<std::uint64_t>{127, 128, 129, 130}));

  // T7 at the rate of each bench must be among the depths tried, with the one below it.
  for (const auto& [bench, depth] : {std::pair{kShwfs, 11U}, std::pair{kOcam, 22U}}) {
    std::set<std::uint32_t> depths;
    for (const auto& c : make_plan({kScenarios / "depth.sizing.yaml"}, on({bench})))
      depths.insert(c.fifo.depth);
    EXPECT_TRUE(depths.contains(depth) && depths.contains(depth - 1)) << bench;
  }
}

TEST(Shipped, ASweepIsSelectedByItsOwnIdAndKnowsItsSize) {
  const auto part = make_plan({kScenarios}, selecting("depth.sizing[N=21]"));
  ASSERT_EQ(part.size(), 1U);
  ASSERT_EQ(part[0].sweep.size(), 1U);
  EXPECT_EQ(part[0].sweep[0].case_id, "depth.sizing/smallest-depth@ocam2k");
  EXPECT_EQ(part[0].sweep[0].cases, 4U) << "also those that are not selected";
  EXPECT_EQ(make_plan({kScenarios}, selecting("depth.sizing/smallest-depth@ocam2k")).size(), 4U);
}

TEST(Shipped, ReplayKnowsItsFileAndSum) {
  const auto cases = make_plan({kScenarios / "replay.bit-exact.yaml"}, on({kShwfs}));
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_TRUE(std::filesystem::is_regular_file(cases[0].source.settings.file));
  EXPECT_EQ(cases[0].source.sha256.size(), 64U);
  EXPECT_EQ(cases[0].source.settings.at_end, drivers::AtEnd::loop);
}

TEST(Shipped, Listed) {
  const auto list = list_scenarios({kScenarios});
  const auto it = std::find_if(list.begin(), list.end(),
                               [](const auto& s) { return s.id == "ovw.exact-threshold"; });
  ASSERT_NE(it, list.end());
  EXPECT_EQ(it->cases, 128U);
  EXPECT_EQ(it->group, "overwrite");
  EXPECT_EQ(it->modes, std::vector<std::string>{"virtual"});
  EXPECT_EQ(it->file.filename(), "ovw.exact-threshold.yaml");
}

class Resolved : public test::Files {};

// Everything a case is made of, but the lines of its file.
void expect_same(const Case& a, const Case& b) {
  SCOPED_TRACE(a.id);
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.resolved, b.resolved);
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.skip, b.skip);
  EXPECT_EQ(a.variables, b.variables);
  EXPECT_EQ(a.requirements, b.requirements);
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.frames, b.frames);
  EXPECT_EQ(a.source.kind, b.source.kind);
  EXPECT_EQ(a.source.sha256, b.source.sha256);
  EXPECT_EQ(a.source.settings.file, b.source.settings.file);
  EXPECT_EQ(a.source.settings.at_end, b.source.settings.at_end);
  EXPECT_EQ(a.source.settings.on_late, b.source.settings.on_late);
  EXPECT_EQ(a.source.settings.rate, b.source.settings.rate);
  EXPECT_EQ(a.source.settings.shape, b.source.settings.shape);
  EXPECT_EQ(a.source.settings.type, b.source.settings.type);
  EXPECT_EQ(a.fifo.depth, b.fifo.depth);
  EXPECT_EQ(a.fifo.mode, b.fifo.mode);
  EXPECT_TRUE(b.sweep.empty()) << "a case alone compares nothing with others";
  ASSERT_EQ(a.readers.size(), b.readers.size());
  for (std::size_t i = 0; i < a.readers.size(); ++i) {
    EXPECT_EQ(a.readers[i].name, b.readers[i].name);
    EXPECT_EQ(a.readers[i].hold, b.readers[i].hold);
    EXPECT_EQ(a.readers[i].looks, b.readers[i].looks);
    ASSERT_EQ(a.readers[i].lag.size(), b.readers[i].lag.size());
    for (std::size_t l = 0; l < a.readers[i].lag.size(); ++l) {
      ASSERT_EQ(a.readers[i].lag[l].index(), b.readers[i].lag[l].index());
      if (const auto* constant = std::get_if<ConstantLag>(&a.readers[i].lag[l])) {
        EXPECT_EQ(constant->service, std::get<ConstantLag>(b.readers[i].lag[l]).service);
      }
    }
  }
  ASSERT_EQ(a.expect.size(), b.expect.size());
  for (std::size_t i = 0; i < a.expect.size(); ++i) {
    EXPECT_EQ(a.expect[i].metric, b.expect[i].metric);
    EXPECT_EQ(a.expect[i].value, b.expect[i].value);
    EXPECT_EQ(a.expect[i].predicted, b.expect[i].predicted);
    EXPECT_EQ(a.expect[i].tier, b.expect[i].tier);
  }
}

TEST_F(Resolved, IsTheSameCaseAgain) {
  for (const auto& bench : {kOcam, kShwfs}) {
    for (const auto mode : {Mode::virtual_time, Mode::sim}) {
      const auto cases = make_plan({kScenarios}, on({bench}, mode, 18446744073709551615U));
      for (const auto& c : cases) {
        if (c.skip.starts_with("a soak")) continue;  // in a file of its own it is run
        // Without --mode and --seed: the text has them. With --mode where the case is a skip.
        PlanOptions options = on({bench});
        if (c.skip.starts_with("mode")) options.mode = mode;
        const auto again = make_plan({write("resolved.yaml", c.resolved)}, options);
        ASSERT_EQ(again.size(), 1U) << c.resolved;
        expect_same(c, again[0]);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(Resolved, HasNoVariableLeftAndTheBoundDevice) {
  for (const auto& c : make_plan({kScenarios}, on({kShwfs}))) {
    EXPECT_EQ(c.resolved.find("${"), std::string::npos) << c.resolved;
    if (c.host) continue;  // looks at the machine, and has no source
    EXPECT_NE(c.resolved.find("kind: replay"), std::string::npos);
    EXPECT_NE(c.resolved.find("rate: "), std::string::npos);  // the bench's, or its own
  }
}

}  // namespace
}  // namespace daohil::hil::plan
