#include "simulators/atmosphere.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>
#include <thread>

namespace daohil::simulators {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

AtmosphereConfig small(std::size_t layers = 2) {
  AtmosphereConfig config;
  config.side = 24;
  config.pitch = 0.1;
  config.seed = 3;
  for (std::size_t i = 0; i < layers; ++i) {
    Layer layer;
    layer.fraction = 1.0 / static_cast<double>(layers);
    layer.wind_speed = 7 + 3 * static_cast<double>(i);
    layer.wind_direction = 0.4 + static_cast<double>(i);
    layer.outer_scale = 4;
    config.layers.push_back(layer);
  }
  return config;
}

Wavefront at(Atmosphere& atmosphere, double time) {
  Wavefront out = atmosphere.wavefront();
  atmosphere.opd(time, out);
  return out;
}

bool same_bits(const Wavefront& a, const Wavefront& b) {
  return std::memcmp(a.opd().data(), b.opd().data(), a.opd().size_bytes()) == 0;
}

double rms(const Wavefront& w) {
  double sum = 0;
  for (const float v : w.opd()) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum / static_cast<double>(w.opd().size()));
}

TEST(Atmosphere, IsAPureFunctionOfTimeInAnyOrder) {
  AtmosphereConfig config = small();
  config.layers[1].boiling_time = 0.3;
  config.vibrations = {{50, 1e-7, 0.3, 2}};
  Atmosphere forward(config), backward(config);
  std::vector<Wavefront> seen;
  for (int frame = 0; frame < 8; ++frame) seen.push_back(at(forward, frame * 0.047));
  for (int frame = 7; frame >= 0; --frame)
    EXPECT_TRUE(same_bits(seen[static_cast<std::size_t>(frame)], at(backward, frame * 0.047)))
        << frame;
}

TEST(Atmosphere, ABoilingLayersFarFutureNeedsNoPast) {
  AtmosphereConfig config = small(1);
  config.layers[0].boiling_time = 0.05;
  Atmosphere walks(config), jumps(config);
  for (int step = 0; step < 260; ++step) (void)at(walks, step * 0.05 / 16);
  const double time = 260.4 * 0.05 / 16;  // in the second block of 160 renewals
  EXPECT_TRUE(same_bits(at(walks, time), at(jumps, time)));
}

TEST(Atmosphere, CopiesInThreadsGiveTheSameFrames) {
  AtmosphereConfig config = small();
  config.layers[0].boiling_time = 0.2;
  const Atmosphere original(config);
  std::vector<Wavefront> alone(16), together(16);
  Atmosphere copy = original;
  for (std::size_t i = 0; i < alone.size(); ++i) alone[i] = at(copy, static_cast<double>(i) * 0.01);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t, own = original]() mutable {
      for (std::size_t i = t; i < together.size(); i += 4)
        together[i] = at(own, static_cast<double>(i) * 0.01);
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(same_bits(alone[i], together[i]));
}

TEST(Atmosphere, TurbulenceMovesWhereTheWindBlows) {
  AtmosphereConfig config = small(1);
  config.layers[0].wind_speed = 10;
  for (const double direction : {0.0, std::numbers::pi / 2, std::numbers::pi}) {
    config.layers[0].wind_direction = direction;
    Atmosphere atmosphere(config);
    const Wavefront before = at(atmosphere, 0), after = at(atmosphere, 0.05);  // 5 samples
    const auto dx = static_cast<std::ptrdiff_t>(std::lround(5 * std::cos(direction)));
    const auto dy = static_cast<std::ptrdiff_t>(std::lround(5 * std::sin(direction)));
    for (std::ptrdiff_t y = 5; y < 19; ++y)
      for (std::ptrdiff_t x = 5; x < 19; ++x)
        ASSERT_NEAR(before.at(static_cast<std::size_t>(x), static_cast<std::size_t>(y)),
                    after.at(static_cast<std::size_t>(x + dx), static_cast<std::size_t>(y + dy)),
                    1e-4 * rms(before))
            << direction;
  }
}

TEST(Atmosphere, DoesNotRepeatAfterOnePassOfTheScreen) {
  AtmosphereConfig config = small(1);
  config.layers[0].wind_direction = 0;
  Atmosphere atmosphere(config);
  const double pass = atmosphere.shortest_pass();
  EXPECT_GT(pass * config.layers[0].wind_speed, 3 * 4.0);
  const Wavefront before = at(atmosphere, 0);
  for (int passes = 1; passes <= 4; ++passes) {
    const Wavefront after = at(atmosphere, passes * pass);
    double difference = 0;
    for (std::size_t i = 0; i < before.opd().size(); ++i)
      difference =
          std::max(difference, static_cast<double>(std::abs(before.opd()[i] - after.opd()[i])));
    EXPECT_GT(difference, 0.1 * rms(before)) << passes;
  }
}

