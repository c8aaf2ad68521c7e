#include "simulators/validation/turbulence.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/physics/judge.hpp"

namespace daohil::simulators::validation {
namespace {

// D(r) to 5 %, 10 % where few independent pieces of phase fit a screen.

TEST(Turbulence, StructureFunctionHoldsBeforeAndAfterLongMotion) {
  for (const double outer_scale : {25.0, 10.0}) {
    const AtmosphereConfig fine = validation_sky(outer_scale, 0.05);
    expect_all_pass(structure_function(atmospheres(fine), fine, {26, 2501}), 0.10);
    const AtmosphereConfig coarse = validation_sky(outer_scale, 0.4);
    expect_all_pass(structure_function(atmospheres(coarse), coarse, {800, 2502}), 0.10);
  }
}

TEST(Turbulence, FrozenFlowMovesByFractionsOfPixels) {
  const AtmosphereConfig config = validation_sky(10, 0.1);
  expect_all_pass(frozen_flow(atmospheres(config), config, {120, 77}), 0.10);
}

TEST(Turbulence, InterpolationDeviatesAsDocumented) {
  expect_all_pass(fractional_positions({120, 87}), 0.13);
}

TEST(Turbulence, DelayErrorIsTheSumOverLayers) { expect_all_pass(delay_error({150, 78}), 0.10); }

TEST(Turbulence, BoilingHasItsCorrelationTimeAndKeepsTheVariance) {
  expect_all_pass(boiling({400, 79}), 0.10);
}

TEST(Turbulence, ZernikeVariancesWithOuterScale) {
  expect_all_pass(zernike_variances({32, 80}), 0.10);
}

TEST(Turbulence, NollResidualsWithoutOuterScale) {
  expect_all_pass(noll_residuals({3000, 81}), 0.10);
}

TEST(Turbulence, KolmogorovScreensHaveTheStructureFunction) {
  expect_all_pass(kolmogorov_structure({3000, 82}), 0.12);
}

TEST(Turbulence, StrehlRatioIsMarechals) { expect_all_pass(marechal({100, 83}), 0.04); }

// Faulty skies, each with a fault found in some public simulator.

TEST(TurbulenceControl, MotionByWholePixelsIsNoticed) {
  const AtmosphereConfig config = validation_sky(10, 0.1);
  const SkyMaker whole = [&](std::uint64_t number) -> Sky {
    const Sky sky = atmospheres(config)(number);
    const double pixel = config.pitch / config.layers.front().wind_speed;
    return [=](double time, Wavefront& out) { sky(std::floor(time / pixel) * pixel, out); };
  };
  expect_some_fail(frozen_flow(whole, config, {20, 77}));
}

TEST(TurbulenceControl, AnotherOuterScaleIsNoticed) {
  const AtmosphereConfig claimed = validation_sky(10, 0.4);
  AtmosphereConfig real = claimed;
  real.layers.front().outer_scale = 8;
  expect_some_fail(structure_function(atmospheres(real), claimed, {400, 84}));
}

TEST(TurbulenceControl, DriftingVarianceIsNoticedAfterMotionOnly) {
  const AtmosphereConfig config = validation_sky(10, 0.4);
  const SkyMaker drifting = [&](std::uint64_t number) -> Sky {
    const Sky sky = atmospheres(config)(number);
    return [=](double time, Wavefront& out) {
      sky(time, out);
      // 10 % of variance in 10 000 pixels, 200 s.
      for (float& opd : out.opd()) opd *= static_cast<float>(1 + 0.05 * time / 200);
    };
  };
  const Checks checks = structure_function(drifting, config, {400, 85});
  const std::size_t half = checks.size() / 2;
  for (std::size_t i = 0; i < half; ++i) EXPECT_TRUE(checks[i].passes()) << checks[i].name;
  expect_some_fail({checks.begin() + static_cast<std::ptrdiff_t>(half), checks.end()});
}

TEST(TurbulenceControl, AStretchedAxisIsNoticed) {
  const AtmosphereConfig config = validation_sky(10, 0.4);
  const SkyMaker stretched = [&](std::uint64_t number) -> Sky {
    const Sky sky = atmospheres(config)(number);
    return [=](double time, Wavefront& out) {
      Wavefront good(out.side(), out.pitch());
      sky(time, good);
      for (std::size_t y = 0; y < out.side(); ++y)
        for (std::size_t x = 0; x < out.side(); ++x) out.at(x, y) = good.at(x, y * 9 / 10);
    };
  };
  expect_some_fail(structure_function(stretched, config, {400, 86}));
}

}  // namespace
}  // namespace daohil::simulators::validation
