#include <gtest/gtest.h>

#include <string>

#include "files.hpp"
#include "hil/plan/seed.hpp"

namespace daohil::hil::plan {
namespace {

using namespace std::chrono_literals;
using test::in_mode;
using test::kScenario;
using test::on;
using test::seeded;
using test::selecting;
using test::with;

class Cases : public test::Files {};

TEST_F(Cases, DefaultsAndBinding) {
  const auto cases = plan(kScenario);
  ASSERT_EQ(cases.size(), 1U);
  const Case& c = cases[0];
  EXPECT_EQ(c.id, "lag.test@desk");
  EXPECT_EQ(c.scenario, "lag.test");
  EXPECT_EQ(c.title, "A test");
  EXPECT_EQ(c.group, "lag");
  EXPECT_EQ(c.bench, "desk");
  EXPECT_EQ(c.mode, Mode::sim);
  EXPECT_EQ(c.skip, "");
  EXPECT_EQ(c.frames, 100U);
  EXPECT_EQ(c.attempts, 1);
  EXPECT_EQ(c.timeouts.run, 60s);
  EXPECT_EQ(c.source.role, "wfs");
  EXPECT_EQ(c.source.kind, "stamped");
  EXPECT_EQ(c.source.settings.shape, (shm::Shape{8, 4}));
  EXPECT_EQ(c.source.settings.type, shm::PixelType::u16);
  EXPECT_EQ(c.source.settings.rate, shm::Rate::millihertz(2'000'000));
  EXPECT_EQ(c.fifo.depth, 8U);
  EXPECT_EQ(c.fifo.mode, 0600U);
  ASSERT_EQ(c.readers.size(), 1U);
  EXPECT_EQ(c.readers[0].on_empty, OnEmpty::wait);
  EXPECT_EQ(c.readers[0].copying, Copying::copy);
  EXPECT_EQ(std::get<ConstantLag>(c.readers[0].lag.at(0)).service, 750us);
  ASSERT_EQ(c.expect.size(), 1U);
  EXPECT_EQ(c.expect[0].metric, "fifo.wfs.slow.identity");
  EXPECT_EQ(std::get<bool>(c.expect[0].value), true);
  EXPECT_EQ(c.expect[0].tier, Tier::a);
  EXPECT_EQ(c.expect[0].line, 19);
}

TEST_F(Cases, EveryWordArrives) {
  const std::string text =
      "apiVersion: hil/v1\nkind: Scenario\nid: all\ntitle: T\ngroup: depth\nseverity: advisory\n"
      "requirements: [T0, FIFO-012]\nmodes: [virtual]\nseed: 7\n"
      "timeouts: {setup: 1s, run: 2min, teardown: 500ms}\n"
      "attempts: {max: 3, on: [ERROR, INCONCLUSIVE]}\n"
      "sources: [{role: wfs, shape: [6, 5, 4], dtype: f32, rate: 500Hz, pacing: {on_late: "
      "burst}}]\n"
      "fifos: [{name: ring, from: wfs, depth: 4, perms: \"0660\"}]\n"
      "readers:\n"
      "  - {name: a, fifo: ring, process: separate, mode: newest, wait: false, poll: 10us,\n"
      "     copy: zero, hold: 20us, lag: [{kind: constant, delay: 3ms},\n"
      "     {kind: periodic, every: 500frames, stall: 20.5ms, phase: sweep}]}\n"
      "  - {name: b, fifo: ring, lag: [{kind: unread, beyond_depth: [-4, -3, 0, 2]}]}\n"
      "  - {name: c, fifo: ring, rules: reference, looks: each_publication_step, wait: false}\n"
      "  - {name: d, fifo: ring, lag: [{kind: unread, frames: [3, 9]}]}\n"
      "duration: 2.5s\n"
      "expect:\n"
      "  - {id: lost, metric: fifo.ring.a.lost, predicted: lost, slack: 2frames}\n"
      "  - {id: age, metric: fifo.ring.a.age.max, max: 1.5ms, timing: true}\n"
      "  - {id: age2, metric: fifo.ring.a.age.max, predicted: age_bound, slack: 1us, tier: A}\n"
      "  - {id: rate, metric: source.wfs.rate, min: 499.5Hz}\n"
      "  - {id: sum, metric: fifo.ring.a.sha256, not_equals: abc}\n"
      "  - {id: orc, metric: fifo.ring.a.oracle.violations, equals: 0}\n";
  const auto cases = plan(text);
  ASSERT_EQ(cases.size(), 1U);
  const Case& c = cases[0];
  EXPECT_EQ(c.severity, Severity::advisory);
  EXPECT_EQ(c.requirements, (std::vector<std::string>{"T0", "FIFO-012"}));
  EXPECT_EQ(c.mode, Mode::virtual_time);
  EXPECT_EQ(c.seed, case_seed(7, "all@desk"));
  EXPECT_EQ(c.timeouts.setup, 1s);
  EXPECT_EQ(c.timeouts.run, 2min);
  EXPECT_EQ(c.timeouts.teardown, 500ms);
  EXPECT_EQ(c.attempts, 3);
  EXPECT_EQ(c.source.settings.shape, (shm::Shape{6, 5, 4}));
  EXPECT_EQ(c.source.settings.type, shm::PixelType::f32);
  EXPECT_EQ(c.source.settings.on_late, drivers::OnLate::burst);
  EXPECT_EQ(c.fifo.name, "ring");
  EXPECT_EQ(c.fifo.mode, 0660U);
  EXPECT_EQ(c.frames, 1250U);

  ASSERT_EQ(c.readers.size(), 4U);
  const auto& a = c.readers[0];
  EXPECT_EQ(a.mode, ReadMode::newest);
  EXPECT_EQ(a.on_empty, OnEmpty::poll);
  EXPECT_EQ(a.poll, 10us);
  EXPECT_EQ(a.copying, Copying::in_place);
  EXPECT_EQ(a.hold, 20us);
  EXPECT_EQ(std::get<ConstantLag>(a.lag.at(0)).service, 3ms);
  const auto& periodic = std::get<PeriodicLag>(a.lag.at(1));
  EXPECT_EQ(periodic.every, 500U);
  EXPECT_EQ(periodic.stall, 20500us);
  EXPECT_EQ(periodic.phase, StallPhase::sweep);
  EXPECT_EQ(std::get<UnreadLag>(c.readers[1].lag.at(0)).unread,
            (std::vector<std::uint64_t>{1, 4, 6}));  // 4 - 4 is no lag
  EXPECT_EQ(c.readers[2].rules, Rules::reference);
  EXPECT_EQ(c.readers[2].looks, Looks::at_each_publication_step);
  EXPECT_EQ(std::get<UnreadLag>(c.readers[3].lag.at(0)).unread, (std::vector<std::uint64_t>{3, 9}));

  ASSERT_EQ(c.expect.size(), 6U);
  EXPECT_EQ(c.expect[0].op, Operator::predicted);
  EXPECT_EQ(c.expect[0].predicted, "lost");
  EXPECT_EQ(c.expect[0].slack, 2.0);
  EXPECT_EQ(c.expect[0].tier, Tier::c);
  EXPECT_EQ(std::get<std::int64_t>(c.expect[1].value), 1'500'000);
  EXPECT_TRUE(c.expect[1].timing);
  EXPECT_EQ(c.expect[2].slack, 1000.0);
  EXPECT_EQ(c.expect[2].tier, Tier::a);
  EXPECT_EQ(std::get<double>(c.expect[3].value), 499.5);
  EXPECT_EQ(c.expect[3].op, Operator::min);
  EXPECT_EQ(std::get<std::string>(c.expect[4].value), "abc");
  EXPECT_EQ(c.expect[4].op, Operator::not_equals);
  EXPECT_EQ(c.expect[5].tier, Tier::b);
}

TEST_F(Cases, ModeIsTheWishedOneOrSimOrVirtual) {
  EXPECT_EQ(plan(kScenario)[0].mode, Mode::sim);
  EXPECT_EQ(plan(kScenario, in_mode(Mode::virtual_time))[0].mode, Mode::virtual_time);

  const auto only_virtual = with(kScenario, "[virtual, sim]", "[virtual]");
  EXPECT_EQ(plan(only_virtual)[0].mode, Mode::virtual_time);
  EXPECT_EQ(plan(only_virtual)[0].skip, "");
  EXPECT_EQ(plan(only_virtual, in_mode(Mode::sim))[0].skip,
            "mode sim: the scenario has modes [virtual]");
  // A skipped case is not wrong, even if it could not run in the mode that it is skipped for.
  const auto unread = with(only_virtual, "constant, rho: 1.5", "unread, frames: [1]");
  EXPECT_EQ(plan(unread, in_mode(Mode::sim))[0].skip, "mode sim: the scenario has modes [virtual]");

  EXPECT_EQ(plan(with(kScenario, "[virtual, sim]", "[real]"))[0].skip,
            "this version runs none of the scenario's modes [real]");
}

TEST_F(Cases, AUsbCameraHasItsSerialNumberAndFeaturesInOrder) {
  write("benches/default.yaml",
        with(kBench, "driver: stamped",
             "driver: usb, usb: {device: 00123, features: {PixelFormat: Mono12p, Gain: 6.5}}"));
  const auto settings = plan(kScenario).at(0).source.settings;
  EXPECT_EQ(settings.device, "00123");
  ASSERT_EQ(settings.features.size(), 2U);
  EXPECT_EQ(settings.features[0].name, "PixelFormat");
  EXPECT_EQ(settings.features[0].value, "Mono12p");
  EXPECT_EQ(settings.features[1].name, "Gain");
  EXPECT_EQ(settings.features[1].value, "6.5");
}

TEST_F(Cases, MissingFeaturesSkip) {
  const auto text = kScenario + "requires: {features: [wfs, recorded, usb]}\n";
  EXPECT_EQ(plan(text)[0].skip, "bench desk lacks recorded, usb");
  EXPECT_EQ(plan(kScenario + "requires: {features: [wfs]}\n")[0].skip, "");
}

TEST_F(Cases, ADriverInTheScenarioReplacesTheCameraAsAWhole) {
  write("cube.fits", "x");
  const auto cases = plan(with(kScenario, "  - role: wfs\n",
                               "  - role: wfs\n    rate: 1kHz\n"
                               "    driver: {kind: replay, file: cube.fits, loop: false}\n"));
  const auto& source = cases.at(0).source;
  EXPECT_EQ(source.kind, "replay");
  EXPECT_TRUE(source.settings.file.is_absolute());
  EXPECT_TRUE(std::filesystem::equivalent(source.settings.file, folder_ / "cube.fits"));
  EXPECT_EQ(source.settings.at_end, drivers::AtEnd::stop);
  EXPECT_EQ(source.settings.shape, std::nullopt);  // of the bench's camera, not of this one
  EXPECT_EQ(source.settings.rate, shm::Rate::millihertz(1'000'000));
}

TEST_F(Cases, AVeryShortDurationIsOneFrame) {
  EXPECT_EQ(plan(with(kScenario, "frames: 100", "duration: 1ns"))[0].frames, 1U);
}

TEST_F(Cases, SelectKeepsWhatContainsTheText) {
  const auto text = with(kScenario, "depth: 8", "depth: ${N}") + "matrix: {N: [1, 8, 18]}\n";
  EXPECT_EQ(plan(text, selecting("N=8")).size(), 1U);
  EXPECT_EQ(plan(text, selecting("@desk")).size(), 3U);
  EXPECT_EQ(plan(text, selecting("nothing")).size(), 0U);
}

TEST_F(Cases, EveryBenchInTurn) {
  const auto other = write("other.yaml", with(kBench, "name: desk", "name: other"));
  const auto cases = plan(kScenario, on({folder_ / "benches/default.yaml", other}));
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].id, "lag.test@desk");
  EXPECT_EQ(cases[1].id, "lag.test@other");
}

