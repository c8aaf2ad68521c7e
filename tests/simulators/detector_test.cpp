// What is exact about a detector: the same bits everywhere, odd inputs, bad pixels, refusals. Its
// statistics are in tests/physics.
#include "simulators/detector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace daohil::simulators {
namespace {

using std::chrono::microseconds;
using Frame = std::vector<std::uint16_t>;

/// Everything that a detector can have, on an awkward number of pixels.
DetectorSettings everything() {
  DetectorSettings s;
  s.rows = 61;
  s.columns = 677;
  s.seed = 99;
  s.exposure = microseconds(1000);
  s.quantum_efficiency = 0.9;
  s.response_nonuniformity = 0.02;
  s.dark_current = 1000;
  s.clock_induced_charge = 0.1;
  s.gain = AvalancheGain::emccd(100, 604);
  s.read_noise = 50;
  s.electrons_per_adu = 20;
  s.bias = 400;
  s.bits = 14;
  s.frame_transfer = FrameTransfer::halves;
  s.row_transfer = microseconds(1);
  s.cosmic_ray_rate = 20000;
  s.bad_pixels = {{3, 4, BadPixel::Kind::dead, 0},
                  {60, 676, BadPixel::Kind::stuck, 77},
                  {3, 600, BadPixel::Kind::hot, 1e6}};
  return s;
}

std::vector<float> uneven_light(const Detector& detector) {
  std::vector<float> light(detector.photon_elements());
  for (std::size_t i = 0; i < light.size(); ++i)
    light[i] = std::exp(static_cast<float>(i * 131 % 1013) / 90.0F - 3.0F);
  return light;
}

Frame exposed(const DetectorSettings& settings, std::uint64_t frame,
              InstructionSet set = widest_instruction_set()) {
  Detector detector(settings, set);
  Frame out(detector.pixels());
  EXPECT_EQ(detector.expose(uneven_light(detector), frame, out), 0U);
  return out;
}

TEST(Detector, TheSameFrameAgainAndOnEveryInstructionSet) {
  const Frame frame = exposed(everything(), 12, InstructionSet::generic);
  EXPECT_EQ(exposed(everything(), 12), frame);
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512})
    if (set <= widest_instruction_set()) {
      EXPECT_EQ(exposed(everything(), 12, set), frame);
    }
  EXPECT_NE(exposed(everything(), 13), frame);
  auto other = everything();
  other.seed = 100;
  EXPECT_NE(exposed(other, 12), frame);
}

TEST(Detector, TheSameFrameByAnyNumberOfThreads) {
  const Detector detector(everything());
  const auto light = uneven_light(detector);
  const Frame expected = exposed(everything(), 5);
  for (const std::size_t threads : {1, 2, 8}) {
    Exposure exposure;
    detector.begin(light, 5, exposure);
    Frame out(detector.pixels());
    std::vector<std::thread> workers;
    for (std::size_t k = 0; k < threads; ++k) {
      const Rows rows = {61 * k / threads, 61 * (k + 1) / threads};
      workers.emplace_back([&, rows] { detector.read_rows(exposure, rows, std::span(out)); });
    }
    for (auto& worker : workers) worker.join();
    EXPECT_EQ(out, expected) << threads;
  }
}

TEST(Detector, FramesInAnyOrder) {
  Detector detector(everything());
  const auto light = uneven_light(detector);
  Frame out(detector.pixels());
  for (const std::uint64_t frame : {9, 2, 5}) {
    detector.expose(light, frame, out);
    EXPECT_EQ(out, exposed(everything(), frame)) << frame;
  }
}

DetectorSettings quiet(std::size_t rows, std::size_t columns) {
  DetectorSettings s;
  s.rows = rows;
  s.columns = columns;
  s.bias = 100;
  return s;
}

TEST(Detector, NoLightIsBias) {
  for (const auto& [rows, columns] :
       {std::pair{1, 1}, std::pair{1, 700}, std::pair{33, 1}, std::pair{7, 5}}) {
    Detector detector(quiet(static_cast<std::size_t>(rows), static_cast<std::size_t>(columns)));
    Frame out(detector.pixels());
    detector.expose(std::vector<float>(detector.pixels(), 0.0F), 1, out);
    EXPECT_EQ(out, Frame(out.size(), 100)) << rows << " x " << columns;
  }
}

TEST(Detector, WhatIsNoNumberOfPhotonsIsDarkAndCounted) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const std::size_t binning : {1, 2}) {
    auto s = quiet(4, 40);
    s.binning = binning;
    Detector detector(s);
    std::vector<float> light(detector.photon_elements(), 0.0F);
    light[0] = std::numeric_limits<float>::quiet_NaN();
    light[17] = -1.0F;
    light[39] = kInfinity;
    light[light.size() - 1] = -kInfinity;
    Frame out(detector.pixels());
    EXPECT_EQ(detector.expose(light, 1, out), 4U);
    EXPECT_EQ(out, Frame(out.size(), 100));
  }
}

TEST(Detector, BrightPixelsStayBright) {
  auto s = quiet(1, 3);
  s.bits = 12;
  Detector detector(s);
  Frame out(3);
  EXPECT_EQ(detector.expose(std::vector<float>{1e30F, 0, 3e38F}, 1, out), 0U);
  EXPECT_EQ(out, (Frame{4095, 100, 4095}));
}

