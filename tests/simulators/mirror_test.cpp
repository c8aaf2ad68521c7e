#include "simulators/mirror_shape.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

#include "simulators/command_rules.hpp"

namespace daohil::simulators {
namespace {

using std::numbers::pi;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

/// One actuator of gain 1, so that heights are drives.
ActuatorModel ideal() {
  ActuatorModel model;
  model.gain = 1;
  return model;
}

float height(const Actuators& actuators, const Actuators::State& state, std::size_t i = 0) {
  std::vector<float> out(actuators.count());
  actuators.heights(state, out);
  return out[i];
}

float settled(const Actuators& actuators, Actuators::State& state, float command) {
  const std::vector<float> commands(actuators.count(), command);
  actuators.send(state, commands);
  actuators.advance(state, state.time + 1);
  return height(actuators, state);
}

TEST(ActuatorMap, RowsOfTheCatalogue) {
  const std::size_t dm97[] = {5, 7, 9, 11, 11, 11, 11, 11, 9, 7, 5};
  const ActuatorMap map = map_of_rows(dm97);
  ASSERT_EQ(map.count(), 97U);
  EXPECT_EQ(map.places.front(), (ActuatorMap::Place{3, 0}));
  EXPECT_EQ(map.places[5], (ActuatorMap::Place{2, 1}));
  EXPECT_EQ(map.places.back(), (ActuatorMap::Place{7, 10}));
  EXPECT_EQ(map.neighbours(0), (std::vector<std::size_t>{1, 6}));
  EXPECT_EQ(map.neighbours(48).size(), 4U);
  EXPECT_EQ(map.indices()[0], 97U);
  EXPECT_EQ(map.indices()[3], 0U);
  EXPECT_EQ(square_map(3).neighbours(4), (std::vector<std::size_t>{1, 3, 5, 7}));
  const std::size_t odd[] = {2, 3, 2}, wide[] = {5}, none[] = {0, 0};
  EXPECT_THROW(map_of_rows(odd), std::invalid_argument);
  EXPECT_THROW(map_of_rows(wide), std::invalid_argument);
  EXPECT_THROW(map_of_rows(none), std::invalid_argument);
  EXPECT_THROW(square_map(0), std::invalid_argument);
}

TEST(GaussianInfluence, IsTheGaussianItself) {
  const std::size_t rows[] = {3, 5, 5, 5, 3};
  const ActuatorMap map = map_of_rows(rows);
  const double coupling = 0.3, pitch = 7;
  for (const std::size_t side : {1U, 31U, 36U, 70U}) {
    const GaussianInfluence influence(map, coupling, {side, pitch, 0.6, -1.3});
    std::vector<float> heights(map.count());
    for (std::size_t i = 0; i < heights.size(); ++i) heights[i] = std::sin(1.0F + 2.0F * float(i));
    Wavefront out(side, 1);
    for (float& opd : out.opd()) opd = 5;  // added to, not replaced
    influence.add_to(out, heights);
    for (std::size_t y = 0; y < side; ++y)
      for (std::size_t x = 0; x < side; ++x) {
        double expected = 5;
        for (std::size_t i = 0; i < map.count(); ++i) {
          const double dx = out.position(x) - ((double(map.places[i].x) - 2) * pitch + 0.6);
          const double dy = out.position(y) - ((double(map.places[i].y) - 2) * pitch - 1.3);
          expected += double(heights[i]) * std::pow(coupling, (dx * dx + dy * dy) / pitch / pitch);
        }
        ASSERT_NEAR(out.at(x, y), expected, 3e-6) << side << ": " << x << ' ' << y;
      }
  }
}

TEST(GaussianInfluence, SameBitsOnEveryInstructionSet) {
  const ActuatorMap map = square_map(9);
  for (const std::size_t side : {15U, 64U, 83U, 160U}) {
    const GaussianInfluence influence(map, 0.25, {side, double(side) / 8});
    std::vector<float> heights(map.count());
    for (std::size_t i = 0; i < heights.size(); ++i) heights[i] = std::cos(3.0F * float(i));
    Wavefront generic(side, 1);
    influence.add_to(generic, heights, InstructionSet::generic);
    for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
      if (set > widest_instruction_set()) continue;
      Wavefront wide(side, 1);
      influence.add_to(wide, heights, set);
      EXPECT_EQ(std::memcmp(wide.opd().data(), generic.opd().data(), generic.opd().size_bytes()), 0)
          << name(set) << ' ' << side;
    }
  }
}

TEST(MatrixInfluence, IsTheMatrixProduct) {
  MatrixInfluence::Matrix matrix(9, 2);
  matrix.insert(0, 0) = 1;
  matrix.insert(8, 0) = -2;
  matrix.insert(8, 1) = 3;
  const MatrixInfluence influence(3, matrix);
  Wavefront out(3, 1);
  out.at(0, 0) = 10;
  influence.add_to(out, std::vector<float>{0.5F, 2});
  EXPECT_EQ(out.at(0, 0), 10.5F);
  EXPECT_EQ(out.at(2, 2), 5);
  EXPECT_EQ(out.at(1, 1), 0);
  EXPECT_THROW(influence.add_to(out, std::vector<float>{1}), std::invalid_argument);
  EXPECT_THROW(MatrixInfluence(4, matrix), std::invalid_argument);
  matrix.coeffRef(0, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(MatrixInfluence(3, matrix), std::invalid_argument);
}

TEST(Actuators, ClipAndCount) {
  const Actuators actuators(square_map(2), ideal());
  auto state = actuators.rest();
  EXPECT_EQ(actuators.send(state, std::vector<float>{0.5F, 1, 1.5F, -7}).clipped, 2U);
  EXPECT_EQ(height(actuators, state, 0), 0.5F);
  EXPECT_EQ(height(actuators, state, 1), 1);
  EXPECT_EQ(height(actuators, state, 2), 1);
  EXPECT_EQ(height(actuators, state, 3), -1);
}

TEST(Actuators, ABadCommandChangesNothing) {
  const Actuators actuators(square_map(2), ideal());
  auto state = actuators.rest();
  actuators.send(state, std::vector<float>{0.1F, 0.2F, 0.3F, 0.4F});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), float(kInfinite)}) try {
      actuators.send(state, std::vector<float>{0, 0, bad, 0});
      ADD_FAILURE();
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("command 2"), std::string::npos) << error.what();
    }
  EXPECT_THROW(actuators.send(state, std::vector<float>{0, 0, 0}), std::invalid_argument);
  EXPECT_EQ(height(actuators, state, 2), 0.3F);
  EXPECT_TRUE(state.on_the_way.empty());
}

