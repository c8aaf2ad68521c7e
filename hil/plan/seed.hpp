#pragma once

#include <cstdint>
#include <string_view>

namespace daohil::hil::plan {

/// The seed of one case: mix(mix(seed) ^ fnv(id)), where fnv is 64-bit FNV-1a over the bytes of
/// the case id (Fowler, Noll, Vo) and mix is one step of SplitMix64 (Steele, Lea, Flood 2014).
///
/// Integer arithmetic modulo 2^64 only, so that a case has the same seed on every machine, and
/// derived from the id, so that adding or leaving out other cases does not change it.
[[nodiscard]] std::uint64_t case_seed(std::uint64_t seed, std::string_view case_id);

}  // namespace daohil::hil::plan
