#include "simulators/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include "simulators/detail/philox.hpp"

namespace daohil::simulators {
namespace {

using Four = std::array<std::uint32_t, 4>;

struct KnownAnswer {
  Four counter;
  detail::PhiloxKey key;
  Four answer;
};

// The known-answer vectors for philox4x32 with 10 rounds that its authors publish with their
// Random123 library (tests/kat_vectors).
constexpr KnownAnswer kKnownAnswers[] = {
    {{0, 0, 0, 0}, {{0, 0}}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {{0xffffffff, 0xffffffff}},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {{0xa4093822, 0x299f31d0}},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

TEST(Philox, PublishedValues) {
  for (const auto& [counter, key, answer] : kKnownAnswers)
    EXPECT_EQ(detail::philox(counter, key), answer);
}

template <std::size_t lanes>
struct SixteenCounters {
  using Words = typename detail::Lanes<lanes>::Words;

  DAO_HIL_INLINE static void run(detail::PhiloxKey key, std::uint32_t first, std::uint32_t stream,
                                 std::uint64_t frame, std::uint32_t* out) {
    for (std::size_t lane = 0; lane < 16; lane += lanes) {
      const auto at = first + static_cast<std::uint32_t>(lane);
      const auto block = detail::philox_run<Words>(key, at, stream, frame);
      for (std::size_t word = 0; word < 4; ++word)
        detail::store(block.word[word], out + 16 * word + lane);
    }
  }
};

TEST(Philox, SixteenLanesAreSixteenCounters) {
  for (const auto set : {InstructionSet::generic, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    for (const auto& [counter, key, answer] : kKnownAnswers) {
      std::array<std::uint32_t, 64> out{};
      detail::dispatch_lanes<SixteenCounters>(set, key, counter[0] - 5, counter[1],
                                              std::uint64_t{counter[3]} << 32 | counter[2],
                                              out.data());
      for (std::size_t word = 0; word < 4; ++word)
        EXPECT_EQ(out[16 * word + 5], answer[word]) << name(set);
    }
  }
}

TEST(Random, EveryPartOfTheNameChangesTheNumber) {
  const Random random(7, Stream::test, 3);
  const std::array<Four, 8> all = {
      random.words(11, 13),
      Random(8, Stream::test, 3).words(11, 13),
      Random(7 + (1ULL << 32), Stream::test, 3).words(11, 13),
      Random(7, Stream::detector, 3).words(11, 13),
      Random(7, Stream::test, 4).words(11, 13),
      random.words(12, 13),
      random.words(11 + (1ULL << 32), 13),
      random.words(11, 14),
  };
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(Random(7, Stream::test, 3).words(11, 13), all[0]);
}

TEST(Random, UniformNumbersFillTheIntervalEvenly) {
  const Random random(20261, Stream::test);
  constexpr std::uint32_t kDraws = 200'000;
  constexpr std::size_t kBins = 100;
  std::array<int, kBins> counts{};
  for (std::uint32_t i = 0; i < kDraws; ++i) {
    const double u = random.uniform(1, i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++counts[static_cast<std::size_t>(u * kBins)];
  }
  double chi2 = 0;
  constexpr double kExpected = double{kDraws} / kBins;
  for (const int count : counts) chi2 += std::pow(count - kExpected, 2) / kExpected;
  // Chi-square with 99 degrees of freedom: mean 99, sd 14.1; 5 sigma.
  EXPECT_NEAR(chi2, 99, 5 * 14.1);
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

TEST(Random, NormalNumbersAreNormal) {
  std::vector<float> z(1'000'003);
  Random(20262, Stream::test).normals(5, z);
  const auto n = static_cast<double>(z.size());
  double sum = 0, squares = 0, fourth = 0, neighbours = 0, pairs = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double x = z[i];
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    if (i >= 1) neighbours += x * double{z[i - 1]};
    if (i >= 16) pairs += x * x * double{z[i - 16]} * double{z[i - 16]};
  }
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(fourth / n, 3, 5 * std::sqrt(96 / n));
  EXPECT_NEAR(neighbours / n, 0, 5 / std::sqrt(n));
  // The two halves of a Box-Muller pair share a radius: their squares would show it.
  EXPECT_NEAR(pairs / n, 1, 5 * std::sqrt(8 / n));

  std::sort(z.begin(), z.end());
  double distance = 0;  // Kolmogorov-Smirnov
  for (std::size_t i = 0; i < z.size(); ++i)
    distance = std::max(distance, std::abs(normal_cdf(double{z[i]}) - static_cast<double>(i) / n));
  EXPECT_LT(distance, 1.95 / std::sqrt(n));  // 1.95: exceeded with probability 1e-3
  EXPECT_NEAR(z.back(), 4.9, 1.0);           // the largest of a million
}

TEST(Random, OneNormalIsThatOfTheSequence) {
  const Random random(3, Stream::test, 1);
  std::vector<float> z(200);
  random.normals(77, z);
  for (const std::uint32_t i : {0U, 1U, 15U, 16U, 63U, 64U, 130U, 199U})
    EXPECT_EQ(random.normal(77, i), z[i]) << i;
}

TEST(Random, TheSameBitsOnEveryInstructionSet) {
  const Random random(4, Stream::test);
  std::vector<float> generic(100'001);
  random.normals(1, generic, InstructionSet::generic);
  for (const auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    std::vector<float> wide(generic.size());
    random.normals(1, wide, set);
    EXPECT_EQ(std::memcmp(wide.data(), generic.data(), generic.size() * sizeof(float)), 0)
        << name(set);
  }
}

}  // namespace
}  // namespace daohil::simulators
