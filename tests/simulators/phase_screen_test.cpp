#include "simulators/phase_screen.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

namespace daohil::simulators {
namespace {

constexpr double kPitch = 0.1;

ScreenGeometry geometry(Travel travel = Travel::along_x) { return {96, kPitch, 3, 33, travel}; }

PhaseScreen screen(Travel travel = Travel::along_x, std::uint64_t number = 0) {
  return make_screens(geometry(travel), Random(5, Stream::test), number).first;
}

Wavefront cut(const PhaseScreen& from, double x, double y, std::size_t side = 33) {
  Wavefront out(side, kPitch);
  from.add_to(out, x, y, 1);
  return out;
}

double largest_difference(const Wavefront& a, const Wavefront& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.opd().size(); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(a.opd()[i] - b.opd()[i])));
  return largest;
}

bool same_bits(const Wavefront& a, const Wavefront& b) {
  return std::memcmp(a.opd().data(), b.opd().data(), a.opd().size_bytes()) == 0;
}

TEST(PhaseScreen, WholePixelsMoveTheSamples) {
  const PhaseScreen s = screen();
  const Wavefront here = cut(s, 10, 20), there = cut(s, 13, 18);
  for (std::size_t y = 2; y < 33; ++y)
    for (std::size_t x = 0; x < 30; ++x)
      ASSERT_NEAR(here.at(x + 3, y - 2), there.at(x, y), 1e-5) << x << ' ' << y;
}

TEST(PhaseScreen, IsSmoothBetweenPixels) {
  // A quintic spline has four continuous derivatives: the third difference over steps of 1/16 pixel
  // is of third order in the step, across knots too.
  const PhaseScreen s = screen();
  const double step = 1.0 / 16;
  double largest = 0, rms = 0;
  for (int k = 0; k < 64; ++k) {
    float v[4];
    for (int i = 0; i < 4; ++i) v[i] = cut(s, 5 + (k + i) * step, 7.3, 1).at(0, 0);
    const double third = static_cast<double>(v[3] - 3 * v[2] + 3 * v[1] - v[0]);
    largest = std::max(largest, std::abs(third));
    rms += static_cast<double>(v[0] * v[0]) / 64;
  }
  EXPECT_LT(largest, 0.02 * std::sqrt(rms));
}

TEST(PhaseScreen, PeriodIsSheared) {
  // phase(x + side, y + shear) = phase(x, y): coprime with side, found here by trying all.
  for (const Travel travel : {Travel::along_x, Travel::along_y}) {
    const PhaseScreen s = screen(travel);
    const Wavefront here = cut(s, 11.25, 4.5);
    std::size_t found = 0, shear = 0;
    for (std::size_t across = 0; across < 96; ++across) {
      const auto shift = static_cast<double>(across);
      const Wavefront passed = travel == Travel::along_x ? cut(s, 11.25 + 96, 4.5 + shift)
                                                         : cut(s, 11.25 + shift, 4.5 + 96);
      if (largest_difference(here, passed) > 1e-5) continue;
      ++found;
      shear = across;
    }
    EXPECT_EQ(found, 1U);
    EXPECT_EQ(std::gcd(shear, std::size_t{96}), 1U) << shear;
    EXPECT_GT(std::min(shear, 96 - shear), 96U / 4) << "a pass later the window is elsewhere";
    EXPECT_LT(largest_difference(here, travel == Travel::along_x ? cut(s, 11.25, 4.5 + 96)
                                                                 : cut(s, 11.25 + 96, 4.5)),
              1e-5);
  }
}

TEST(PhaseScreen, FarAndNegativePlacesAreTheSamePlane) {
  const PhaseScreen s = screen();
  // 96 passes come back to the same pixels.
  EXPECT_LT(largest_difference(cut(s, 1.5, 2.25), cut(s, 1.5 + 96 * 96, 2.25)), 1e-4);
  EXPECT_LT(largest_difference(cut(s, 1.5, 2.25), cut(s, 1.5 - 96.0 * 96 * 1e6, 2.25 - 96e7)),
            1e-4);
}

TEST(PhaseScreen, SameBitsOnEveryInstructionSetAndAnySideOfWavefront) {
  const PhaseScreen s = screen();
  for (const std::size_t side : {1U, 5U, 16U, 17U, 31U, 33U}) {
    Wavefront generic(side, kPitch);
    s.add_to(generic, 90.7, 80.2, 0.5F, InstructionSet::generic);
    for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
      if (set > widest_instruction_set()) continue;
      Wavefront wide(side, kPitch);
      s.add_to(wide, 90.7, 80.2, 0.5F, set);
      EXPECT_TRUE(same_bits(generic, wide)) << name(set) << ' ' << side;
    }
    EXPECT_EQ(generic.at(0, 0), cut(s, 90.7, 80.2).at(0, 0) / 2);
  }
}

TEST(PhaseScreen, IsAPureFunctionOfItsSeedAndNumber) {
  EXPECT_TRUE(same_bits(cut(screen(), 3, 4), cut(screen(), 3, 4)));
  EXPECT_FALSE(same_bits(cut(screen(), 3, 4), cut(screen(Travel::along_x, 1), 3, 4)));
}

TEST(PhaseScreen, RealAndImaginaryPartAreUncorrelated) {
  double product = 0, first = 0, second = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    const auto [a, b] = make_screens(geometry(), Random(6, Stream::test), number);
    const Wavefront x = cut(a, 0, 0, 1), y = cut(b, 0, 0, 1);
    product += static_cast<double>(x.at(0, 0) * y.at(0, 0));
    first += static_cast<double>(x.at(0, 0) * x.at(0, 0));
    second += static_cast<double>(y.at(0, 0) * y.at(0, 0));
  }
  // 4.5 standard errors of 200 pairs.
  EXPECT_LT(std::abs(product / std::sqrt(first * second)), 4.5 / std::sqrt(200));
}

struct Bad {
  ScreenGeometry geometry;
  const char* named;
};

TEST(PhaseScreen, RefusesWhatItCannotDo) {
  const double infinite = std::numeric_limits<double>::infinity();
  const Bad bad[] = {
      {{96, 0.1, infinite, 33}, "outer_scale is infinite"},
      {{96, 0.1, -1, 33}, "outer_scale"},
      {{96, 0.1, std::nan(""), 33}, "outer_scale"},
      {{96, 0.1, 5, 33}, "two outer scales"},
      {{96, 0.1, 0.05, 33}, "outer_scale"},
      {{96, 0, 3, 33}, "pitch"},
      {{2, 0.1, 0.1, 1}, "side"},
      {{9000, 0.1, 3, 33}, "side"},
      {{96, 0.1, 3, 49}, "window"},
      {{96, 0.1, 3, 0}, "window"},
  };
  for (const auto& [geometry, named] : bad) {
    try {
      geometry.check();
      ADD_FAILURE() << named;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(named), std::string::npos) << error.what();
    }
  }
  Wavefront out(33, kPitch), large(34, kPitch);
  const PhaseScreen s = screen();
  EXPECT_THROW(s.add_to(large, 0, 0, 1), std::invalid_argument);
  EXPECT_THROW(s.add_to(out, infinite, 0, 1), std::invalid_argument);
  EXPECT_THROW(s.add_to(out, 0, std::nan(""), 1), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
