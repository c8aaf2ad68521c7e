#include "simulators/photon_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>

#include "simulators/detail/gamma_kernel.hpp"
#include "simulators/detail/poisson_kernel.hpp"
#include "simulators/detail/read_kernel.hpp"

namespace daohil::simulators {
namespace {

using detail::kLanes;
using detail::kStretch;

detail::PoissonRungs poisson_rungs() {
  detail::PoissonRungs result{};
  for (std::size_t rung = 0; rung < detail::kPoissonRungs; ++rung)
    result.rung[rung] = detail::poisson_tables().rung[rung].data();
  return result;
}

/// Calls kernel(first, count) for stretches of a row of n pixels in turn, each but the last whole
/// lanes; the last few are called for by `remainder`.
template <class Kernel, class Remainder>
void by_stretches(std::size_t n, const Kernel& kernel, const Remainder& remainder) {
  const std::size_t whole = n / kLanes * kLanes;
  for (std::size_t first = 0; first < whole; first += kStretch)
    kernel(first, std::min(kStretch, whole - first));
  if (whole < n) remainder(whole, n - whole);
}

/// A kernel that works in place; the remainder by way of a copy filled up with zeros.
template <class Kernel>
void in_place(std::span<float> pixels, const Kernel& kernel) {
  by_stretches(
      pixels.size(),
      [&](std::size_t first, std::size_t count) { kernel(pixels.data() + first, count); },
      [&](std::size_t first, std::size_t count) {
        std::array<float, kLanes> copy{};
        std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(first), count, copy.begin());
        kernel(copy.data(), kLanes);
        std::copy_n(copy.begin(), count, pixels.begin() + static_cast<std::ptrdiff_t>(first));
      });
}

template <class Value>
void read_row(InstructionSet set, detail::RowState& state, std::span<const float> charge,
              const ReadOut& how, std::span<Value> values) {
  const auto kernel = [&](const float* from, Value* to, std::size_t count) {
    detail::dispatch_lanes<detail::Read<Value>::template Kernel>(set, &state, how, from, to, count);
  };
  by_stretches(
      charge.size(),
      [&](std::size_t first, std::size_t count) {
        kernel(charge.data() + first, values.data() + first, count);
      },
      [&](std::size_t first, std::size_t count) {
        std::array<float, kLanes> from{};
        std::array<Value, kLanes> to{};
        std::copy_n(charge.begin() + static_cast<std::ptrdiff_t>(first), count, from.begin());
        kernel(from.data(), to.data(), kLanes);
        std::copy_n(to.begin(), count, values.begin() + static_cast<std::ptrdiff_t>(first));
      });
}

}  // namespace

AvalancheGain::AvalancheGain(double mean, double excess_noise)
    : mean_(mean), excess_noise_(excess_noise) {
  if (!(mean > 0) || !std::isfinite(mean))
    throw std::invalid_argument("avalanche gain " + std::to_string(mean) +
                                ": must be positive; leave the gain out for none");
  if (!(excess_noise > 1 && excess_noise <= 2))
    throw std::invalid_argument(
        "avalanche gain: excess noise F^2 = " + std::to_string(excess_noise) +
        " must be above 1 and at most 2; leave the gain out for none");
}

AvalancheGain AvalancheGain::emccd(double mean, int stages) {
  if (stages < 1)
    throw std::invalid_argument("EMCCD of " + std::to_string(stages) + " stages: at least 1");
  if (!(mean > 1 && mean <= std::pow(2.0, stages)))
    throw std::invalid_argument("EMCCD gain " + std::to_string(mean) + ": " +
                                std::to_string(stages) +
                                " stages give more than 1 and at most 2^stages");
  const double s = stages;
  return {mean, 2 * (mean - 1) * std::pow(mean, -(s + 1) / s) + 1 / mean};
}

RowNoise::RowNoise(const Random& random, std::uint64_t frame, std::uint32_t row,
                   InstructionSet set) noexcept
    : set_(set) {
  const auto words = random.words(frame, row);
  detail::dispatch_lanes<detail::SeedRow>(set, &state_, words[0], words[1], words[2], words[3]);
}

void RowNoise::poisson(std::span<float> means) noexcept {
  static const detail::PoissonRungs kRungs = poisson_rungs();
  in_place(means, [this](float* pixels, std::size_t n) {
    detail::dispatch_lanes<detail::Poisson>(set_, &state_, kRungs, pixels, n);
  });
}

void RowNoise::multiply(std::span<float> electrons, const AvalancheGain& gain,
                        float full_well) noexcept {
  const double variance = gain.excess_noise() - 1;
  const detail::Gamma gamma = {static_cast<float>(1 / variance),
                               static_cast<float>(gain.mean() * variance), full_well};
  in_place(electrons, [this, gamma](float* pixels, std::size_t n) {
    detail::dispatch_lanes<detail::Multiply>(set_, &state_, gamma, pixels, n);
  });
}

void RowNoise::read(std::span<const float> charge, const ReadOut& how,
                    std::span<std::uint16_t> values) noexcept {
  read_row(set_, state_, charge, how, values);
}

void RowNoise::read(std::span<const float> charge, const ReadOut& how,
                    std::span<std::uint8_t> values) noexcept {
  read_row(set_, state_, charge, how, values);
}

}  // namespace daohil::simulators