TEST(Actuators, ADacHasItsLevelsBothEndsIncluded) {
  ActuatorModel model = ideal();
  model.dac_bits = 3;
  const Actuators actuators(square_map(1), model);
  auto state = actuators.rest();
  std::vector<float> seen;
  for (int k = 0; k <= 1000; ++k) {
    const float command = -1 + 0.002F * float(k);
    const float got = settled(actuators, state, command);
    EXPECT_LE(std::abs(got - command), 1.0F / 7 + 1e-6F);
    if (seen.empty() || got != seen.back()) seen.push_back(got);
  }
  ASSERT_EQ(seen.size(), 8U);
  EXPECT_EQ(seen.front(), -1);
  EXPECT_EQ(seen.back(), 1);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_NEAR(seen[i] - seen[i - 1], 2.0 / 7, 1e-6);
}

TEST(Actuators, ADelayIsAnyFractionOfAFrame) {
  ActuatorModel model = ideal();
  const double period = 1e-3;
  model.delay = 1.37 * period;
  const Actuators actuators(square_map(1), model);
  auto state = actuators.rest();
  actuators.send(state, std::vector<float>{0.5F});
  actuators.advance(state, period);
  actuators.send(state, std::vector<float>{-0.5F});
  actuators.advance(state, 1.369 * period);
  EXPECT_EQ(height(actuators, state), 0);
  actuators.advance(state, 1.371 * period);
  EXPECT_EQ(height(actuators, state), 0.5F);
  actuators.advance(state, 2.369 * period);
  EXPECT_EQ(height(actuators, state), 0.5F);
  actuators.advance(state, 2.371 * period);
  EXPECT_EQ(height(actuators, state), -0.5F);
}

