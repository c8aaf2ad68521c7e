// Scenario files with random depths, rates, lags and faults, through the planner, the real FIFO in
// virtual time and the judge, against a reader that goes from event to event. The numbers of the
// scenario are read here once more, by their documentation, so that nothing is shared but the text.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "hil/judge/judge.hpp"
#include "hil/run/runner.hpp"
#include "tests/hil/plan/files.hpp"
#include "tests/hil/support/brute_force.hpp"

namespace daohil::hil {
namespace {

using test::Played;
using test::Script;

constexpr std::uint64_t kSeed = 41;

__extension__ using Wide = __int128;

// A scenario as text, and what its reader must do.
struct Drawn {
  std::string text;
  std::uint64_t depth = 1;
  Script script;
  std::uint64_t taken_away = 0;  // between the first and the last frame that came
};

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  std::int64_t upto(std::int64_t most) {
    return static_cast<std::int64_t>(random_() % (static_cast<std::uint64_t>(most) + 1));
  }
  bool one_in(std::int64_t n) { return upto(n - 1) == 0; }

  Drawn next() {
    Drawn drawn;
    drawn.depth = static_cast<std::uint64_t>(one_in(4) ? 1 : 1 + upto(one_in(5) ? 200 : 12));
    static constexpr std::int64_t kRates[]{1'000'000, 2'000'000, 1'250'000, 2'067'000, 500'000};
    mhz_ = one_in(3) ? 100'000 + upto(4'000'000) : kRates[upto(4)];
    frames_ = 50 + upto(250);
    period_ = (1'000'000'000'000 + mhz_ / 2) / mhz_;
    const std::string faults = draw_source(drawn);
    const std::string reader = draw_reader(drawn);
    const bool newest = drawn.script.asks == test::Asks::newest;
    drawn.text = fmt::format(
        "apiVersion: hil/v1\nkind: Scenario\nid: drawn.case\ntitle: drawn\ngroup: lag\n"
        "modes: [virtual]\n"
        "sources:\n  - {{role: wfs, rate: {}mHz{}}}\n"
        "fifos:\n  - {{name: wfs, from: wfs, depth: {}}}\n"
        "readers:\n{}"
        "frames: {}\n{}"
        "expect:\n"
        "  - {{id: oracle, metric: fifo.wfs.r.oracle.violations, equals: 0}}\n"
        "  - {{id: drops, metric: source.wfs.id_gaps, predicted: source_drops}}\n",
        mhz_, pacing_, drawn.depth, reader, frames_, faults);
    drawn.text +=
        newest ? "  - {id: skips, metric: fifo.wfs.r.skipped, predicted: newest_skips}\n"
               : "  - {id: identity, metric: fifo.wfs.r.identity, equals: true}\n"
                 "  - {id: overwrites, metric: fifo.wfs.r.overwrites, predicted: overwrites}\n"
                 "  - {id: lost, metric: fifo.wfs.r.lost, predicted: lost}\n"
                 "  - {id: backlog, metric: fifo.wfs.r.backlog, predicted: backlog}\n";
    return drawn;
  }

 private:
  // Frames as they come, by the rate, its steps, losses on the way, and a writer that stands still.
  std::string draw_source(Drawn& drawn) {
    std::string faults;
    std::vector<std::int64_t> due;
    for (std::int64_t k = 0; k < frames_; ++k)
      due.push_back(test::due(static_cast<std::uint64_t>(k), mhz_));
    if (one_in(5)) {
      const std::int64_t at = 1 + upto(due.back());
      const std::int64_t to = 100'000 + upto(4'000'000);
      faults += fmt::format("  - {{target: wfs, kind: rate_step, at: {}ns, to: {}mHz}}\n", at, to);
      const auto first =
          static_cast<std::size_t>(std::lower_bound(due.begin(), due.end(), at) - due.begin());
      // The first frame due at or after the step comes when it would have; the others from there.
      const std::int64_t begin = test::due(first, mhz_);
      for (std::size_t k = first; k < due.size(); ++k) due[k] = begin + test::due(k - first, to);
    }
    drawn.script.until = due.back();
    std::vector<std::int64_t> shown = due;  // when each comes; -1: never
    pacing_.clear();
    if (one_in(4)) {
      std::string list;
      for (int n = 0; n < 5; ++n) {
        const std::int64_t frame = 1 + upto(frames_ - 1);
        list += fmt::format("{}{}", n == 0 ? "" : ", ", frame);
        shown[static_cast<std::size_t>(frame - 1)] = -1;
      }
      faults += fmt::format("  - {{target: wfs, kind: drop, at: {{frames: [{}]}}}}\n", list);
      const std::int64_t every = 7 + upto(30);
      faults += fmt::format("  - {{target: wfs, kind: short_frame, every: {}frames}}\n", every);
      for (std::int64_t k = every; k <= frames_; k += every)
        shown[static_cast<std::size_t>(k - 1)] = -1;
    } else if (one_in(4)) {
      // The writer stands still when it is about to take a frame; what falls due meanwhile comes
      // after it at once, or is gone but for the newest.
      const bool burst = one_in(2);
      const auto frame = static_cast<std::size_t>(1 + upto(frames_ - 25));  // from 0
      const std::int64_t span = one_in(3) ? period_ * (1 + upto(20)) : 1 + upto(20 * period_);
      pacing_ = fmt::format(", pacing: {{on_late: {}}}", burst ? "burst" : "skip");
      faults += fmt::format("  - {{target: writer, kind: sigstop, at: {{frame: {}}}, for: {}ns}}\n",
                            frame + 1, span);
      const std::int64_t end = due[frame] + span;
      shown[frame] = end;
      std::size_t newest = frame;
      for (std::size_t k = frame + 1; k < due.size() && due[k] <= end; ++k) {
        shown[k] = burst ? end : -1;
        newest = k;
      }
      if (newest > frame) shown[newest] = end;
      drawn.script.until = std::max(drawn.script.until, end);
    }
    if (!faults.empty()) faults = "faults:\n" + faults;
    std::uint64_t missing = 0;
    for (const std::int64_t time : shown) {
      if (time < 0) {
        missing += drawn.script.frames.empty() ? 0 : 1;
        continue;
      }
      // Of frames that would come at one instant each comes a nanosecond after the one before.
      std::vector<std::int64_t>& frames = drawn.script.frames;
      frames.push_back(frames.empty() ? time : std::max(time, frames.back() + 1));
      drawn.taken_away += missing;
      missing = 0;
    }
    drawn.script.until = std::max(drawn.script.until, drawn.script.frames.back());
    return faults;
  }

  // rho with two digits, to the nearest ns.
  std::int64_t periods(std::int64_t hundredths) const {
    const Wide doubled = Wide{2} * hundredths * 10'000'000'000 / mhz_;
    return static_cast<std::int64_t>((doubled + 1) / 2);
  }

  std::string draw_reader(Drawn& drawn) {
    std::int64_t service = 0;
    std::int64_t phase = 0;
    std::int64_t every = 0;
    std::int64_t stall = 0;
    std::int64_t reads = 0;
    std::int64_t idle = 0;
    std::int64_t stop_at = -1;
    std::int64_t stop_for = 0;
    std::string lags;
    const auto n = static_cast<std::int64_t>(drawn.depth);
    if (!one_in(5)) {
      const std::int64_t phase_hundredths = one_in(2) ? 0 : upto(99);
      phase = periods(phase_hundredths);
      std::string how;
      if (one_in(2)) {
        const std::int64_t rho = one_in(3) ? 100 * upto(4) : upto(one_in(2) ? 200 : 700);
        service = periods(rho);
        how = fmt::format("rho: {}.{:02}", rho / 100, rho % 100);
      } else {
        service = upto(3 * period_);
        how = fmt::format("delay: {}ns", service);
      }
      lags +=
          fmt::format("      - {{kind: constant, {}, phase: 0.{:02}}}\n", how, phase_hundredths);
    }
    if (one_in(2)) {
      every = 3 + upto(60);
      std::string how;
      if (one_in(2)) {  // exactly (N + 1) T, or 1 ns beside it
        stall = test::due(drawn.depth + 1, mhz_) + upto(2) - 1;
        how = fmt::format("stall: {}ns", stall);
      } else if (one_in(2)) {
        const std::int64_t beyond = upto(300);
        stall = test::due(drawn.depth, mhz_) + periods(beyond);
        how = fmt::format("beyond_depth: {}.{:02}", beyond / 100, beyond % 100);
      } else {
        stall = upto(period_ * (n + 4));
        how = fmt::format("stall: {}ns", stall);
      }
      lags += fmt::format("      - {{kind: periodic, every: {}frames, {}}}\n", every, how);
    }
    if (one_in(5)) {
      reads = 2 + upto(40);
      idle = upto(period_ * (n + 4));
      lags += fmt::format("      - {{kind: burst, reads: {}, idle: {}ns}}\n", reads, idle);
    }
    if (one_in(5)) {
      stop_at = upto(frames_ * period_);
      stop_for = 1 + upto(period_ * (n + 4));
      lags += fmt::format("      - {{kind: sigstop, at: {}ns, for: {}ns}}\n", stop_at, stop_for);
    }
    std::string keys = "    wait: true\n";
    std::int64_t poll = 0;
    if (one_in(4)) {
      poll = 1'000 + upto(2 * period_);
      keys = fmt::format("    wait: false\n    poll: {}ns\n", poll);
    }
    if (one_in(4)) {
      drawn.script.asks = test::Asks::newest;
      keys += "    mode: newest\n";
    }
    if (one_in(5)) {
      // At the very time of a frame, or anywhere; 0 would be from the beginning.
      drawn.script.opens = one_in(2) ? test::due(static_cast<std::uint64_t>(1 + upto(40)), mhz_)
                                     : 1 + upto(40 * period_);
      drawn.script.first_call = drawn.script.opens;
      keys += fmt::format("    start: {{at: {}ns}}\n", drawn.script.opens);
    }
    drawn.script.poll = poll;
    const std::int64_t shortest = drawn.script.asks == test::Asks::newest ? poll : 0;
    drawn.script.gap = [=](std::uint64_t delivered) {
      const auto count = static_cast<std::int64_t>(delivered);
      std::int64_t gap = std::max(shortest, service + (count == 1 ? phase : 0));
      if (every > 0 && count % every == 0) gap = std::max(gap, stall);
      if (reads > 0 && count % reads == 0) gap = std::max(gap, idle);
      return gap;
    };
    drawn.script.awake = [=](std::int64_t time) {
      return stop_at >= 0 && time >= stop_at && time < stop_at + stop_for ? stop_at + stop_for
                                                                          : time;
    };
    return "  - name: r\n    fifo: wfs\n    copy: copy\n" + keys +
           (lags.empty() ? "" : "    lag:\n" + lags);
  }

  std::mt19937_64 random_;
  std::int64_t mhz_ = 1;
  std::int64_t frames_ = 1;
  std::int64_t period_ = 1;
  std::string pacing_;
};

class VirtualProperty : public plan::test::Files {
 protected:
  judge::CaseResult run(const std::string& text) {
    const std::vector<plan::Case> cases = plan(text, plan::test::in_mode(plan::Mode::virtual_time));
    const auto& source = runner_.preflight(cases.at(0));
    judge::Examination examination(cases.at(0), source);
    recording_ = runner_.run(cases.at(0), examination);
    EXPECT_EQ(recording_.ending, run::Ending::completed) << recording_.error;
    return examination.conclude(recording_.trace);
  }

