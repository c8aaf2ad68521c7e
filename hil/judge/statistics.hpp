#pragma once

#include <cstdint>

namespace daohil::hil::judge {

/// One-sided upper bound of a probability after k events in n trials (Clopper and Pearson 1934):
/// the p at which k or fewer events have the probability 1 - confidence. 0 of n: 3/n for large n.
/// To some 1e-6 of its value for n up to 10^9, 1e-10 for n up to 10^5; time O(sqrt k).
/// @pre k <= n, n >= 1, 0.5 <= confidence < 1
[[nodiscard]] double clopper_pearson_upper(std::uint64_t k, std::uint64_t n,
                                           double confidence = 0.95);

/// The smallest n for which the largest of n samples bounds the quantile q from above:
/// q^n <= 1 - confidence, n >= ln(1 - confidence) / ln q.
/// @pre 0 < q < 1, 0 < confidence < 1
[[nodiscard]] std::uint64_t samples_for_quantile(double q, double confidence = 0.95);

}  // namespace daohil::hil::judge
