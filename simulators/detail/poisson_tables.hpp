#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace daohil::simulators::detail {

/// Alias tables (Walker 1977, ACM TOMS 3, 253; Vose 1991, IEEE TSE 17, 972) for the Poisson
/// distributions of a ladder of means. A Poisson number of any mean is a sum of one draw from each
/// rung, because Poisson(a + b) = Poisson(a) + Poisson(b): with n = floor(16 mean),
///
///   rung 0: n mod 256 sixteenths                        256 tables of   64 outcomes
///   rung r: digit r of n / 256 in base 16, times 16^r    16 tables of  64 * 4^r outcomes, r = 1..4
///
/// and what is left below 1/16 is drawn by inversion. Nothing is approximated but probabilities to
/// 2^-32: outcomes rarer than that, beyond 6 sigma, never happen.
///
/// One 32-bit random word draws from a table of 2^b outcomes: its upper b bits name a column, the
/// others, when below the upper 32 - b bits of the column's entry, keep it; else the outcome is the
/// entry's lower b bits.
inline constexpr std::size_t kPoissonRungs = 5;

[[nodiscard]] constexpr int outcome_bits(std::size_t rung) {
  return 6 + 2 * static_cast<int>(rung);
}

/// The first outcome of a rung's table: where it is not 0, the table is centred on its mean.
[[nodiscard]] constexpr std::int32_t first_outcome(std::size_t rung, std::int32_t mean) {
  const std::int32_t half = 1 << (outcome_bits(rung) - 1);
  return rung > 0 && mean > half ? mean - half : 0;
}

struct PoissonTables {
  /// Tables of a rung one after the other, by digit.
  std::array<std::vector<std::uint32_t>, kPoissonRungs> rung;
};

/// Made at the first call, in some milliseconds; 1.3 MB, of which faint light touches 64 kB.
/// Thread-safe.
[[nodiscard]] const PoissonTables& poisson_tables();

/// Means from here on are taken as the largest one below: 2^20 electrons in a pixel.
inline constexpr float kLargestMean = 1048576.0F;

}  // namespace daohil::simulators::detail
