#include "simulators/photon_noise.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "simulators/detail/poisson_tables.hpp"

namespace daohil::simulators {
namespace {

/// What an alias table draws when every 32-bit word comes once: probabilities times 2^32.
std::vector<std::uint64_t> drawn(const std::uint32_t* table, int bits) {
  const std::uint64_t column = std::uint64_t{1} << (32 - bits);
  const std::uint32_t mask = (1U << bits) - 1;
  std::vector<std::uint64_t> weight(std::size_t{1} << bits);
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const std::uint64_t threshold = table[i] >> bits;
    weight[i] += threshold;
    weight[table[i] & mask] += column - threshold;
  }
  return weight;
}

TEST(PoissonTables, DrawEveryOutcomeWithItsProbability) {
  const auto& tables = detail::poisson_tables();
  for (std::size_t rung = 0; rung < detail::kPoissonRungs; ++rung) {
    const int bits = detail::outcome_bits(rung);
    const std::size_t digits = rung == 0 ? 256 : 16;
    for (std::size_t digit = 0; digit < digits; ++digit) {
      const double step = rung == 0 ? 1.0 / 16 : std::pow(16.0, static_cast<double>(rung));
      const double mean = static_cast<double>(digit) * step;
      const auto first = detail::first_outcome(rung, static_cast<std::int32_t>(mean));
      const auto weight = drawn(tables.rung[rung].data() + (digit << bits), bits);
      for (std::size_t i = 0; i < weight.size(); ++i) {
        const double k = first + static_cast<double>(i);
        const double p = mean > 0 ? std::exp(k * std::log(mean) - mean - std::lgamma(k + 1))
                         : k == 0 ? 1
                                  : 0;
        // 1 for rounding, 1e-9 of p for lgamma of a million.
        EXPECT_NEAR(static_cast<double>(weight[i]) * 0x1p-32, p, 0x1p-32 + 1e-8 * p)
            << "mean " << mean << " outcome " << k;
      }
    }
  }
}

std::vector<float> mixed_means(std::size_t n) {
  std::vector<float> means(n);
  for (std::size_t i = 0; i < n; ++i)  // from 0.001 to 5e5, neighbours on different rungs
    means[i] = std::exp(static_cast<float>(i * 7919 % n) / static_cast<float>(n) * 20.0F - 6.9F);
  return means;
}

struct Row {
  std::vector<float> electrons, charge;
  std::vector<std::uint16_t> wide;
  std::vector<std::uint8_t> narrow;
};

Row whole_row(std::size_t n, std::uint32_t number, InstructionSet set) {
  Row row{mixed_means(n), {}, std::vector<std::uint16_t>(n), std::vector<std::uint8_t>(n)};
  RowNoise noise(Random(11, Stream::test), 5, number, set);
  noise.poisson(row.electrons);
  row.charge = row.electrons;
  for (std::size_t i = 0; i < n; ++i) row.charge[i] = std::fmod(row.charge[i], 7.0F);
  noise.multiply(row.charge, AvalancheGain(50, 2));
  noise.read(row.charge, {1.5F, 100.0F, 3.0F}, row.wide);
  noise.read(row.charge, {10.0F, 100.0F, 3.0F, 1e9F, 255.0F}, row.narrow);
  return row;
}

template <class Value>
bool same_bytes(const std::vector<Value>& a, const std::vector<Value>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Value)) == 0;
}

TEST(RowNoise, TheSameBitsOnEveryInstructionSet) {
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    for (std::uint32_t number = 0; number < 200; ++number) {
      const Row a = whole_row(240, number, InstructionSet::generic);
      const Row b = whole_row(240, number, set);
      ASSERT_TRUE(same_bytes(a.electrons, b.electrons)) << name(set) << " row " << number;
      ASSERT_TRUE(same_bytes(a.charge, b.charge)) << name(set) << " row " << number;
      ASSERT_TRUE(same_bytes(a.wide, b.wide)) << name(set) << " row " << number;
      ASSERT_TRUE(same_bytes(a.narrow, b.narrow)) << name(set) << " row " << number;
    }
  }
}

// A pixel's noise does not depend on how bright its neighbours are, nor on how many there are.
TEST(RowNoise, APixelDependsOnItsOwnLaneOnly) {
  for (const std::size_t n : {1, 15, 31, 32, 33, 100}) {
    std::vector<float> lone(n, 0.0F), crowd(n, 3e4F);
    const std::size_t at = n / 2;
    lone[at] = crowd[at] = 40.0F;
    // Columns of another lane only: those of the same one are drawn from the same generator.
    for (std::size_t i = 0; i < n; ++i)
      if (i % 16 == at % 16 && i != at) crowd[i] = lone[i];
    RowNoise(Random(1, Stream::test), 1, 1).poisson(lone);
    RowNoise(Random(1, Stream::test), 1, 1).poisson(crowd);
    EXPECT_EQ(lone[at], crowd[at]) << n;
  }
}

TEST(RowNoise, AnyLengthIsTheBeginningOfALongerRow) {
  const auto light = [](std::size_t n) {
    std::vector<float> row(n, 8.0F);
    RowNoise(Random(2, Stream::test), 1, 1).poisson(row);
    return row;
  };
  const auto longest = light(96);
  for (const std::size_t n : {0, 1, 16, 31, 32, 33, 63, 64, 95}) {
    const auto row = light(n);
    EXPECT_TRUE(std::equal(row.begin(), row.end(), longest.begin())) << n;
  }
}

TEST(RowNoise, EverythingThatNamesARowCounts) {
  const auto draw = [](std::uint64_t seed, std::uint64_t frame, std::uint32_t row) {
    std::vector<float> values(64, 1000.0F);
    RowNoise(Random(seed, Stream::test), frame, row).poisson(values);
    return values;
  };
  const auto here = draw(1, 2, 3);
  EXPECT_EQ(draw(1, 2, 3), here);
  EXPECT_NE(draw(2, 2, 3), here);
  EXPECT_NE(draw(1, 3, 3), here);
  EXPECT_NE(draw(1, 2, 4), here);
  EXPECT_NE(draw(1, 3, 2), here);
}

}  // namespace
}  // namespace daohil::simulators
