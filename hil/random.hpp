#pragma once

#include <cstdint>
#include <string_view>

/// Chance that is the same on every machine: integer arithmetic modulo 2^64, and floating point by
/// additions, multiplications, divisions and square roots only, which IEEE 754 rounds one way
/// (libm's exp and log differ between versions). Every draw is a function of a key and an index, so
/// that none depends on how many were drawn before.
namespace daohil::hil {

/// A stream of draws of its own: of one seed and, say, one reader's pauses.
[[nodiscard]] std::uint64_t stream_of(std::uint64_t seed, std::string_view name);

/// Draw `index` of a stream, 64 random bits: two steps of SplitMix64 (Steele, Lea, Flood 2014).
[[nodiscard]] std::uint64_t draw(std::uint64_t stream, std::uint64_t index);

/// The upper 53 bits as a number in (0, 1), never at its ends.
[[nodiscard]] double uniform(std::uint64_t bits);

/// Standard normal variate from one uniform: the inverse distribution function by Wichura's
/// algorithm AS 241 (PPND16), relative error about 1e-16.
[[nodiscard]] double normal(double uniform);

/// exp(x) for |x| <= 700, to some 1e-15 of its value.
[[nodiscard]] double exponential(double x);
/// Natural logarithm of x > 0, to some 1e-15.
[[nodiscard]] double logarithm(double x);

}  // namespace daohil::hil
