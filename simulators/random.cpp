#include "simulators/random.hpp"

#include <algorithm>
#include <cstring>

#include "simulators/detail/philox.hpp"

namespace daohil::simulators {
namespace {

using detail::kLanes;
using detail::PhiloxKey;

PhiloxKey key_of(std::uint64_t seed) noexcept {
  return {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
}

/// 64 normal numbers of 16 counters: words 0 and 1 make 32 of them, words 2 and 3 the others.
constexpr std::size_t kNormalsAtOnce = 4 * kLanes;

template <std::size_t lanes>
struct Normals {
  using Words = typename detail::Lanes<lanes>::Words;

  DAO_HIL_INLINE static void run(PhiloxKey key, std::uint32_t stream, std::uint64_t frame,
                                 std::uint32_t block, float* out, std::size_t count) {
    for (; count > 0; ++block) {
      float values[kNormalsAtOnce];
      for (std::size_t lane = 0; lane < kLanes; lane += lanes) {
        const auto first = static_cast<std::uint32_t>(block * kLanes + lane);
        const auto random = detail::philox_run<Words>(key, first, stream, frame);
        const auto a = detail::normal_pair(random.word[0], random.word[1]);
        const auto b = detail::normal_pair(random.word[2], random.word[3]);
        detail::store(a.first, values + lane);
        detail::store(a.second, values + lane + kLanes);
        detail::store(b.first, values + lane + 2 * kLanes);
        detail::store(b.second, values + lane + 3 * kLanes);
      }
      const std::size_t taken = std::min(count, kNormalsAtOnce);
      std::memcpy(out, values, taken * sizeof(float));
      out += taken;
      count -= taken;
    }
  }
};

}  // namespace

std::array<std::uint32_t, 4> Random::words(std::uint64_t frame,
                                           std::uint32_t index) const noexcept {
  return detail::philox(
      {index, stream_, static_cast<std::uint32_t>(frame), static_cast<std::uint32_t>(frame >> 32)},
      key_of(seed_));
}

double Random::uniform(std::uint64_t frame, std::uint32_t index) const noexcept {
  const auto random = words(frame, index);
  const std::uint64_t bits = std::uint64_t{random[0]} << 32 | random[1];
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

float Random::normal(std::uint64_t frame, std::uint32_t index) const noexcept {
  float values[kNormalsAtOnce];
  constexpr auto kBlock = static_cast<std::uint32_t>(kNormalsAtOnce);
  detail::dispatch_lanes<Normals>(widest_instruction_set(), key_of(seed_), stream_, frame,
                                  index / kBlock, static_cast<float*>(values), kNormalsAtOnce);
  return values[index % kBlock];
}

void Random::normals(std::uint64_t frame, std::span<float> out, InstructionSet set) const noexcept {
  detail::dispatch_lanes<Normals>(set, key_of(seed_), stream_, frame, std::uint32_t{0}, out.data(),
                                  out.size());
}

}  // namespace daohil::simulators