TEST(Actuators, SecondOrderStepResponseIsTheTextbooks) {
  const double f = 800, w = 2 * pi * f;
  for (const double damping : {0.2, 0.7, 1.0, 3.0}) {
    ActuatorModel model = ideal();
    model.resonance = f;
    model.damping = damping;
    const Actuators actuators(square_map(1), model);
    auto state = actuators.rest();
    actuators.send(state, std::vector<float>{1});
    for (int k = 1; k <= 40; ++k) {
      const double t = k * 1e-4;
      actuators.advance(state, t);
      double expected = 0;
      if (damping < 1) {
        const double wd = w * std::sqrt(1 - damping * damping);
        expected = 1 - std::exp(-damping * w * t) *
                           (std::cos(wd * t) +
                            damping / std::sqrt(1 - damping * damping) * std::sin(wd * t));
      } else if (damping == 1) {
        expected = 1 - std::exp(-w * t) * (1 + w * t);
      } else {
        const double root = std::sqrt(damping * damping - 1);
        const double slow = w * (damping - root), fast = w * (damping + root);
        expected = 1 - (fast * std::exp(-slow * t) - slow * std::exp(-fast * t)) / (fast - slow);
      }
      ASSERT_NEAR(height(actuators, state), expected, 1e-6) << damping << ' ' << t;
    }
  }
}

TEST(Actuators, MotionDoesNotDependOnHowOftenItIsLookedAt) {
  ActuatorModel model = ideal();
  model.resonance = 300;
  model.damping = 0.3;
  model.slew_rate = 400;
  model.delay = 0.31e-3;
  model.hysteresis = 0.1;
  model.creep = {0.2, 0.5, 100};
  const Actuators actuators(square_map(1), model);
  auto often = actuators.rest(), seldom = actuators.rest();
  for (int k = 1; k <= 20; ++k) {
    const std::vector<float> command{std::sin(1.7F * float(k))};
    actuators.send(often, command);
    actuators.send(seldom, command);
    for (int part = 1; part <= 10; ++part) actuators.advance(often, (k - 1 + part / 10.0) * 1e-3);
    actuators.advance(seldom, k * 1e-3);
    ASSERT_NEAR(height(actuators, often), height(actuators, seldom), 1e-5) << k;
  }
}

TEST(Actuators, SlewRateIsAStraightLineAndLagsBehindAResonance) {
  ActuatorModel model = ideal();
  model.slew_rate = 100;
  const Actuators bare(square_map(1), model);
  auto state = bare.rest();
  bare.send(state, std::vector<float>{1});
  for (const double t : {1e-3, 5e-3, 9e-3, 12e-3}) {
    bare.advance(state, t);
    EXPECT_NEAR(height(bare, state), std::min(100 * t, 1.0), 1e-6);
  }
  // Behind a long ramp a second-order system is late by 2 damping / w.
  model.slew_rate = 1;
  model.resonance = 200;
  model.damping = 0.8;
  const Actuators resonant(square_map(1), model);
  state = resonant.rest();
  resonant.send(state, std::vector<float>{1});
  resonant.advance(state, 0.5);
  EXPECT_NEAR(height(resonant, state), 0.5 - 2 * 0.8 / (2 * pi * 200), 1e-6);
  resonant.advance(state, 2);
  EXPECT_NEAR(height(resonant, state), 1, 1e-6);
}

TEST(Actuators, SettlingTimeOfTheResonanceAskedFor) {
  ActuatorModel model = ideal();
  model.damping = 0.5;
  model.resonance = resonance_for_settling(0.8e-3, model.damping);
  const Actuators actuators(square_map(1), model);
  auto state = actuators.rest();
  actuators.send(state, std::vector<float>{1});
  double last_outside = 0;
  for (int k = 1; k < 2000; ++k) {
    actuators.advance(state, k * 1e-6);
    // The envelope of the ringing is 1 / sqrt(1 - damping^2) higher than its exponential.
    if (std::abs(height(actuators, state) - 1) > 0.05 / std::sqrt(0.75)) last_outside = k * 1e-6;
  }
  EXPECT_LT(last_outside, 0.8e-3);
  EXPECT_GT(last_outside, 0.3e-3);
  EXPECT_THROW((void)resonance_for_settling(0, 0.5), std::invalid_argument);
}