  // Call by call: what was delivered, and when.
  void expect_calls(const std::vector<test::Call>& expected) const {
    std::size_t n = 0;
    for (const CallEvent& call : recording_.trace.readers.at(0).calls) {
      if (call.status == shm::ReadStatus::not_ready) continue;
      ASSERT_LT(n, expected.size());
      ASSERT_EQ(call.counter, expected[n].counter)
          << "delivery " << n + 1 << " at " << call.before << " ns, expected at "
          << expected[n].time << " ns";
      ASSERT_EQ(call.before, expected[n].time) << "delivery " << n + 1;
      ++n;
    }
    ASSERT_EQ(n, expected.size());
  }

  run::Runner runner_{{}};
  run::Recording recording_;
};

std::uint64_t count(const judge::CaseResult& result, const std::string& metric) {
  return static_cast<std::uint64_t>(std::get<std::int64_t>(result.metrics.at(metric)));
}

TEST_F(VirtualProperty, CountsEqualBruteForceAndVerdictsPass) {
  Draw draw(kSeed);
  for (int i = 0; i < 600; ++i) {
    const Drawn drawn = draw.next();
    SCOPED_TRACE(fmt::format("case {} of seed {}\n{}", i, kSeed, drawn.text));
    const judge::CaseResult result = run(drawn.text);
    const Played played = test::play(drawn.depth, drawn.script);
    expect_calls(played.calls);
    const std::string r = "fifo.wfs.r.";
    EXPECT_EQ(count(result, "source.wfs.frames"), drawn.script.frames.size());
    EXPECT_EQ(count(result, "source.wfs.id_gaps"), drawn.taken_away);
    EXPECT_EQ(count(result, r + "delivered"), played.delivered);
    EXPECT_EQ(count(result, r + "overwrites"), played.overwrites);
    EXPECT_EQ(count(result, r + "backlog"), played.backlog);
    EXPECT_EQ(count(result, r + "duplicates"), played.duplicates);
    EXPECT_EQ(count(result, r + "lost"), played.lost);
    EXPECT_EQ(result.verdict, judge::Verdict::pass) << result.why;
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace daohil::hil