TEST(Atmosphere, LayersHaveNoPeriodInCommon) {
  AtmosphereConfig config = small(1);
  const double first = Atmosphere(config).shortest_pass();
  config.layers.push_back(config.layers[0]);
  config.layers[0].fraction = 0;
  config.layers[0].wind_speed = 0.001;  // leaves the second to be the shortest
  config.layers[1].fraction = 1;
  EXPECT_GT(Atmosphere(config).shortest_pass(), 1.01 * first);
}

TEST(Atmosphere, OpdScalesWithR0AndNotWithTheWavelengthItIsGivenFor) {
  AtmosphereConfig config = small(1);
  config.r0 = 0.1;
  Atmosphere strong(config);
  config.r0 = 0.2;
  Atmosphere weak(config);
  const double ratio = rms(at(strong, 1)) / rms(at(weak, 1));
  EXPECT_NEAR(ratio, std::pow(2, 5.0 / 6), 1e-5);
  // r0 goes with wavelength^(6/5) for the same OPD.
  config.r0 = 0.1 * std::pow(2.0, 6.0 / 5);
  config.r0_wavelength = 1000e-9;
  Atmosphere infrared(config);
  EXPECT_NEAR(rms(at(infrared, 1)) / rms(at(strong, 1)), 1, 1e-5);
}

TEST(Atmosphere, OddSkiesHaveTheRightPhysics) {
  AtmosphereConfig none = small(0);
  Atmosphere empty(none);
  EXPECT_EQ(rms(at(empty, 5)), 0);

  AtmosphereConfig still = small(1);
  still.layers[0].wind_speed = 0;
  Atmosphere calm(still);
  EXPECT_TRUE(same_bits(at(calm, 0), at(calm, 1e6)));
  EXPECT_EQ(calm.shortest_pass(), kInfinite);

  AtmosphereConfig tiny = small(1);
  tiny.r0 = 1e-6;
  Atmosphere violent(tiny);
  EXPECT_TRUE(std::isfinite(rms(at(violent, 1))));

  AtmosphereConfig one = small(1);
  one.side = 1;
  Atmosphere dot(one);
  EXPECT_TRUE(std::isfinite(at(dot, 1e7).at(0, 0)));
}

TEST(Atmosphere, RefusesWithTheFieldAndTheWayOut) {
  const std::pair<std::function<void(AtmosphereConfig&)>, const char*> faults[] = {
      {[](auto& c) { c.r0 = 0; }, "r0"},
      {[](auto& c) { c.r0 = -1; }, "r0"},
      {[](auto& c) { c.r0 = std::nan(""); }, "r0"},
      {[](auto& c) { c.r0_wavelength = 0; }, "r0_wavelength"},
      {[](auto& c) { c.side = 0; }, "side"},
      {[](auto& c) { c.pitch = 0; }, "pitch"},
      {[](auto& c) { c.layers[0].outer_scale = kInfinite; }, "outer_scale is infinite"},
      {[](auto& c) { c.layers[0].outer_scale = 1e5; }, "side"},
      {[](auto& c) { c.layers[0].fraction = 0.7; }, "fractions"},
      {[](auto& c) { c.layers[1].fraction = -0.5; }, "layer 1: fraction"},
      {[](auto& c) { c.layers[1].wind_speed = -3; }, "layer 1: wind_speed"},
      {[](auto& c) { c.layers[0].wind_direction = std::nan(""); }, "wind_direction"},
      {[](auto& c) { c.layers[0].boiling_time = 0; }, "boiling_time"},
      {[](auto& c) {
         c.vibrations = {{-1, 0, 0, 0}};
       },
       "vibration frequency"},
      {[](auto& c) {
         c.jumps = {{0, kInfinite, 0, 0}};
       },
       "jump tilt"},
  };
  for (const auto& [fault, named] : faults) {
    AtmosphereConfig config = small();
    fault(config);
    try {
      const Atmosphere atmosphere(config);
      ADD_FAILURE() << named;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }
  Atmosphere good(small());
  Wavefront other_side(25, 0.1), other_pitch(24, 0.2), fits = good.wavefront();
  EXPECT_THROW(good.opd(0, other_side), std::invalid_argument);
  EXPECT_THROW(good.opd(0, other_pitch), std::invalid_argument);
  EXPECT_THROW(good.opd(-1, fits), std::invalid_argument);
  EXPECT_THROW(good.opd(kInfinite, fits), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