TEST(Detector, BadPixels) {
  auto s = quiet(8, 600);
  s.exposure = std::chrono::seconds(1);
  s.bad_pixels = {{2, 530, BadPixel::Kind::stuck, 5},
                  {2, 3, BadPixel::Kind::dead},
                  {7, 599, BadPixel::Kind::hot, 10000},
                  {0, 0, BadPixel::Kind::stuck, 65535}};
  Detector detector(s);
  Frame out(detector.pixels());
  detector.expose(std::vector<float>(detector.pixels(), 400.0F), 3, out);
  EXPECT_EQ(out[2 * 600 + 530], 5);
  EXPECT_EQ(out[2 * 600 + 3], 100);
  EXPECT_EQ(out[0], 65535);
  EXPECT_NEAR(out[7 * 600 + 599], 10500, 600);  // 6 sigma
  EXPECT_NEAR(out[7 * 600 + 598], 500, 120);
}

TEST(Detector, EightBitPixels) {
  auto s = quiet(3, 50);
  s.bits = 8;
  s.read_noise = 4;
  Detector detector(s);
  const std::vector<float> light(150, 60.0F);
  Frame wide(150);
  std::vector<std::uint8_t> narrow(150);
  detector.expose(light, 4, wide);
  detector.expose(light, 4, narrow);
  EXPECT_TRUE(std::equal(narrow.begin(), narrow.end(), wide.begin()));
  s.bits = 10;
  Detector ten_bits(s);
  EXPECT_THROW(ten_bits.expose(light, 4, narrow), std::invalid_argument);
}

TEST(Detector, RefusesOtherSizesAndRows) {
  Detector detector(quiet(4, 5));
  std::vector<float> light(20), short_light(19);
  Frame out(20), short_out(19);
  EXPECT_THROW(detector.expose(short_light, 1, out), std::invalid_argument);
  EXPECT_THROW(detector.expose(light, 1, short_out), std::invalid_argument);
  Exposure exposure;
  EXPECT_THROW(detector.read_rows(exposure, {0, 4}, std::span(out)), std::invalid_argument);
  detector.begin(light, 1, exposure);
  EXPECT_THROW(detector.read_rows(exposure, {0, 5}, std::span(out)), std::invalid_argument);
  EXPECT_THROW(detector.read_rows(exposure, {3, 2}, std::span(out)), std::invalid_argument);
  EXPECT_EQ(detector.read_rows(exposure, {2, 2}, std::span(out)), 0U);
}

TEST(Detector, ASettingThatCannotBeIsNamedWithItsValue) {
  const auto message = [](auto change) -> std::string {
    auto s = quiet(4, 5);
    change(s);
    try {
      Detector detector(s);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "taken";
  };
  EXPECT_EQ(message([](auto&) {}), "taken");
  EXPECT_EQ(message([](auto& s) { s.quantum_efficiency = 1.2; }),
            "detector: quantum_efficiency = 1.2: must be 0 to 1");
  EXPECT_EQ(message([](auto& s) { s.quantum_efficiency = std::nan(""); }),
            "detector: quantum_efficiency = nan: must be 0 to 1");
  EXPECT_EQ(message([](auto& s) { s.rows = 0; }),
            "detector: rows = 0: must be above 0 and at most 65536");
  EXPECT_EQ(message([](auto& s) { s.bits = 17; }), "detector: bits = 17: must be 1 to 16");
  const auto refused = [&](auto change) { return message(change) != "taken"; };
  EXPECT_TRUE(refused([](auto& s) { s.columns = 1 << 20; }));
  EXPECT_TRUE(refused([](auto& s) { s.binning = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.binning = 17; }));
  EXPECT_TRUE(refused([](auto& s) { s.exposure = microseconds(0); }));
  EXPECT_TRUE(refused([](auto& s) { s.exposure = microseconds(-5); }));
  EXPECT_TRUE(refused([](auto& s) { s.row_time = microseconds(-5); }));
  EXPECT_TRUE(refused([](auto& s) { s.row_transfer = 2 * s.exposure; }));
  EXPECT_TRUE(refused([](auto& s) { s.response_nonuniformity = -0.1; }));
  EXPECT_TRUE(refused([](auto& s) { s.dark_current = -1; }));
  EXPECT_TRUE(refused([](auto& s) { s.clock_induced_charge = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& s) { s.full_well = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.output_full_well = INFINITY; }));
  EXPECT_TRUE(refused([](auto& s) { s.read_noise = -1; }));
  EXPECT_TRUE(refused([](auto& s) { s.electrons_per_adu = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.bias = -1; }));
  EXPECT_TRUE(refused([](auto& s) { s.bits = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.cosmic_ray_rate = -1; }));
  EXPECT_TRUE(refused([](auto& s) { s.bad_pixels = {{4, 0}}; }));
  EXPECT_TRUE(refused([](auto& s) { s.bad_pixels = {{0, 5}}; }));
  EXPECT_TRUE(refused([](auto& s) { s.bad_pixels = {{0, 0, BadPixel::Kind::hot, -1}}; }));
  EXPECT_TRUE(refused([](auto& s) { s.bad_pixels = {{0, 0, BadPixel::Kind::stuck, 1e5}}; }));
}

TEST(Detector, EveryPresetTakesAFrame) {
  for (const auto& settings :
       {cmos_detector(), emccd_detector(), eapd_detector(), ingaas_detector()}) {
    Detector detector(settings);
    Frame dark(detector.pixels()), lit(detector.pixels());
    detector.expose(std::vector<float>(detector.photon_elements(), 0.0F), 1, dark);
    detector.expose(std::vector<float>(detector.photon_elements(), 50.0F), 1, lit);
    double rise = 0;
    for (std::size_t i = 0; i < lit.size(); ++i) rise += lit[i] - dark[i];
    const double gain = settings.gain ? settings.gain->mean() : 1;
    const double expected = 50 * settings.quantum_efficiency * gain / settings.electrons_per_adu;
    EXPECT_NEAR(rise / static_cast<double>(lit.size()), expected, 0.02 * expected);
  }
}

}  // namespace
}  // namespace daohil::simulators