TEST(Actuators, HysteresisHasItsLoopWidthAndClosesMinorLoops) {
  ActuatorModel model = ideal();
  model.low = -2;
  model.high = 4;
  model.hysteresis = 0.15;
  const Actuators actuators(square_map(1), model);
  auto state = actuators.rest();
  EXPECT_NEAR(settled(actuators, state, -2), -2, 1e-6);
  const float rising = settled(actuators, state, 1);
  EXPECT_NEAR(settled(actuators, state, 4), 4, 1e-6);
  const float falling = settled(actuators, state, 1);
  EXPECT_NEAR((falling - rising) / 6, 0.15, 1e-6);
  // Return-point memory: an excursion that comes back leaves no trace.
  (void)settled(actuators, state, 0);
  const float before = settled(actuators, state, 2);
  (void)settled(actuators, state, 1.3F);
  (void)settled(actuators, state, 1.6F);
  EXPECT_NEAR(settled(actuators, state, 2), before, 1e-6);
}

TEST(Actuators, CreepIsAStraightLineInLogTime) {
  ActuatorModel model = ideal();
  model.creep = {0.3, 1, 1e4};
  const Actuators actuators(square_map(1), model);
  auto state = actuators.rest();
  actuators.send(state, std::vector<float>{0.5F});
  EXPECT_EQ(height(actuators, state), 0.5F);
  // A quarter of it every decade, within the ripple of a chain of relaxations.
  double before = 0;
  for (const double t : {10.0, 100.0, 1000.0}) {
    actuators.advance(state, t);
    const double creep = height(actuators, state) / 0.5 - 1;
    if (before > 0) {
      EXPECT_NEAR(creep - before, 0.3 / 4, 0.3 / 4 * 0.15) << t;
    }
    before = creep;
  }
  actuators.advance(state, 1e7);
  EXPECT_NEAR(height(actuators, state), 0.5 * 1.3, 1e-6);
}

TEST(Actuators, ElectrostaticMirrorsAnswerWithTheSquare) {
  ActuatorModel model = ideal();
  model.low = 0;
  model.high = 1;
  model.response = Response::square;
  model.gain = 3e-6;
  const Actuators actuators(square_map(1), model);
  auto state = actuators.rest();
  EXPECT_NEAR(settled(actuators, state, 0.5F), 0.75e-6, 1e-12);
  EXPECT_NEAR(settled(actuators, state, 1), 3e-6, 1e-12);
}

TEST(Actuators, Faults) {
  ActuatorModel model = ideal();
  model.faults = {{0, FaultKind::dead, 0, 0},
                  {4, FaultKind::floating, 0, 0},
                  {5, FaultKind::floating, 0, 0},
                  {2, FaultKind::stuck, -0.75, 0},
                  {8, FaultKind::coupled, 0, 6}};
  const Actuators actuators(square_map(3), model);
  auto state = actuators.rest();
  std::vector<float> commands{0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F, 0.7F, 0.8F, 0.9F};
  actuators.send(state, commands);
  EXPECT_EQ(height(actuators, state, 0), 0);
  EXPECT_EQ(height(actuators, state, 1), 0.2F);
  EXPECT_EQ(height(actuators, state, 2), -0.75F);
  EXPECT_NEAR(height(actuators, state, 4), (0.2 + 0.4 + 0.8) / 3, 1e-6);  // not 5: it floats too
  EXPECT_NEAR(height(actuators, state, 5), (-0.75 + 0.7) / 2, 1e-6);
  EXPECT_EQ(height(actuators, state, 8), 0.7F);
}

