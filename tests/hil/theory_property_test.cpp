// Every closed form of the theory against a reader that goes from event to event, over random
// cases with the edges drawn often: rho a whole number, one ns beside it, phase 0 and T - 1 ns,
// a stall of exactly (N + 1) T, N = 1, periods that are no whole number of ns.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "drivers/rate_profile.hpp"
#include "hil/judge/replayed.hpp"
#include "hil/judge/theory_lag.hpp"
#include "hil/judge/theory_ring.hpp"
#include "hil/judge/theory_source.hpp"
#include "tests/hil/support/brute_force.hpp"

namespace daohil::hil::judge {
namespace {

using shm::Duration;
using shm::Rate;
using test::Played;
using test::Script;

constexpr std::uint64_t kSeed = 20261122;

// Random numbers with the interesting ones among them.
class Dice {
 public:
  explicit Dice(std::uint64_t stream) : random_(kSeed + stream) {}

  std::int64_t upto(std::int64_t most) {  // 0 .. most
    return static_cast<std::int64_t>(random_() % (static_cast<std::uint64_t>(most) + 1));
  }
  bool one_in(std::int64_t n) { return upto(n - 1) == 0; }

  Rate rate() {
    // Periods of 1 ms, 500 us, 400 us, 1.25 ms, 1 us, 8 ns: whole ns, so that rho can be exact.
    static constexpr std::int64_t kWhole[]{1'000'000,     2'000'000,       2'500'000, 800'000,
                                           1'000'000'000, 125'000'000'000, 3'906'250};
    if (!one_in(3)) return Rate::millihertz(kWhole[upto(6)]);
    return Rate::millihertz(one_in(2) ? 2'067'000 : 1 + upto(5'000'000));
  }
  std::uint64_t depth() {
    if (one_in(4)) return 1;
    if (one_in(4)) return 2;
    return static_cast<std::uint64_t>(one_in(8) ? 1 + upto(1000) : 3 + upto(13));
  }
  // A service time of about rho periods, low <= rho <= high.
  Duration service(Rate rate, std::int64_t low, std::int64_t high) {
    const std::int64_t least = rate.offset_of(static_cast<std::uint64_t>(low)).count();
    const std::int64_t most = rate.offset_of(static_cast<std::uint64_t>(high)).count();
    const std::int64_t whole =
        rate.offset_of(static_cast<std::uint64_t>(low + upto(high - low))).count();
    std::int64_t ns = least + upto(most - least);
    if (one_in(3)) ns = whole + (one_in(2) ? 0 : upto(2) - 1);
    if (one_in(8)) ns = (whole + least) / 2;
    return Duration{std::clamp(ns, least, most)};
  }
  Duration phase(Rate rate) {
    const std::int64_t last = rate.offset_of(1).count() - 1;
    if (one_in(3)) return Duration{0};
    return Duration{one_in(6) ? last : upto(last)};
  }

