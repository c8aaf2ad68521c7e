#include "hil/judge/prediction.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "hil/plan/metrics.hpp"

namespace daohil::hil::judge {
namespace {

using namespace std::chrono_literals;

// 1 kHz, depth 8, one reader 'slow'; every expected number below is worked out by hand.
plan::Case bench() {
  plan::Case planned;
  planned.mode = plan::Mode::virtual_time;
  planned.source.role = "wfs";
  planned.fifo = {.name = "wfs", .depth = 8};
  planned.frames = 1000;
  plan::ReaderPlan reader;
  reader.name = "slow";
  planned.readers = {reader};
  return planned;
}

Prediction predicted(const plan::Case& planned, const std::string& name) {
  const drivers::CameraDescription source{
      .model = "stamped",
      .identity = "",
      .format = drivers::FrameFormat({8, 8}, shm::PixelType::u16),
      .rate = shm::Rate::hertz(1000),
      .sha256 = "5e1f"};
  return predict(planned, source, name, "fifo.wfs.slow.lost");
}
std::int64_t number(const Prediction& prediction) {
  return std::get<std::int64_t>(prediction.nominal);
}

// Whatever the format may name is computed, and says how.
TEST(Prediction, EveryNameHasItsFormulaAndItsInputs) {
  plan::Case planned = bench();
  for (const auto name : plan::prediction_names()) {
    planned.readers[0].lag = {plan::ConstantLag{name == "recovery" ? 500us : 1500us}};
    const Prediction p = predicted(planned, std::string(name));
    EXPECT_FALSE(p.formula.empty()) << name;
    if (name != "source_sha256") {
      EXPECT_FALSE(p.inputs.empty()) << name;
    }
  }
}

// rho = 1.5 from phase 0: calls at 0, 1.5 .. 999 ms are 667; X = floor(666 / 2) = 333 = 41 * 8 + 5.
TEST(Prediction, OfAConstantLag) {
  plan::Case planned = bench();
  planned.readers[0].lag = {plan::ConstantLag{1500us}};
  EXPECT_EQ(number(predicted(planned, "overwrites")), 41);
  EXPECT_EQ(number(predicted(planned, "lost")), 41 * 8);
  EXPECT_EQ(number(predicted(planned, "backlog")), 5);
  EXPECT_EQ(number(predicted(planned, "cycle_len")), 16);  // 8 / 0.5
  planned.readers[0].lag = {plan::ConstantLag{1500us, 250us}};
  EXPECT_EQ(number(predicted(planned, "cycle_len")), 16);  // 7.75 / 0.5 = 15.5
  planned.readers[0].lag = {plan::ConstantLag{1500us, 600us}};
  EXPECT_EQ(number(predicted(planned, "cycle_len")), 15);  // 7.4 / 0.5 = 14.8
}

TEST(Prediction, OfTheRing) {
  plan::Case planned = bench();
  planned.readers[0].lag = {plan::PeriodicLag{.every = 50, .stall = 5300us}};
  planned.readers[0].copying = plan::Copying::in_place;
  planned.readers[0].hold = 400us;
  const Prediction depth = predicted(planned, "safe_depth");
  EXPECT_EQ(number(depth), 7);  // ceil(5.3) + ceil(0.4)
  EXPECT_EQ(depth.low, 6);      // ceil(5.7)
  EXPECT_EQ(depth.high, 7);
  EXPECT_EQ(std::get<bool>(predicted(planned, "lossless").nominal), true);
  planned.fifo.depth = 5;
  EXPECT_EQ(std::get<bool>(predicted(planned, "lossless").nominal), false);
  EXPECT_EQ(number(predicted(planned, "age_bound")), 5'000'000);
  EXPECT_EQ(number(predicted(planned, "hold_budget")), 1'000'000);  // a publication takes no time
  EXPECT_EQ(number(predicted(planned, "history_valid")), 4);        // 5 - ceil(0.4)
  planned.mode = plan::Mode::sim;                                   // w = 50 us until measured
  EXPECT_EQ(number(predicted(planned, "hold_budget")), 950'000);
}

// g = 5.3 periods, p0 = 0.5: floor(5.3 / 0.5) + 1 = 11 reads; at N = 3, floor(3 / 0.5) + 1 = 7.
TEST(Prediction, OfARecovery) {
  plan::Case planned = bench();
  planned.readers[0].lag = {plan::ConstantLag{500us},
                            plan::PeriodicLag{.every = 50, .stall = 5300us}};
  const Prediction p = predicted(planned, "recovery");
  EXPECT_EQ(number(p), 5'500'000);
  EXPECT_EQ(p.claim, Claim::upper_bound);
  planned.fifo.depth = 3;
  EXPECT_EQ(number(predicted(planned, "recovery")), 3'500'000);
}

// At 2.5 periods a read, calls at 0, 2.5 .. 997.5 ms are 400, and the last finds frame 998.
TEST(Prediction, OfTheNewest) {
  plan::Case planned = bench();
  planned.readers[0].mode = plan::ReadMode::newest;
  planned.readers[0].lag = {plan::ConstantLag{2500us}};
  EXPECT_EQ(number(predicted(planned, "newest_skips")), 997 - 399);
  // One that polls without a lag is no endless loop.
  planned.readers[0].lag.clear();
  planned.readers[0].on_empty = plan::OnEmpty::poll;
  planned.readers[0].poll = 100us;
  EXPECT_EQ(number(predicted(planned, "newest_skips")), 0);
}

TEST(Prediction, OfSourceDrops) {
  plan::Case planned = bench();
  using Kind = drivers::CameraFault::Kind;
  planned.faults = {
      drivers::CameraFault{.kind = Kind::drop, .trigger = {.frames = {1, 10, 20, 21}}},
      drivers::CameraFault{.kind = Kind::stall, .trigger = {.frames = {500}}, .delay = 4500us}};
  // Frame 1 leaves no gap; after the stall frames 501 to 503 are skipped, 504 is kept.
  EXPECT_EQ(number(predicted(planned, "source_drops")), 3 + 3);
}

TEST(Prediction, IsRefusedWhereTheTheoryDoesNotReach) {
  plan::Case planned = bench();
  planned.readers[0].lag = {plan::ConstantLag{900us}};
  EXPECT_THROW(predicted(planned, "cycle_len"), std::invalid_argument);
  planned.readers[0].lag = {plan::ConstantLag{1100us},
                            plan::PeriodicLag{.every = 50, .stall = 5300us}};
  EXPECT_THROW(predicted(planned, "cycle_len"), std::invalid_argument);
  EXPECT_THROW(predicted(planned, "recovery"), std::invalid_argument);
  planned.readers[0].on_overwrite = plan::OnOverwrite::stop;
  EXPECT_THROW(predicted(planned, "lost"), std::invalid_argument);
  EXPECT_THROW(predicted(planned, "nonsense"), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::hil::judge