TEST(Actuators, RefusesWithTheFieldAndTheWayOut) {
  const std::pair<std::function<void(ActuatorModel&)>, const char*> faults[] = {
      {[](auto& m) { m.low = 1; }, "range"},
      {[](auto& m) { m.gain = kInfinite; }, "gain"},
      {[](auto& m) { m.dac_bits = 25; }, "dac_bits"},
      {[](auto& m) { m.delay = -1; }, "delay"},
      {[](auto& m) { m.hysteresis = 0.5; }, "hysteresis"},
      {[](auto& m) { m.slew_rate = 0; }, "slew_rate"},
      {[](auto& m) { m.resonance = std::nan(""); }, "resonance"},
      {[](auto& m) { m.damping = 0; }, "damping"},
      {[](auto& m) { m.creep.fraction = 2; }, "creep.fraction"},
      {[](auto& m) {
         m.creep = {0.1, 10, 1};
       },
       "times of creep"},
      {[](auto& m) {
         m.faults = {{9, FaultKind::dead, 0, 0}};
       },
       "fault's actuator"},
      {[](auto& m) {
         m.faults = {{1, FaultKind::dead, 0, 0}, {1, FaultKind::stuck, 0, 0}};
       },
       "at most one"},
      {[](auto& m) {
         m.faults = {{1, FaultKind::coupled, 0, 1}};
       },
       "partner"},
  };
  for (const auto& [fault, named] : faults) {
    ActuatorModel model;
    fault(model);
    try {
      const Actuators actuators(square_map(3), model);
      ADD_FAILURE() << named;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }
  const Actuators good(square_map(1), ideal());
  auto state = good.rest();
  good.advance(state, 1);
  EXPECT_THROW(good.advance(state, 0.5), std::invalid_argument);
  EXPECT_THROW(good.advance(state, kInfinite), std::invalid_argument);
}

TEST(MirrorShape, AddsItsShapeAndIsDeterministic) {
  const ActuatorMap map = square_map(5);
  ActuatorModel model;
  model.gain = 4e-6;
  model.resonance = 500;
  const MirrorShape mirror(map, model, GaussianInfluence(map, 0.3, {33, 8}));
  auto a = mirror.rest(), b = mirror.rest();
  std::vector<float> commands(25);
  for (int k = 1; k <= 10; ++k) {
    for (std::size_t i = 0; i < 25; ++i) commands[i] = std::sin(float(k) + float(i));
    for (auto* state : {&a, &b}) {
      mirror.send(*state, commands);
      mirror.advance(*state, k * 1e-3);
    }
  }
  Wavefront once(33, 0.1), twice(33, 0.1);
  mirror.add_to(once, a);
  mirror.add_to(twice, b);
  EXPECT_EQ(std::memcmp(once.opd().data(), twice.opd().data(), once.opd().size_bytes()), 0);
  // The centre actuator's sample: its height plus what its neighbours' functions add there.
  const std::vector<float> heights = mirror.heights(a);
  double expected = 0;
  for (std::size_t i = 0; i < 25; ++i) {
    const double dx = double(map.places[i].x) - 2, dy = double(map.places[i].y) - 2;
    expected += double(heights[i]) * std::pow(0.3, dx * dx + dy * dy);
  }
  EXPECT_NEAR(once.at(16, 16), expected, 1e-11);
  EXPECT_THROW(MirrorShape(square_map(4), model, GaussianInfluence(map, 0.3, {33, 8})),
               std::invalid_argument);
}

TEST(CommandRules, VendorsLimits) {
  const ActuatorMap map = map_of_rows(std::vector<std::size_t>{4, 6, 8, 8, 8, 8, 6, 4});
  std::vector<float> commands(52, 0.4F);
  EXPECT_TRUE(violations(mirao52e_rules(), map, commands).empty());  // 20.8
  commands.assign(52, -0.5F);                                        // 26
  auto found = violations(mirao52e_rules(), map, commands);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rule, Rule::sum_of_magnitudes);
  EXPECT_EQ(describe(found[0]), "the magnitudes of all commands sum to 26; at most 24");
  EXPECT_TRUE(violations(alpao_rules(), map, commands).empty());
  found = violations(boston_rules(), map, commands);
  EXPECT_EQ(found.size(), 52U);

  commands.assign(52, 0.5F);
  commands[20] = 1.25F;
  found = violations(boston_rules(0.5), map, commands);
  ASSERT_EQ(found.size(), 5U);  // its range, and four neighbours
  EXPECT_EQ(describe(found[0]), "command 20 is 1.25; at most 1");
  EXPECT_TRUE(std::all_of(found.begin() + 1, found.end(), [](const Violation& v) {
    return v.rule == Rule::neighbour_difference && v.value == 0.75;
  }));
  EXPECT_EQ(boston_rules(0.5).neighbour_difference->evidence, Evidence::unverified);

  commands[7] = std::numeric_limits<float>::quiet_NaN();
  found = violations(boston_rules(0.5), map, commands);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(describe(found[0]), "command 7 is not a finite number");
  commands.pop_back();
  EXPECT_EQ(violations(alpao_rules(), map, commands).at(0).rule, Rule::count);
}

}  // namespace
}  // namespace daohil::simulators
