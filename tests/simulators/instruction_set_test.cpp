#include "simulators/instruction_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstring>

#include "simulators/detail/dispatch.hpp"

namespace daohil::simulators {
namespace {

using Lanes = float __attribute__((vector_size(64)));

struct Cubic {
  DAO_HIL_INLINE static void run(const float* in, float* out, std::size_t n) {
    for (std::size_t i = 0; i < n; i += 16) {
      Lanes x;
      std::memcpy(&x, in + i, sizeof x);
      const Lanes y = (x * x + 0.1F) * x - 3.7F;
      std::memcpy(out + i, &y, sizeof y);
    }
  }
};

TEST(InstructionSet, EverySetOfThisProcessorComputesTheSameBits) {
  std::array<float, 1024> in{};
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = 0.001F * static_cast<float>(i * i) - 17.3F;
  std::array<float, 1024> generic{};
  detail::dispatch<Cubic>(InstructionSet::generic, in.data(), generic.data(), in.size());
  EXPECT_FLOAT_EQ(generic[0], (17.3F * 17.3F + 0.1F) * -17.3F - 3.7F);
  for (auto set : {InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    std::array<float, 1024> wide{};
    detail::dispatch<Cubic>(set, in.data(), wide.data(), in.size());
    EXPECT_EQ(std::memcmp(wide.data(), generic.data(), sizeof generic), 0) << name(set);
  }
}

TEST(InstructionSet, HasAName) {
  EXPECT_EQ(name(InstructionSet::generic), "generic");
  EXPECT_EQ(name(InstructionSet::avx2), "avx2");
  EXPECT_EQ(name(InstructionSet::avx512), "avx512");
}

}  // namespace
}  // namespace daohil::simulators
