#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"

// Every way to get a scenario or bench wrong, and the one line it gives: file, line, place, what
// is wrong, and the way out.
namespace daohil::hil::plan {
namespace {

using test::in_mode;
using test::kScenario;
using test::on;
using test::with;

struct Mistake {
  const char* from;  ///< text of kScenario
  const char* to;
  const char* complaint;
};

class Errors : public test::Files {
 protected:
  void expect_all(const std::vector<Mistake>& mistakes) const {
    for (const auto& [from, to, expected] : mistakes)
      EXPECT_EQ(complaint(with(kScenario, from, to)), expected) << to;
  }
};

TEST_F(Errors, TheTemplateIsRight) { EXPECT_EQ(complaint(kScenario), ""); }

TEST_F(Errors, Keys) {
  expect_all({
      {"    depth: 8", "    dept: 8",
       "x.yaml:12: fifo 'wfs': unknown key 'dept'; did you mean 'depth'? allowed: name, from, "
       "depth, perms"},
      {"    depth: 8", "    zzzzzzzz: 8",
       "x.yaml:10: fifo 'wfs': key 'depth' is missing; add it\n"
       "x.yaml:12: fifo 'wfs': unknown key 'zzzzzzzz'; allowed: name, from, depth, perms"},
      {"    fifo: wfs\n", "    fiof: wfs\n",
       "x.yaml:15: reader 'slow': unknown key 'fiof'; did you mean 'fifo'? allowed: name, fifo, "
       "process, mode, rules, looks, wait, poll, copy, hold, lag, lang, exec, history, index, "
       "on_overwrite, start, cpu, waiting, semaphore"},
      {"    depth: 8\n", "", "x.yaml:10: fifo 'wfs': key 'depth' is missing; add it"},
      {"title: A test\n", "", "x.yaml:1: key 'title' is missing; add it"},
      {"title: A test", "title: ~", "x.yaml:1: key 'title' is missing; add it"},
      {"title: A test", "title: A\ntitle: B",
       "x.yaml:5: key 'title' is already in line 4; keep one of the two"},
  });
}

TEST_F(Errors, WhatThisVersionDoesNotRunIsRefusedByName) {
  const std::string tail = "` is part of hil/v1 but this version does not run it yet; remove it";
  for (const std::string key : {"sampling", "until"})
    EXPECT_EQ(complaint(kScenario + key + ": [x]\n"), "x.yaml:20: `" + key + tail);
  expect_all({
      {"  - role: wfs\n", "  - {role: wfs, exposure: 400us}\n",
       "x.yaml:8: source 'wfs': `exposure` is part of hil/v1 but this version does not run it yet; "
       "remove it"},
      {"    fifo: wfs\n", "    fifo: wfs\n    cpu: {prio: 60}\n",
       "x.yaml:16: reader 'slow': cpu: `prio` is part of hil/v1 but this version does not run it "
       "yet; remove it"},
      {"frames: 100\n", "frames: 100\nsinks: [{role: dm}]\n",
       "x.yaml:18: sinks: `sinks` is part of hil/v1 but this version does not run it yet; remove "
       "it"},
      {"frames: 100\n", "frames: 100\nfaults: [{target: wfs, kind: disconnect, at: 1s}]\n",
       "x.yaml:18: faults[0]: kind: `disconnect` is part of hil/v1 but this version does not run "
       "it "
       "yet; remove it"},
      {"    fifo: wfs\n", "    fifo: wfs\n    process: thread\n",
       "x.yaml:16: reader 'slow': process: `thread` is part of hil/v1 but this version does not "
       "run it yet; remove it"},
  });
}

TEST_F(Errors, Faults) {
  const auto with_fault = [](const std::string& fault) {
    return with(kScenario, "frames: 100\n", ("frames: 100\nfaults:\n  - " + fault + "\n").c_str());
  };
  const std::string at = "x.yaml:19: faults[0]: ";
  const std::vector<std::pair<std::string, std::string>> mistakes{
      {"drop", "expected a fault such as {target: wfs, kind: drop, at: {frames: [1000]}}"},
      {"{target: wsf, kind: drop, every: 5frames}",
       "target: unknown target 'wsf'; did you mean 'wfs'? allowed: wfs, writer, fifo, clock, host, "
       "slow"},
      {"{target: wfs, kind: dorp, every: 5frames}",
       "kind: expected one of drop, duplicate, reorder, corrupt, short_frame, id_jump, jitter, "
       "rate_step, got 'dorp'; did you mean 'drop'?"},
      {"{target: wfs, kind: drop}",
       "has exactly one of at (a time, or {frames: [...]}), every and p"},
      {"{target: wfs, kind: drop, every: 5frames, p: 0.1}",
       "has exactly one of at (a time, or {frames: [...]}), every and p"},
      {"{target: wfs, kind: drop, p: 1.5}",
       "p: expected a probability over 0 and at most 1 such as 1e-3 or 0.1%, got '1.5'"},
      {"{target: wfs, kind: drop, every: 5frames, bits: 3}",
       "unknown key 'bits'; allowed: target, kind, at, for, every, p, count"},
      {"{target: wfs, kind: jitter, every: 1frames, max: fast}",
       "max: expected a duration such as 20.5ms, got 'fast'"},
      {"{target: writer, kind: crash, at: 5s, point: after_index, for: 1ms}",
       "at: a crash strikes in a frame: expected {frame: 4000}"},
      {"{target: writer, kind: crash, at: {frame: 5}, point: after_indes, for: 1ms}",
       "point: expected one of before_write, after_half_memcpy, before_publish, after_stamp, "
       "after_counter, between_index_and_counter, after_clear_write, after_index, after_publish, "
       "got 'after_indes'; did you mean 'after_index'?"},
      {"{target: fifo, kind: recreate, at: 1s, depth: 0}", "depth: 0 is outside 1 to 1000000"},
      {"{target: fifo, kind: chmod, at: 1s, mode: \"9999\"}",
       "mode: expected quoted octal digits such as \"0000\", got '9999'"},
      {"{target: clock, kind: step, at: 1s, by: back}",
       "by: expected a duration such as 20.5ms, got 'back'"},
      {"{target: slow, kind: sigstop, at: 1s, for: 1s}",
       "write it as the reader's lag: {kind: sigstop, at: 5s, for: 250ms}"},
  };
  for (const auto& [fault, expected] : mistakes)
    EXPECT_EQ(complaint(with_fault(fault)), at + expected) << fault;
}

TEST_F(Errors, ExactlyOneSourceAndFifo) {
  expect_all({
      {"  - role: wfs\n", "  - role: wfs\n  - role: dm\n",
       "x.yaml:9: sources[1]: a second source; this version runs exactly one in a scenario"},
      {"    depth: 8\n", "    depth: 8\n  - {name: b, from: wfs, depth: 2}\n",
       "x.yaml:13: fifos[1]: a second fifo; this version runs exactly one in a scenario"},
      {"sources:\n  - role: wfs\n", "sources: []\n",
       "x.yaml:7: sources: no source; a scenario has one"},
      {"    fifo: wfs\n", "    fifo: wsf\n",
       "x.yaml:15: reader 'slow': fifo: there is no fifo 'wsf'; the one of this scenario is 'wfs'"},
      {"    from: wfs", "    from: dm",
       "x.yaml:11: fifo 'wfs': from: there is no source 'dm'; the one of this scenario is 'wfs'"},
      {"frames: 100\n", "frames: 100\nduration: 1s\n",
       "x.yaml:1: a scenario has exactly one of frames and duration"},
      {"frames: 100\n", "", "x.yaml:1: a scenario has exactly one of frames and duration"},
  });
}

TEST_F(Errors, WrongTypes) {
  expect_all({
      {"  - role: wfs\n", "  - {role: wfs, rate: fast}\n",
       "x.yaml:8: source 'wfs': rate: expected a rate such as 2067Hz, got 'fast'"},
      {"  - role: wfs\n", "  - {role: wfs, rate: 2067}\n",
       "x.yaml:8: source 'wfs': rate: expected a rate such as 2067Hz, got '2067'; add a unit: mHz, "
       "Hz, kHz, MHz"},
      {"  - role: wfs\n", "  - {role: wfs, rate: [1kHz]}\n",
       "x.yaml:8: source 'wfs': rate: expected a rate such as 2067Hz, got a list"},
      {"  - role: wfs\n", "  - wfs\n",
       "x.yaml:8: sources[0]: expected a map of keys, got a single value"},
      {"  - role: wfs\n", "  role: wfs\n",
       "x.yaml:8: sources: expected a list, got a map; put it in [ ]"},
      {"  - role: wfs\n", "  - {role: wfs, shape: [240, 0]}\n",
       "x.yaml:8: source 'wfs': shape[1]: 0 is outside 1 to 4294967295"},
      {"  - role: wfs\n", "  - {role: wfs, shape: [1, 2, 3, 4]}\n",
       "x.yaml:8: source 'wfs': shape: expected 1 to 3 axes such as [240, 240], got 4"},
      {"  - role: wfs\n", "  - {role: wfs, shape: [4294967295, 4294967295]}\n",
       "x.yaml:8: source 'wfs': shape: a frame of 4294967295x4294967295 u16 exceeds 2^45 bytes"},
      {"  - role: wfs\n", "  - {role: wfs, dtype: u61}\n",
       "x.yaml:8: source 'wfs': dtype: expected a pixel type, one of u8, i8, u16, i16, u32, i32, "
       "u64, i64, f32, f64, c64, c128, got 'u61'; did you mean 'u16'?"},
      {"  - role: wfs\n", "  - {role: wfs, pacing: {on_late: brust}}\n",
       "x.yaml:8: source 'wfs': pacing: on_late: expected one of skip, burst, shift, got 'brust'; "
       "did you mean 'burst'?"},
      {"    depth: 8", "    depth: 0", "x.yaml:12: fifo 'wfs': depth: 0 is outside 1 to 1000000"},
      {"    depth: 8", "    depth: deep",
       "x.yaml:12: fifo 'wfs': depth: expected a whole number such as 64, got 'deep'"},
      {"    depth: 8", "    depth: 8\n    perms: 0660",
       "x.yaml:13: fifo 'wfs': perms: expected quoted octal digits such as \"0660\", got '0660'"},
      {"    depth: 8", "    depth: 8\n    perms: \"0999\"",
       "x.yaml:13: fifo 'wfs': perms: expected quoted octal digits such as \"0660\", got '0999'"},
      {"frames: 100", "duration: 3",
       "x.yaml:17: duration: expected a duration such as 20.5ms, got '3'; add a unit: ns, us, ms, "
       "s, min, h"},
      {"frames: 100", "frames: 100frames",
       "x.yaml:17: frames: expected a whole number such as 64, got '100frames'"},
      {"group: lag", "group: lags",
       "x.yaml:5: group: expected one of acceptance, lag, overwrite, depth, faults, soak, loop, "
       "replay, host, got 'lags'; did you mean 'lag'?"},
      {"modes: [virtual, sim]", "modes: [virtaul]",
       "x.yaml:6: modes[0]: expected one of virtual, sim, real, got 'virtaul'; did you mean "
       "'virtual'?"},
      {"id: lag.test", "id: ../lag",
       "x.yaml:3: id: expected a name of 1 to 64 letters, digits and . _ -, got '../lag'"},
      {"apiVersion: hil/v1", "apiVersion: hil/v2",
       "x.yaml:1: apiVersion: expected hil/v1, got 'hil/v2'; this version reads no other"},
      {"kind: Scenario", "kind: Bench",
       "x.yaml:2: kind: expected a file of kind Scenario, got 'Bench'"},
      {"title: A test", "title: A test\nattempts: {max: 0}",
       "x.yaml:5: attempts: max: 0 is outside 1 to 100"},
      {"title: A test", "title: A test\nattempts: {on: [FAIL]}",
       "x.yaml:5: attempts: on[0]: a FAIL is never retried; only ERROR and INCONCLUSIVE are"},
      {"title: A test", "title: A test\ntimeouts: {run: 0s}",
       "x.yaml:5: timeouts: run: must be longer than nothing"},
  });
}

TEST_F(Errors, Readers) {
  expect_all({
      {"{kind: constant, rho: 1.5}", "{kind: constant}",
       "x.yaml:16: reader 'slow': lag[0]: kind constant has exactly one of rho (in frame periods) "
       "and delay (a duration)"},
      {"{kind: constant, rho: 1.5}", "{kind: constant, rho: 1.5ms}",
       "x.yaml:16: reader 'slow': lag[0]: rho: expected a bare decimal number such as 1.5 of at "
       "most 19 digits, got '1.5ms'"},
      {"{kind: constant, rho: 1.5}", "{kind: constant, stall: 1ms}",
       "x.yaml:16: reader 'slow': lag[0]: unknown key 'stall'; allowed: kind, rho, delay, phase"},
      {"{kind: constant, rho: 1.5}", "{kind: constant, rho: 1.5, phase: 1}",
       "x.yaml:16: reader 'slow': lag[0]: phase: is a part of a frame period, 0 or more and less "
       "than 1"},
      {"{kind: constant, rho: 1.5}", "{kind: periodic, every: 500, stall: 1ms}",
       "x.yaml:16: reader 'slow': lag[0]: every: expected a number of frames such as 500frames, "
       "got "
       "'500'; add a unit: frames, frame"},
      {"{kind: constant, rho: 1.5}", "{kind: constnat, rho: 1.5}",
       "x.yaml:16: reader 'slow': lag[0]: kind: expected one of constant, periodic, unread, "
       "burst, gc, hog, sigstop, trace, got 'constnat'; did you mean 'constant'?"},
      {"{kind: constant, rho: 1.5}", "{rho: 1.5}",
       "x.yaml:16: reader 'slow': lag[0]: expected a lag such as {kind: constant, delay: 3ms}"},
      {"    fifo: wfs\n", "    fifo: wfs\n    poll: 1ms\n",
       "x.yaml:16: reader 'slow': poll: a waiting reader does not poll; add wait: false"},
      {"    fifo: wfs\n", "    fifo: wfs\n    hold: 1ms\n",
       "x.yaml:16: reader 'slow': hold: only copy: zero holds pixels; add it"},
      {"    fifo: wfs\n", "    fifo: wfs\n    rules: reference\n    mode: newest\n",
       "x.yaml:17: reader 'slow': mode: rules: reference know mode next only"},
      {"expect:\n", "  \nexpect:\n", ""},
      {"frames: 100\n", "  - {name: slow, fifo: wfs}\nframes: 100\n",
       "x.yaml:17: readers[1]: there is a reader 'slow' already; names are unique"},
  });
}

TEST_F(Errors, WhatNeedsVirtualTimeNamesTheReader) {
  const auto unread = with(kScenario, "{kind: constant, rho: 1.5}", "{kind: unread, frames: [1]}");
  EXPECT_EQ(complaint(unread),
            "x.yaml:16: reader 'slow': lag[0]: kind unread exists in virtual time only, but the "
            "case runs in mode sim; give the scenario modes: [virtual]");
  EXPECT_EQ(complaint(unread, in_mode(Mode::virtual_time)), "");
  EXPECT_EQ(complaint(with(unread, "[1]", "[0]"), in_mode(Mode::virtual_time)),
            "x.yaml:16: reader 'slow': lag[0]: frames[0]: 0 is outside 1 to 2000000");

  const auto looks = with(kScenario, "    lag: [{kind: constant, rho: 1.5}]",
                          "    looks: each_publication_step\n    wait: false");
  EXPECT_EQ(complaint(looks),
            "x.yaml:16: reader 'slow': looks: each_publication_step exists in virtual time only, "
            "but the case runs in mode sim; give the scenario modes: [virtual]");
  EXPECT_EQ(complaint(looks, in_mode(Mode::virtual_time)), "");

  const auto mid_copy = with(looks, "each_publication_step", "mid_copy");
  EXPECT_EQ(complaint(mid_copy),
            "x.yaml:16: reader 'slow': looks: mid_copy exists in virtual time only, but the case "
            "runs in mode sim; give the scenario modes: [virtual]");
  EXPECT_EQ(complaint(mid_copy, in_mode(Mode::virtual_time)), "");
  EXPECT_EQ(complaint(with(mid_copy, "\n    wait: false", ""), in_mode(Mode::virtual_time)),
            "x.yaml:16: reader 'slow': looks: mid_copy needs wait: false; a look between two steps "
            "must return");
}

TEST_F(Errors, APollWithoutAPauseWouldStopVirtualTime) {
  const auto poll = with(kScenario, "    lag: [{kind: constant, rho: 1.5}]", "    wait: false");
  EXPECT_EQ(complaint(poll), "");
  EXPECT_EQ(complaint(poll, in_mode(Mode::virtual_time)),
            "x.yaml:14: reader 'slow': polls without a pause: virtual time would never move on; "
            "give poll, e.g. 10us");
}

TEST_F(Errors, Expectations) {
  expect_all({
      {"fifo.wfs.slow.identity", "fifo.wfs.slow.identiy",
       "x.yaml:19: expect 'x': metric: unknown metric 'fifo.wfs.slow.identiy'; did you mean "
       "'fifo.wfs.slow.identity'?"},
      {"fifo.wfs.slow.identity", "fifo.wfs.fast.identity",
       "x.yaml:19: expect 'x': metric: unknown metric 'fifo.wfs.fast.identity'; did you mean "
       "'fifo.wfs.slow.identity'?"},
      {"equals: true", "equals: 0",
       "x.yaml:19: expect 'x': equals: expected true or false, got '0'"},
      {"equals: true", "equals: \"true\"",
       "x.yaml:19: expect 'x': equals: expected true or false, got 'true'"},
      {"equals: true", "tier: A",
       "x.yaml:19: expect 'x': claims nothing; add equals, not_equals, min, max, in, within, regex "
       "or predicted"},
      {"equals: true", "equals: true, not_equals: false",
       "x.yaml:19: expect 'x': not_equals: a second operator; one line makes one claim"},
      {"equals: true", "max: true",
       "x.yaml:19: expect 'x': max: fifo.wfs.slow.identity is true or false and has no order; use "
       "equals"},
      {"equals: true", "equals: true, slack: 1",
       "x.yaml:19: expect 'x': slack: belongs to predicted; move the limit instead"},
      {"equals: true", "predicted: lossles",
       "x.yaml:19: expect 'x': predicted: unknown prediction 'lossles'; did you mean 'lossless'? "
       "allowed: overwrites, lost, backlog, cycle_len, recovery, lossless, safe_depth, "
       "hold_budget, "
       "source_drops, newest_skips, history_valid, source_sha256, age_bound"},
      {"equals: true", "predicted: lost",
       "x.yaml:19: expect 'x': predicted: lost predicts a count, but fifo.wfs.slow.identity is "
       "true "
       "or false"},
      {"equals: true", "equals: true, tier: D",
       "x.yaml:19: expect 'x': tier: expected one of A, B, C, got 'D'"},
      {"identity, equals: true", "age.max, max: 5",
       "x.yaml:19: expect 'x': max: expected a duration such as 20.5ms, got '5'; add a unit: ns, "
       "us, ms, s, min, h"},
  });
  EXPECT_EQ(complaint(kScenario + "  - {id: x, metric: source.wfs.rate, min: 1Hz}\n"),
            "x.yaml:20: expect[1]: id 'x' is already in line 19; ids are unique");
  EXPECT_EQ(complaint(with(kScenario, "  - {id: x, metric: fifo.wfs.slow.identity, equals: true}\n",
                           "  []\n")),
            "x.yaml:19: expect: is empty; a scenario that expects nothing cannot fail");
}

TEST_F(Errors, Sweeps) {
  const auto text = with(kScenario, "depth: 8", "depth: ${N}") +
                    "sweep: [{id: s, over: N, metric: fifo.wfs.slow.lossless, predicted: "
                    "safe_depth}]\nmatrix: {N: [1, 2]}\n";
  EXPECT_EQ(complaint(text), "");
  EXPECT_EQ(complaint(with(text, "over: N", "over: M")),
            "x.yaml:20: sweep 's': over: 'M' is no variable of the matrix; allowed: N");
  EXPECT_EQ(complaint(with(text, "slow.lossless", "slow.lost")),
            "x.yaml:20: sweep 's': metric: fifo.wfs.slow.lost is a count; a sweep looks for the "
            "smallest value where a metric such as lossless is true");
}

TEST_F(Errors, TimeAndRate) {
  write("benches/default.yaml", "kind: Bench\nname: desk\nroles: {wfs: {driver: stamped}}\n");
  EXPECT_EQ(complaint(kScenario),
            "x.yaml:16: reader 'slow': lag[0]: rho: is relative to the frame rate, which neither "
            "scenario nor bench gives; add rate");
  EXPECT_EQ(
      complaint(with(with(kScenario, "frames: 100", "duration: 1s"), "rho: 1.5", "delay: 1ms")),
      "x.yaml:17: duration: needs the frame rate, which neither scenario nor bench gives; add "
      "rate or give frames instead");
}

TEST_F(Errors, ARunLongerThanItsTimeout) {
  const auto slow = with(kScenario, "frames: 100", "duration: 61s");
  EXPECT_EQ(complaint(slow),
            "x.yaml:17: duration: 122000 frames take 61s, longer than timeouts: run of 60s; raise "
            "it");
  EXPECT_EQ(complaint(slow, in_mode(Mode::virtual_time)), "");  // takes no such time
  EXPECT_EQ(complaint(slow + "timeouts: {run: 2min}\n"), "");
}

TEST_F(Errors, Benches) {
  const auto bench = [&](std::string_view from, std::string_view to) {
    write("benches/default.yaml", with(kBench, from, to));
    return complaint(kScenario);
  };
  EXPECT_EQ(
      bench("driver: stamped", "driver: stampd"),
      "benches/default.yaml:5: role 'wfs': driver: expected a driver, one of stamped, replay, usb, "
      "got 'stampd'; did you mean 'stamped'?");
  EXPECT_EQ(bench("rate: 2kHz", "rat: 2kHz"),
            "benches/default.yaml:5: role 'wfs': unknown key 'rat'; did you mean 'rate'? allowed: "
            "driver, file, loop, shape, dtype, rate, on_late, sha256, usb");
  EXPECT_EQ(bench("driver: stamped", "driver: stamped, usb: {device: A}"),
            "benches/default.yaml:5: role 'wfs': usb: driver stamped is no USB camera; remove it");
  EXPECT_EQ(bench("driver: stamped", "driver: usb, usb: {features: [Gain]}"),
            "benches/default.yaml:5: role 'wfs': usb: features: expected a map of features such as "
            "{ExposureTime: 250, Gain: 0}");
  EXPECT_EQ(bench("driver: stamped", "driver: stamped, file: a.fits"),
            "benches/default.yaml:5: role 'wfs': file: driver stamped plays no file; remove it");
  EXPECT_EQ(bench("driver: stamped", "driver: replay"),
            "benches/default.yaml:5: role 'wfs': key 'file' is missing; add it");
  EXPECT_EQ(
      bench("driver: stamped", "driver: replay, file: /none.fits"),
      "benches/default.yaml:5: role 'wfs': file: no file '/none.fits'; a relative path begins "
      "at the folder of this file");
  EXPECT_EQ(bench("  wfs:", "  dm:"),
            "x.yaml:8: source 'wfs': role: bench benches/default.yaml has no role 'wfs'; add it "
            "there or give the source a driver");
  EXPECT_EQ(bench("name: desk", "name: desk\nsafety: {}"),
            "benches/default.yaml:3: `safety` is part of hil/v1 but this version does not run it "
            "yet; remove it");
  EXPECT_EQ(bench("kind: Bench", "kind: Scenario"),
            "benches/default.yaml:1: kind: expected a file of kind Bench, got 'Scenario'");

  std::filesystem::remove(folder_ / "benches/default.yaml");
  EXPECT_EQ(complaint(kScenario),
            "x.yaml:1: there is no default bench benches/default.yaml; name a bench file");
  EXPECT_EQ(complaint(kScenario, on({folder_ / "gone.yaml"})),
            "gone.yaml:1: no such file; check the path");
}

TEST_F(Errors, HostScenarios) {
  const std::string host =
      "apiVersion: hil/v1\n"                                         // 1
      "kind: Scenario\n"                                             // 2
      "id: host.test\n"                                              // 3
      "title: A test\n"                                              // 4
      "group: host\n"                                                // 5
      "modes: [sim]\n"                                               // 6
      "checks: [rt, memory]\n"                                       // 7
      "duration: 2s\n"                                               // 8
      "expect:\n"                                                    // 9
      "  - {id: x, metric: host.rt.cyclictest.max_us, max: 200}\n";  // 10
  const auto cases = plan(host);
  ASSERT_EQ(cases.size(), 1U);
  ASSERT_TRUE(cases[0].host.has_value());
  EXPECT_EQ(cases[0].host->groups, (std::vector{host::Group::rt, host::Group::memory}));
  EXPECT_EQ(cases[0].host->floor, std::chrono::seconds(2));
  EXPECT_EQ(cases[0].host->sources.size(), 1U);
  // The evidence makes the same case.
  EXPECT_EQ(plan(cases[0].resolved).at(0).resolved, cases[0].resolved);

  const std::vector<Mistake> mistakes{
      {"[rt, memory]", "[rt, memroy]",
       "x.yaml:7: checks[1]: expected one of rt, tuning, memory, usb, shm, time, net, disk, got "
       "'memroy'; did you mean 'memory'?"},
      {"[rt, memory]", "[rt, rt]", "x.yaml:7: checks[1]: rt is listed twice"},
      {"[rt, memory]", "[]",
       "x.yaml:7: checks: is empty; list what to look at, such as [rt, tuning]"},
      {"group: host", "group: lag", "x.yaml:5: group: checks belong to group: host"},
      {"duration: 2s", "duration: 2s\nframes: 7",
       "x.yaml:9: frames: belongs to scenarios with a camera; checks look at the host alone, "
       "remove "
       "it"},
      {"modes: [sim]", "modes: [virtual]",
       "x.yaml:6: modes: in virtual time there is no host to check; remove virtual"},
      {"cyclictest.max_us", "cyclictest.max",
       "x.yaml:10: expect 'x': metric: unknown metric 'host.rt.cyclictest.max'; did you mean "
       "'host.rt.cyclictest.max_us'?"},
      {"max: 200", "max: 200us",
       "x.yaml:10: expect 'x': max: expected a number such as 0.5 or 1e-6, got '200us'"},
  };
  for (const auto& [from, to, expected] : mistakes)
    EXPECT_EQ(complaint(with(host, from, to)), expected) << to;
}

TEST_F(Errors, FilesThatClash) {
  const auto error = [&](const std::vector<std::filesystem::path>& files, PlanOptions options) {
    try {
      static_cast<void>(make_plan(files, options));
    } catch (const Error& e) {
      return without_folder(e.what());
    }
    return std::string{};
  };
  const auto a = write("a.yaml", kScenario);
  const auto b = write("b.yaml", kScenario);
  EXPECT_EQ(error({a, b}, {}), "b.yaml:1: id: 'lag.test' is also that of a.yaml; ids are unique");
  EXPECT_EQ(error({a, a, folder_ / "benches/../a.yaml"}, {}), "");
  const auto bench = write("desk2.yaml", kBench);
  EXPECT_EQ(error({a}, on({folder_ / "benches/default.yaml", bench})),
            "desk2.yaml:1: name: bench 'desk' is also that of benches/default.yaml; names are "
            "unique");
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_EQ(error({folder_ / "empty"}, {}),
            "empty:1: no *.yaml in this folder; name a scenario file");
}

TEST_F(Errors, AreOneLineWhateverTheTextIs) {
  const auto text = complaint(with(
      kScenario, "depth: 8", "depth: 8\n    \"a\\nb\\x1b[31m" + std::string(200, 'x') + "\": 8"));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_LT(text.size(), 250U);
}

}  // namespace
}  // namespace daohil::hil::plan
