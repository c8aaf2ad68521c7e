#include "hil/plan/seed.hpp"

namespace daohil::hil::plan {
namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x00000100000001b3;
  }
  return hash;
}

std::uint64_t split_mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t case_seed(std::uint64_t seed, std::string_view case_id) {
  return split_mix(split_mix(seed) ^ fnv1a(case_id));
}

}  // namespace daohil::hil::plan