// Computed by an independent program; the components are the published ones: FNV-1a of "a" is
// af63dc4c8601ec8c, the first SplitMix64 of seed 0 is e220a8397b1dcdaf.
TEST(Seed, IsTheSameOnEveryMachine) {
  EXPECT_EQ(case_seed(1, "lag.constant[N=8,rho=1.5]@ocam2k"), 1597747276502363146U);
  EXPECT_EQ(case_seed(20261122, "lag.constant[N=8,rho=1.5]@ocam2k"), 9630877957156051280U);
  EXPECT_EQ(case_seed(1, "lag.constant[N=8,rho=2.5]@ocam2k"), 5817187447437578515U);
  EXPECT_EQ(case_seed(0, ""), 6566800829925814604U);
}

TEST_F(Cases, SeedOfTheCommandLineWins) {
  EXPECT_EQ(plan(kScenario)[0].seed, case_seed(1, "lag.test@desk"));
  EXPECT_EQ(plan(kScenario + "seed: 5\n")[0].seed, case_seed(5, "lag.test@desk"));
  EXPECT_EQ(plan(kScenario + "seed: 5\n", seeded(~0ULL))[0].seed,
            case_seed(~0ULL, "lag.test@desk"));
}

}  // namespace
}  // namespace daohil::hil::plan