 private:
  std::mt19937_64 random_;
};

std::vector<std::int64_t> steady(Rate rate, std::uint64_t frames) {
  std::vector<std::int64_t> times;
  for (std::uint64_t k = 0; k < frames; ++k) times.push_back(test::due(k, rate.millihertz()));
  return times;
}

// Frames up to and over a time.
std::vector<std::int64_t> covering(Rate rate, Duration time) {
  std::vector<std::int64_t> times;
  do {
    times.push_back(test::due(times.size(), rate.millihertz()));
  } while (times.back() <= time.count());
  return times;
}

Script steady_script(const SteadyReader& reader, std::uint64_t reads) {
  Script script;
  script.frames = covering(
      reader.rate, reader.phase + reader.service * static_cast<std::int64_t>(reads) + Duration{1});
  if (reader.service < reader.rate.period())  // it waits
    script.frames = steady(reader.rate, reads + 3);
  script.first_call = reader.phase.count();
  script.gap = [service = reader.service.count()](std::uint64_t) { return service; };
  script.most_reads = reads;
  return script;
}

std::string show(const SteadyReader& reader, std::uint64_t depth, std::uint64_t reads) {
  std::ostringstream out;
  out << "N " << depth << " mHz " << reader.rate.millihertz() << " p " << reader.service.count()
      << " ns phase " << reader.phase.count() << " ns reads " << reads << " seed " << kSeed;
  return out.str();
}

// What the last of so many reads left unread: the table, not the run's end.
std::uint64_t left_unread(const Played& played) {
  const test::Call& last = played.calls.back();
  return last.status == test::Status::overwrite ? 0 : last.unread - 1;
}

// ---- T0, T1
// --------------------------------------------------------------------------------------

// Whatever the schedule: each frame passes once, and each call loses what T1 says.
TEST(TheoryProperty, T0AndT1HoldForAnySchedule) {
  Dice dice(1);
  for (int i = 0; i < 15'000; ++i) {
    const Rate rate = dice.rate();
    const std::uint64_t depth = dice.depth();
    const std::int64_t period = rate.period().count();
    std::vector<std::int64_t> gaps;
    for (int n = 0; n < 40; ++n)
      gaps.push_back(dice.one_in(5) ? period * dice.upto(2 * static_cast<std::int64_t>(depth) + 3)
                                    : dice.upto(3 * period));
    Script script{.frames = steady(rate, static_cast<std::uint64_t>(1 + dice.upto(100))),
                  .first_call = dice.upto(period),
                  .gap = [&](std::uint64_t n) { return gaps[(n - 1) % gaps.size()]; }};
    const Played played = test::play(depth, script);
    SCOPED_TRACE(::testing::Message() << "case " << i << " N " << depth << " seed " << kSeed);
    ASSERT_EQ(passed({.delivered = played.delivered,
                      .overwrites = played.overwrites,
                      .lost = played.lost,
                      .backlog = played.backlog}),
              script.frames.size());
    for (std::size_t j = 1; j < played.calls.size(); ++j) {
      const test::Call& before = played.calls[j - 1];
      const test::Call& call = played.calls[j];
      const auto commits = static_cast<std::uint64_t>(std::count_if(
          script.frames.begin(), script.frames.end(),
          [&](std::int64_t time) { return time > before.time && time <= call.time; }));
      const std::uint64_t unread = before.status == test::Status::overwrite ? 1 : before.unread;
      ASSERT_EQ(lost_by_call(unread, commits, depth), call.skipped);
      if (call.status != test::Status::overwrite) continue;
      ASSERT_GE(call.skipped, depth);
      ASSERT_LE(call.skipped, depth + commits - 2);
    }
  }
}

// ---- T2, T3
// --------------------------------------------------------------------------------------

TEST(TheoryProperty, T2EqualsBruteForce) {
  Dice dice(2);
  for (int i = 0; i < 30'000; ++i) {
    SteadyReader reader{.rate = dice.rate()};
    reader.service =
        dice.one_in(6) ? dice.service(reader.rate, 0, 1) : dice.service(reader.rate, 1, 2);
    reader.phase = dice.phase(reader.rate);
    const std::uint64_t depth = dice.depth();
    const auto reads = static_cast<std::uint64_t>(1 + dice.upto(dice.one_in(10) ? 3000 : 150));
    const auto totals = constant_lag(reader, depth, reads);
    ASSERT_TRUE(totals) << show(reader, depth, reads);
    const Played played = test::play(depth, steady_script(reader, reads));
    ASSERT_EQ(played.delivered, reads) << show(reader, depth, reads);
    ASSERT_EQ(*totals, (Totals{reads, played.overwrites, played.lost, left_unread(played)}))
        << show(reader, depth, reads);
  }
}

TEST(TheoryProperty, T2RefusesWhatItDoesNotCover) {
  const Rate rate = Rate::millihertz(1'000'000);
  const auto lag = [&](std::int64_t service, std::int64_t phase) {
    return constant_lag({rate, Duration{service}, Duration{phase}}, 8, 10).has_value();
  };
  EXPECT_TRUE(lag(2'000'000, 0));
  EXPECT_FALSE(lag(2'000'001, 0));
  EXPECT_FALSE(lag(-1, 0));
  EXPECT_TRUE(lag(1'500'000, 999'999));
  EXPECT_FALSE(lag(1'500'000, 1'000'000));
  EXPECT_FALSE(lag(1'500'000, -1));
  EXPECT_FALSE(constant_lag({rate, Duration{1'500'000}, Duration{0}}, 0, 10));
  EXPECT_FALSE(constant_lag({rate, Duration{1'500'000}, Duration{0}}, 8, 0));
  EXPECT_FALSE(next_overwrite({rate, Duration{1'000'000}, Duration{0}}, 8, Duration{0}));
  EXPECT_FALSE(next_overwrite({rate, Duration{1'500'000}, Duration{0}}, 0, Duration{0}));
  EXPECT_FALSE(next_overwrite({rate, Duration{1'500'000}, Duration{0}}, 8, Duration{-1}));
  EXPECT_FALSE(constant_lag_by_cycles({rate, Duration{900'000}, Duration{0}}, 8, 10));
  EXPECT_FALSE(from_surplus(9, 10, 8));
}

TEST(TheoryProperty, T3EqualsBruteForce) {
  Dice dice(3);
  for (int i = 0; i < 30'000; ++i) {
    SteadyReader reader{.rate = dice.rate()};
    reader.service = dice.service(reader.rate, 1, 1 + dice.upto(7));
    if (reader.service <= reader.rate.period()) reader.service = reader.rate.period() + Duration{1};
    reader.phase = dice.phase(reader.rate);
    const std::uint64_t depth = dice.depth();
    const auto reads = static_cast<std::uint64_t>(2 + dice.upto(150));
    const std::string shown = show(reader, depth, reads);
    const Played played = test::play(depth, steady_script(reader, reads));
    const auto totals = constant_lag_by_cycles(reader, depth, reads);
    ASSERT_TRUE(totals) << shown;
    ASSERT_EQ(*totals, (Totals{reads, played.overwrites, played.lost, left_unread(played)}))
        << shown;

    // Turn by turn: when, after how many reads, how much, in which phase.
    const auto rho_up = static_cast<std::uint64_t>(
        (static_cast<__int128_t>(reader.service.count()) * reader.rate.millihertz() +
         999'999'999'999) /
        1'000'000'000'000);
    Duration reset = reader.phase;
    std::size_t at = 0;
    for (std::size_t j = 1; j < played.calls.size(); ++j) {
      const test::Call& call = played.calls[j];
      if (call.status != test::Status::overwrite) continue;
      const auto cycle = next_overwrite(reader, depth, reset);
      ASSERT_TRUE(cycle) << shown;
      ASSERT_EQ(cycle->reads, j - at) << shown;
      ASSERT_EQ(cycle->lost, call.skipped) << shown;
      ASSERT_EQ(cycle->overwrite.count(), call.time) << shown;
      ASSERT_EQ(cycle->phase.count(),
                call.time - test::due(call.counter - 1, reader.rate.millihertz()))
          << shown;
      ASSERT_GE(cycle->lost, depth) << shown;
      ASSERT_LE(cycle->lost, depth + rho_up - 2) << shown;
      reset = cycle->overwrite;
      at = j;
    }
  }
}

// ---- T4
// ------------------------------------------------------------------------------------------

// A waiting reader is woken by frame k + 1 with the latency eps, stands still for g, then takes one
// frame every p0.
TEST(TheoryProperty, T4EqualsBruteForce) {
  Dice dice(4);
  int lapped = 0;
  int on_the_edge = 0;
  for (int i = 0; i < 30'000; ++i) {
    const Rate rate = dice.rate();
    const std::int64_t period = rate.offset_of(1).count();
    const std::uint64_t depth = dice.depth();
    const auto k = static_cast<std::uint64_t>(dice.upto(5));
    const std::int64_t wake = dice.one_in(2) ? 0 : dice.upto(std::min<std::int64_t>(period - 1, 9));
    const std::int64_t read = test::due(k, rate.millihertz()) + wake;
    // (N + 1) T: to the instant of commit N + 1 further on, and 1 ns beside it.
    const std::int64_t edge = test::due(k + depth + 1, rate.millihertz()) - read;
    const bool exact = dice.one_in(3);
    const std::int64_t gap =
        exact ? std::max<std::int64_t>(0, edge + dice.upto(2) - 1) : dice.upto(2 * edge);
    const Duration pace = dice.one_in(4) ? Duration{0} : dice.service(rate, 0, 1);
    if (wake > 0 && k == 0) continue;
    const Stall stall{rate, depth, Duration{gap}, Duration{read}};
    const auto lapse = lapse_of(stall);
    ASSERT_TRUE(lapse);

    Script script;
    script.wake = wake;
    script.gap = [&](std::uint64_t n) { return n == k + 1 ? gap : n <= k ? 0 : pace.count(); };
    script.frames = covering(rate, Duration{read + gap + period * 4});
    Played played = test::play(depth, script);
    SCOPED_TRACE(::testing::Message()
                 << "case " << i << " N " << depth << " mHz " << rate.millihertz() << " k " << k
                 << " wake " << wake << " gap " << gap << " p0 " << pace.count());
    ASSERT_GT(played.calls.size(), k + 1);
    const test::Call& after = played.calls[k + 1];
    ASSERT_EQ(after.waited, lapse->unread == 0);
    if (!after.waited) {
      ASSERT_EQ(after.unread, lapse->unread);
    }
    ASSERT_EQ(played.overwrites, lapse->overwrites);
    ASSERT_EQ(after.skipped, lapse->lost);
    if (exact && edge > 1) {
      on_the_edge += 1;
      ASSERT_EQ(lapse->overwrites, gap >= edge ? 1U : 0U);
    }
    lapped += static_cast<int>(lapse->overwrites);

    const auto resync = resync_after(stall, pace);
    const bool catches_up = static_cast<__int128_t>(pace.count()) * rate.millihertz() <
                            static_cast<__int128_t>(1'000'000'000'000);
    ASSERT_EQ(resync.has_value(), catches_up && lapse->unread > 0);
    if (!resync || resync->reads > 3000) continue;
    // The first call that has to wait; frames enough until then.
    script.frames = covering(rate, Duration{read + gap + period * 3} + resync->time);
    played = test::play(depth, script);
    std::uint64_t reads = 0;
    while (!played.calls.at(k + 1 + reads).waited) ++reads;
    ASSERT_EQ(reads, resync->reads);
    ASSERT_EQ(resync->time, pace * static_cast<std::int64_t>(reads));
  }
  EXPECT_GT(lapped, 5'000);
  EXPECT_GT(on_the_edge, 5'000);
}

TEST(TheoryProperty, T4RefusesWhatItDoesNotCover) {
  const Rate rate = Rate::millihertz(1'000'000);
  const Stall stall{rate, 4, Duration{3'000'000}, Duration{0}};
  EXPECT_TRUE(resync_after(stall, Duration{999'999}));
  EXPECT_FALSE(resync_after(stall, Duration{1'000'000}));
  EXPECT_FALSE(resync_after(stall, Duration{-1}));
  EXPECT_FALSE(resync_after({rate, 4, Duration{999'999}, Duration{0}}, Duration{0}));
  EXPECT_FALSE(lapse_of({rate, 0, Duration{3'000'000}, Duration{0}}));
  EXPECT_FALSE(lapse_of({rate, 4, Duration{-1}, Duration{0}}));
  EXPECT_FALSE(lapse_of({rate, 4, Duration{1}, Duration{-1}}));
}

// Over all phases of one frame period the share that is lapped is the probability.
TEST(TheoryProperty, T4ProbabilityIsTheShareOfPhases) {
  const Rate rate = Rate::millihertz(1'000'000'000);  // T = 1000 ns
  for (std::uint64_t depth = 1; depth <= 5; ++depth)
    for (std::int64_t gap = 0; gap < 8'000; gap += 250) {
      int lapped = 0;
      for (std::int64_t phase = 0; phase < 1'000; ++phase)
        lapped +=
            static_cast<int>(lapse_of({rate, depth, Duration{gap}, Duration{phase}})->overwrites);
      EXPECT_NEAR(overwrite_probability(Duration{gap}, depth, rate), lapped / 1000.0, 1e-12)
          << "N " << depth << " gap " << gap;
    }
}

// ---- T5, T6, T7
// ----------------------------------------------------------------------------------

TEST(TheoryProperty, T5AndT6BoundEverySuccess) {
  Dice dice(5);
  for (int i = 0; i < 15'000; ++i) {
    const Rate rate = dice.rate();
    const bool whole = 1'000'000'000'000 % rate.millihertz() == 0;
    const std::uint64_t depth = dice.depth() % 40 + 1;
    const std::int64_t period = rate.period().count();
    const std::int64_t copy = dice.upto(period / 2);
    std::vector<std::int64_t> gaps;
    for (int n = 0; n < 12; ++n)
      gaps.push_back(dice.upto(period * static_cast<std::int64_t>(depth + 1)));
    const Script script{.frames = steady(rate, 5 * depth + 40),
                        .gap = [&](std::uint64_t n) { return gaps[(n - 1) % gaps.size()]; }};
    for (const test::Call& call : test::play(depth, script).calls) {
      if (call.status != test::Status::success) continue;
      const std::uint64_t newest = call.counter + call.unread - 1;
      const std::int64_t age = call.time - script.frames[call.counter - 1];
      // Where T is no whole number of ns, a commit stands up to 1 ns before its time.
      ASSERT_LT(age, age_bound(depth, rate).count() + (whole ? 0 : 1));
      const Duration phase{call.time - script.frames[newest - 1]};
      const auto budget = intact_for(depth, call.unread, phase, Duration{copy}, rate);
      if (!budget) {  // a phase rounded up to the period
        ASSERT_FALSE(whole);
        continue;
      }
      // Its slot is claimed `copy` before the frame N further on is there.
      const std::int64_t claimed = test::due(call.counter + depth - 1, rate.millihertz()) - copy;
      ASSERT_LE(budget->count(), claimed - call.time) << "N " << depth << " d " << call.unread;
      ASSERT_GE(budget->count(), claimed - call.time - (whole ? 0 : 1));
      if (call.unread < depth) {
        ASSERT_GT(claimed - call.time, hold_budget(Duration{copy}, rate).count() - (whole ? 0 : 1));
      }
    }
  }
  const Rate rate = Rate::millihertz(1'000'000);
  EXPECT_FALSE(intact_for(4, 0, Duration{0}, Duration{0}, rate));
  EXPECT_FALSE(intact_for(4, 5, Duration{0}, Duration{0}, rate));
  EXPECT_FALSE(intact_for(4, 1, Duration{1'000'000}, Duration{0}, rate));
  EXPECT_LT(intact_for(4, 4, Duration{999'999}, Duration{2}, rate)->count(), 0);
  EXPECT_EQ(hold_budget(Duration{2'000'000}, rate), Duration{0});
}

// Does a reader of that depth, its last read before the stall at `begin`, lose or tear a frame?
bool survives(Rate rate, std::uint64_t depth, std::int64_t begin, std::int64_t gap,
              std::int64_t hold, std::int64_t copy) {
  test::Ring ring(depth);
  std::uint64_t out = 0;
  const auto publish_up_to = [&](std::int64_t time) {
    for (; test::due(out, rate.millihertz()) <= time; ++out) ring.publish();
  };
  publish_up_to(begin);
  while (ring.tail() < ring.newest()) ring.next();
  publish_up_to(begin + gap);
  const test::Call call = ring.next();
  if (call.status == test::Status::notready) return true;
  if (call.status == test::Status::overwrite) return false;
  const std::int64_t claimed = test::due(call.counter + depth - 1, rate.millihertz()) - copy;
  return claimed > begin + gap + hold;
}

// T7: enough at every phase, and one slot fewer is not enough at one of them.
TEST(TheoryProperty, T7DepthIsSufficientAndTheLeast) {
  Dice dice(6);
  int sharper = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Rate rate = dice.rate();
    const bool whole = 1'000'000'000'000 % rate.millihertz() == 0;
    const std::int64_t period = rate.offset_of(1).count();
    const std::int64_t gap =
        dice.one_in(4) ? period * (1 + dice.upto(8)) : period + dice.upto(12 * period);
    const std::int64_t hold = dice.one_in(3) ? 0 : dice.upto(2 * period);
    const std::int64_t copy = dice.upto(std::min<std::int64_t>(period / 2, 50'000));
    const std::uint64_t least = least_depth(Duration{gap}, Duration{hold}, Duration{copy}, rate);
    const std::uint64_t safe = safe_depth(Duration{gap}, Duration{hold}, Duration{copy}, rate);
    SCOPED_TRACE(::testing::Message() << "case " << i << " mHz " << rate.millihertz() << " g "
                                      << gap << " h " << hold << " w " << copy);
    ASSERT_GE(safe, least);
    ASSERT_LE(safe, least + 1);
    sharper += safe > least ? 1 : 0;
    bool fails_below = least == 1;
    for (int n = 0; n < 40; ++n) {
      const auto k = static_cast<std::uint64_t>(3 + dice.upto(7));
      const std::int64_t commit = test::due(k, rate.millihertz());
      const std::int64_t begin =
          n == 0   ? commit
          : n < 12 ? test::due(k + static_cast<std::uint64_t>(n), rate.millihertz()) - 1
                   : commit + dice.upto(period);
      ASSERT_TRUE(survives(rate, least, begin, gap, hold, copy)) << "begin " << begin;
      ASSERT_TRUE(survives(rate, safe, begin, gap, hold, copy)) << "begin " << begin;
      if (least > 1) fails_below |= !survives(rate, least - 1, begin, gap, hold, copy);
    }
    // Just before a commit is the worst phase. It is met exactly where periods are whole.
    if (whole) {
      ASSERT_TRUE(fails_below) << "least " << least;
    }
  }
  EXPECT_GT(sharper, 500);
}

// T6: the newest n frames, held for h, are whole at every phase; one more is not at the worst.
TEST(TheoryProperty, T6HistoryIsSufficientAndTheLongest) {
  Dice dice(7);
  for (int i = 0; i < 10'000; ++i) {
    const Rate rate = dice.rate();
    if (1'000'000'000'000 % rate.millihertz() != 0) continue;
    const std::int64_t period = rate.period().count();
    const std::uint64_t depth = dice.depth();
    const std::int64_t hold = dice.one_in(4) ? period * dice.upto(3) : dice.upto(4 * period);
    const std::int64_t copy = dice.upto(period / 2);
    const std::uint64_t n = safe_history(depth, Duration{hold}, Duration{copy}, rate);
    ASSERT_LE(n, hold + copy > 0 ? depth - 1 : depth);
    const auto whole_at = [&](std::uint64_t frames, std::int64_t phase) {
      const std::uint64_t newest = 2 * depth + 5;
      const std::int64_t call = test::due(newest - 1, rate.millihertz()) + phase;
      const std::uint64_t oldest = newest - frames + 1;
      return test::due(oldest + depth - 1, rate.millihertz()) - copy > call + hold;
    };
    for (const std::int64_t phase : {std::int64_t{0}, dice.upto(period - 1), period - 1}) {
      if (n > 0) {
        ASSERT_TRUE(whole_at(n, phase));
      }
    }
    if (n < depth) {
      ASSERT_FALSE(whole_at(n + 1, period - 1)) << "N " << depth << " n " << n;
    }
  }
}

// T7, network calculus: a burst of frames at once and then one a period, a reader that begins tau
// late. The depth is enough, and two slots fewer are not.
TEST(TheoryProperty, T7OfABurstIsSufficient) {
  Dice dice(8);
  for (int i = 0; i < 5'000; ++i) {
    const Rate rate = dice.rate();
    const std::int64_t period = rate.offset_of(1).count();
    const auto burst = static_cast<std::uint64_t>(1 + dice.upto(20));
    const std::int64_t latency = dice.one_in(3) ? period * dice.upto(6) : dice.upto(9 * period);
    const Duration service = dice.service(rate, 0, 1);
    const auto depth = depth_for_burst(burst, Duration{latency}, service, rate);
    ASSERT_TRUE(depth);
    Script script{.frames = std::vector<std::int64_t>(burst, 0),
                  .first_call = latency,
                  .gap = [&](std::uint64_t) { return service.count(); }};
    for (std::uint64_t k = 1; script.frames.back() <= latency + 60 * period; ++k)
      script.frames.push_back(test::due(k, rate.millihertz()));
    SCOPED_TRACE(::testing::Message() << "case " << i << " mHz " << rate.millihertz() << " burst "
                                      << burst << " tau " << latency << " p " << service.count());
    ASSERT_EQ(test::play(*depth, script).overwrites, 0U);
    if (*depth > 2) {
      ASSERT_GT(test::play(*depth - 2, script).overwrites, 0U);
    }
  }
  const Rate rate = Rate::millihertz(1'000'000);
  EXPECT_FALSE(depth_for_burst(1, Duration{0}, Duration{1'000'001}, rate));
  EXPECT_FALSE(depth_for_burst(1, Duration{-1}, Duration{0}, rate));
}

// ---- T8, T9
// --------------------------------------------------------------------------------------

TEST(TheoryProperty, T8EqualsBruteForce) {
  Dice dice(9);
  for (int i = 0; i < 20'000; ++i) {
    SteadyReader reader{.rate = dice.rate()};
    reader.service = dice.service(reader.rate, 0, 1 + dice.upto(6));
    reader.phase = dice.phase(reader.rate);
    const std::uint64_t depth = dice.depth();
    const auto reads = static_cast<std::uint64_t>(1 + dice.upto(100));
    Script script = steady_script(reader, reads);
    script.asks = test::Asks::newest;
    script.poll = 1;  // it does not wait
    const Played played = test::play(depth, script);
    const auto totals = newest_totals(reader, reads);
    ASSERT_TRUE(totals);
    ASSERT_EQ(*totals, (NewestTotals{played.lost, played.duplicates}))
        << show(reader, depth, reads);
    ASSERT_EQ(played.overwrites, 0U);
    const auto bounds = skips_per_read(reader.service, reader.rate);
    ASSERT_TRUE(bounds);
    ASSERT_LE(bounds->most, bounds->least + 1);
    for (std::size_t j = 1; j < played.calls.size(); ++j) {
      ASSERT_GE(played.calls[j].skipped, bounds->least) << show(reader, depth, reads);
      ASSERT_LE(played.calls[j].skipped, bounds->most) << show(reader, depth, reads);
    }
  }
  EXPECT_FALSE(skips_per_read(Duration{-1}, Rate::millihertz(1)));
  EXPECT_FALSE(newest_totals({Rate::millihertz(1), Duration{1}, Duration{0}}, 0));
}

// Frames taken away and rates that change: T2 over what is left, as long as one or two frames come
// between two reads.
TEST(TheoryProperty, T9OfAThinnedAndPiecewiseScheduleEqualsBruteForce) {
  Dice dice(10);
  int covered = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Rate rate = dice.rate();
    const std::int64_t period = rate.period().count();
    if (period < 100) continue;
    const std::uint64_t depth = dice.depth();
    std::vector<drivers::RateStep> steps;
    if (dice.one_in(2))
      steps = {{Duration{20 * period + dice.upto(5 * period)},
                Rate::millihertz(std::max<std::int64_t>(1, rate.millihertz() * 9 / 10))},
               {Duration{50 * period + dice.upto(5 * period)}, rate}};
    const drivers::RateProfile profile(rate, steps);
    Script script;
    for (std::uint64_t k = 0; k < 120; ++k)
      if (k == 0 || k == 119 || !dice.one_in(15))
        script.frames.push_back(profile.offset_of(k).count());
    const std::int64_t service = period + dice.upto(period);
    script.gap = [&](std::uint64_t) { return service; };
    const Played played = test::play(depth, script);
    bool one_or_two = true;
    for (std::size_t j = 1; j < played.calls.size(); ++j) {
      const auto came =
          std::count_if(script.frames.begin(), script.frames.end(), [&](std::int64_t time) {
            return time > played.calls[j - 1].time && time <= played.calls[j].time;
          });
      one_or_two = one_or_two && !played.calls[j].waited && (came == 1 || came == 2);
    }
    if (!one_or_two) continue;
    covered += 1;
    const std::int64_t last = played.calls.back().time;
    const auto written = static_cast<std::uint64_t>(
        std::upper_bound(script.frames.begin(), script.frames.end(), last) - script.frames.begin());
    ASSERT_EQ(*from_surplus(written, played.delivered, depth),
              (Totals{played.delivered, played.overwrites, played.lost, left_unread(played)}))
        << "case " << i << " N " << depth << " mHz " << rate.millihertz() << " p " << service;
  }
  EXPECT_GT(covered, 2'000);
}

// A waiting reader and a burst, t_w between its frames.
TEST(TheoryProperty, T9BurstRuleEqualsBruteForce) {
  Dice dice(11);
  for (int i = 0; i < 15'000; ++i) {
    const std::uint64_t depth = dice.depth() % 60 + 1;
    const auto burst = static_cast<std::uint64_t>(1 + dice.upto(80));
    const std::int64_t service = 1 + dice.upto(1'000'000);
    const std::int64_t spacing = dice.one_in(6)   ? service
                                 : dice.one_in(4) ? std::max<std::int64_t>(service / 2, 1)
                                                  : 1 + dice.upto(service - 1);
    Script script{.gap = [&](std::uint64_t) { return service; }};
    for (std::uint64_t n = 0; n < burst; ++n)
      script.frames.push_back(1'000 + static_cast<std::int64_t>(n) * spacing);
    // The source pauses then: calls go on until all is read.
    script.frames.push_back(script.frames.back() + service * static_cast<std::int64_t>(burst + 2));
    const Played played = test::play(depth, script);
    const auto most = unread_in_burst(burst, Duration{spacing}, Duration{service});
    ASSERT_TRUE(most);
    SCOPED_TRACE(::testing::Message() << "case " << i << " N " << depth << " b " << burst << " tw "
                                      << spacing << " p " << service);
    ASSERT_EQ(played.overwrites > 0, *most > depth);
    std::uint64_t worst = 0;
    for (const test::Call& call : played.calls) worst = std::max(worst, call.unread);
    if (*most <= depth) {
      ASSERT_EQ(worst, *most);
    }
    // The rule with b t_w / p errs on the safe side only.
    if (spacing < service) {
      const auto rough =
          burst - static_cast<std::uint64_t>(static_cast<__int128_t>(burst) * spacing / service);
      ASSERT_GE(rough, *most);
    }
  }
  EXPECT_FALSE(unread_in_burst(0, Duration{1}, Duration{2}));
  EXPECT_FALSE(unread_in_burst(3, Duration{0}, Duration{2}));
  EXPECT_FALSE(unread_in_burst(3, Duration{3}, Duration{2}));
}

// A device that goes on by the clock while its writer stands still from a commit on.
TEST(TheoryProperty, T9DropsOfAStallEqualBruteForce) {
  Dice dice(12);
  for (int i = 0; i < 10'000; ++i) {
    const Rate rate = dice.rate();
    const std::int64_t period = rate.offset_of(1).count();
    const std::int64_t stall = dice.one_in(3) ? period * dice.upto(8) : dice.upto(9 * period);
    std::uint64_t fell_due = 0;
    while (test::due(fell_due + 1, rate.millihertz()) <= stall) ++fell_due;
    ASSERT_EQ(drops_of_stall(Duration{stall}, WhileStalled::all_gone, rate), fell_due);
    ASSERT_EQ(drops_of_stall(Duration{stall}, WhileStalled::newest_kept, rate),
              fell_due > 0 ? fell_due - 1 : 0);
  }
  EXPECT_FALSE(drops_of_stall(Duration{-1}, WhileStalled::all_gone, Rate::millihertz(1)));
}

// ---- T10: the recursion, for any lag
// -------------------------------------------------------------

plan::ReaderPlan any_lag(Dice& dice, std::int64_t period, std::uint64_t depth) {
  plan::ReaderPlan reader;
  reader.name = "any";
  const auto n = static_cast<std::int64_t>(depth);
  if (!dice.one_in(4))
    reader.lag.emplace_back(
        plan::ConstantLag{Duration{dice.one_in(3) ? period * dice.upto(3) : dice.upto(3 * period)},
                          Duration{dice.one_in(2) ? 0 : dice.upto(period - 1)}});
  if (dice.one_in(3))
    reader.lag.emplace_back(plan::PeriodicLag{
        .every = static_cast<std::uint64_t>(1 + dice.upto(20)),
        .stall = Duration{dice.one_in(2) ? period * (n + 1) : dice.upto(period * (n + 3))},
        .phase = dice.one_in(2) ? plan::StallPhase::sweep : plan::StallPhase::fixed});
  if (dice.one_in(4))
    reader.lag.emplace_back(plan::BurstLag{static_cast<std::uint64_t>(1 + dice.upto(30)),
                                           Duration{dice.upto(period * (n + 3))}});
  if (dice.one_in(4))
    reader.lag.emplace_back(plan::PauseLag{.rate_hz = 1e8 / static_cast<double>(period),
                                           .median = Duration{2 * period},
                                           .sigma = 1,
                                           .cap = Duration{30 * period}});
  if (dice.one_in(5)) {
    plan::TraceLag trace;
    for (int i = 0; i < 7; ++i) trace.gaps.emplace_back(dice.upto(4 * period));
    reader.lag.emplace_back(trace);
  }
  if (dice.one_in(5))
    reader.lag.emplace_back(
        plan::StopLag{Duration{dice.upto(40 * period)}, Duration{dice.upto(20 * period)}});
  return reader;
}

std::function<std::int64_t(std::uint64_t)> gaps_of(const LagSchedule& lag) {
  return [&lag](std::uint64_t n) { return lag.gap_after(n).count(); };
}
std::function<std::int64_t(std::int64_t)> awake_of(const LagSchedule& lag) {
  return [&lag](std::int64_t time) { return lag.when_running(Duration{time}).count(); };
}

TEST(TheoryProperty, T10RecursionEqualsBruteForce) {
  Dice dice(13);
  for (int i = 0; i < 20'000; ++i) {
    const Rate rate = dice.rate();
    const std::int64_t period = std::max<std::int64_t>(rate.period().count(), 1);
    const std::uint64_t depth = dice.depth();
    const LagSchedule lag(any_lag(dice, period, depth), rate.period(),
                          kSeed + static_cast<std::uint64_t>(i));
    const Deviation deviation{.rate = rate,
                              .wake_latency = Duration{dice.one_in(2) ? 0 : dice.upto(period)},
                              .call_lateness = Duration{dice.one_in(2) ? 0 : dice.upto(period)}};
    const auto frames = static_cast<std::uint64_t>(1 + dice.upto(120));
    const Played played = test::play(depth, {.frames = steady(rate, frames),
                                             .gap = gaps_of(lag),
                                             .wake = deviation.wake_latency.count(),
                                             .late = deviation.call_lateness.count(),
                                             .awake = awake_of(lag)});
    const Totals totals = recursion(lag, depth, frames, deviation);
    ASSERT_EQ(totals, (Totals{played.delivered, played.overwrites, played.lost, played.backlog}))
        << "case " << i << " N " << depth << " mHz " << rate.millihertz() << " frames " << frames
        << " wake " << deviation.wake_latency.count() << " late " << deviation.call_lateness.count()
        << " seed " << kSeed;
    ASSERT_EQ(passed(totals), frames);
  }
}

// The same over publications as they came: with holes, jitter, bursts at one time.
TEST(TheoryProperty, RecursionOverWhatCameEqualsBruteForce) {
  Dice dice(14);
  for (int i = 0; i < 20'000; ++i) {
    const Rate rate = dice.rate();
    const std::int64_t period = std::max<std::int64_t>(rate.period().count(), 1);
    const std::uint64_t depth = dice.depth();
    const LagSchedule lag(any_lag(dice, period, depth), rate.period(), kSeed);
    std::vector<std::int64_t> due;
    std::int64_t held_until = 0;
    const auto frames = static_cast<std::uint64_t>(1 + dice.upto(120));
    for (std::uint64_t k = 0; k < frames; ++k) {
      const std::int64_t time = test::due(k, rate.millihertz());
      if (dice.one_in(10) && !due.empty()) continue;
      if (dice.one_in(20)) held_until = time + dice.upto(6 * period);
      due.push_back(due.empty() ? 0 : std::max({time, held_until, due.back()}));
    }
    const Deviation deviation{.rate = rate,
                              .wake_latency = Duration{dice.one_in(2) ? 0 : dice.upto(period)},
                              .call_lateness = Duration{dice.one_in(2) ? 0 : dice.upto(period)}};
    const Script script{.frames = due,
                        .gap = gaps_of(lag),
                        .wake = deviation.wake_latency.count(),
                        .late = deviation.call_lateness.count(),
                        .awake = awake_of(lag)};
    const Played played = test::play(depth, script);
    ASSERT_EQ(
        recursion_over(lag, depth, {due, due}, {Duration{0}, Duration{due.back()}}, deviation),
        (Totals{played.delivered, played.overwrites, played.lost, played.backlog}))
        << "case " << i << " N " << depth << " mHz " << rate.millihertz() << " frames "
        << due.size() << " seed " << kSeed;

    Script newest = script;
    newest.asks = test::Asks::newest;
    // Two looks at one instant and for ever are no script: it polls.
    plan::ReaderPlan poller = any_lag(dice, period, depth);
    poller.mode = plan::ReadMode::newest;
    poller.on_empty = plan::OnEmpty::poll;
    poller.poll = Duration{1'000 + dice.upto(period)};
    newest.poll = poller.poll.count();
    const LagSchedule polls(poller, rate.period(), kSeed);
    newest.gap = gaps_of(polls);
    newest.awake = awake_of(polls);
    ASSERT_EQ(skips_over(polls, {due, due}, {Duration{0}, Duration{due.back()}}, deviation),
              test::play(depth, newest).lost)
        << "case " << i << " seed " << kSeed;
  }
}

}  // namespace
}  // namespace daohil::hil::judge
