#include "simulators/detail/lane_fft.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <random>
#include <vector>

namespace daohil::simulators {
namespace {

constexpr unsigned kSeed = 20240611;

template <std::size_t lanes>
struct Transform {
  DAO_HIL_INLINE static void run(const detail::FftPlan* plan, float* memory, bool inverse,
                                 detail::LaneArray* result) {
    using Vector = typename detail::Lanes<lanes>::Floats;
    const std::size_t n = plan->size * lanes;
    const detail::LaneArray data{memory, memory + n};
    const detail::LaneArray other{memory + 2 * n, memory + 3 * n};
    if (!inverse) {
      *result = detail::run_fft<Vector>(*plan, data, other);
      return;
    }
    const auto done = detail::run_fft<Vector>(*plan, {data.im, data.re}, {other.im, other.re});
    *result = {done.im, done.re};
  }
};

std::size_t width(InstructionSet set) {
  return set == InstructionSet::avx512 ? 16 : set == InstructionSet::avx2 ? 8 : 4;
}

using Line = std::vector<std::complex<float>>;

/// One line in every lane, each of them later by one element.
std::vector<Line> transform(const Line& line, InstructionSet set, bool inverse) {
  const detail::FftPlan plan = detail::plan_fft(line.size());
  const std::size_t lanes = width(set);
  std::vector<float> memory(4 * line.size() * lanes);
  for (std::size_t i = 0; i < line.size(); ++i)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      memory[i * lanes + lane] = line[(i + lane) % line.size()].real();
      memory[(line.size() + i) * lanes + lane] = line[(i + lane) % line.size()].imag();
    }
  detail::LaneArray done{};
  detail::dispatch_lanes<Transform>(set, &plan, memory.data(), inverse, &done);
  std::vector<Line> all(lanes, Line(line.size()));
  for (std::size_t i = 0; i < line.size(); ++i)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      all[lane][i] = {done.re[i * lanes + lane], done.im[i * lanes + lane]};
  return all;
}

Line noise(std::size_t n) {
  std::mt19937 generator(kSeed);
  std::normal_distribution<float> normal;
  Line line(n);
  for (auto& value : line) value = {normal(generator), normal(generator)};
  return line;
}

double largest_error(const Line& got, const Line& line, std::size_t lane, double sign) {
  const std::size_t n = line.size();
  double worst = 0;
  for (std::size_t k = 0; k < n; ++k) {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < n; ++i)
      sum += std::complex<double>(line[(i + lane) % n]) *
             std::polar(1.0, sign * 2 * std::numbers::pi * static_cast<double>(i * k % n) /
                                 static_cast<double>(n));
    worst = std::max(worst, std::abs(sum - std::complex<double>(got[k])));
  }
  return worst;
}

class LaneFft : public testing::TestWithParam<std::size_t> {};

TEST_P(LaneFft, IsTheTransformOfEveryLane) {
  const Line line = noise(GetParam());
  // Every pass rounds a product and two sums, and a twiddle is right to half a unit; numbers are
  // of the size sqrt(2 n), 5 times that being the largest.
  const double passes = 1 + static_cast<double>(detail::plan_fft(line.size()).passes.size());
  const double bound = 5 * std::sqrt(2.0 * static_cast<double>(line.size())) * passes * 4 * 6e-8;
  for (const bool inverse : {false, true}) {
    const auto all = transform(line, InstructionSet::generic, inverse);
    for (std::size_t lane = 0; lane < all.size(); ++lane)
      EXPECT_LT(largest_error(all[lane], line, lane, inverse ? 1 : -1), bound) << "lane " << lane;
  }
}

TEST_P(LaneFft, EveryInstructionSetComputesTheSameBits) {
  const Line line = noise(GetParam());
  const auto generic = transform(line, InstructionSet::generic, false);
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    const auto wide = transform(line, set, false);
    for (std::size_t lane = 0; lane < generic.size(); ++lane)
      EXPECT_EQ(std::memcmp(wide[lane].data(), generic[lane].data(),
                            line.size() * sizeof(std::complex<float>)),
                0)
          << name(set) << " lane " << lane;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LaneFft,
                         testing::Values(1, 2, 3, 4, 5, 6, 8, 12, 25, 27, 30, 60, 120, 128, 240,
                                         360));

TEST(LaneFftPlan, ExistsForProductsOf2And3And5Only) {
  for (const std::size_t size : {0U, 7U, 11U, 14U, 121U})
    EXPECT_EQ(detail::plan_fft(size).size, 0U) << size;
  EXPECT_EQ(detail::plan_fft(480).size, 480U);
}

}  // namespace
}  // namespace daohil::simulators
