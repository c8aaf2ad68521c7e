#include "simulators/detail/poisson_tables.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace daohil::simulators::detail {
namespace {

constexpr std::uint64_t kWhole = std::uint64_t{1} << 32;

/// Probabilities of outcomes first, first + 1, ... in units of 2^-32: differences of the rounded
/// distribution function, so that their sum is one and no rounding adds up. By recursion from the
/// most probable outcome: four operations that every processor rounds alike, where exp and lgamma
/// are the C library's.
std::vector<std::uint64_t> weights(double mean, std::int32_t first, std::size_t count) {
  const auto outcome = [first](std::size_t i) { return first + static_cast<double>(i); };
  std::vector<double> p(count, 0.0);
  const auto mode = static_cast<std::size_t>(std::floor(mean) - first);
  p[mode] = 1.0;
  for (std::size_t i = mode + 1; i < count; ++i) p[i] = p[i - 1] * mean / outcome(i);
  for (std::size_t i = mode; i > 0; --i) p[i - 1] = p[i] * outcome(i) / mean;
  double sum = 0;
  for (const double value : p) sum += value;

  std::vector<std::uint64_t> result(count);
  std::uint64_t given = 0;
  double below = 0;
  for (std::size_t i = 0; i < count; ++i) {
    below += p[i];
    const auto upto =
        static_cast<std::uint64_t>(std::floor(below / sum * static_cast<double>(kWhole) + 0.5));
    result[i] = upto - given;
    given = upto;
  }
  return result;
}

/// Vose's construction in integers, so that the table draws exactly these probabilities.
void fill_alias_table(std::vector<std::uint64_t> weight, int bits, std::span<std::uint32_t> table) {
  const std::uint64_t column = kWhole >> bits;
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < weight.size(); ++i)
    (weight[i] < column ? small : large).push_back(i);
  while (!small.empty()) {
    const std::uint32_t poor = small.back();
    const std::uint32_t rich = large.back();
    small.pop_back();
    table[poor] = static_cast<std::uint32_t>(weight[poor] << bits) | rich;
    weight[rich] -= column - weight[poor];
    if (weight[rich] < column) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  for (const std::uint32_t i : large) table[i] = i;  // a full column: its own alias
}

std::vector<std::uint32_t> make_rung(std::size_t rung) {
  const int bits = outcome_bits(rung);
  const std::size_t outcomes = std::size_t{1} << bits;
  const std::size_t digits = rung == 0 ? 256 : 16;
  const double step = rung == 0 ? 1.0 / 16 : static_cast<double>(1 << (4 * rung));
  std::vector<std::uint32_t> tables(digits * outcomes);
  for (std::size_t digit = 0; digit < digits; ++digit) {
    const double mean = static_cast<double>(digit) * step;
    const std::int32_t first = first_outcome(rung, static_cast<std::int32_t>(mean));
    fill_alias_table(weights(mean, first, outcomes), bits,
                     std::span(tables).subspan(digit * outcomes, outcomes));
  }
  return tables;
}

}  // namespace

const PoissonTables& poisson_tables() {
  static const PoissonTables tables = [] {
    PoissonTables made;
    for (std::size_t rung = 0; rung < kPoissonRungs; ++rung) made.rung[rung] = make_rung(rung);
    return made;
  }();
  return tables;
}

}  // namespace daohil::simulators::detail
