#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "simulators/instruction_set.hpp"
#include "simulators/random.hpp"

namespace daohil::simulators {

/// Avalanche gain before the read-out: an EMCCD's register or an avalanche photodiode. n electrons
/// become a gamma-distributed charge of mean n g and variance n g^2 (F2 - 1), none become none;
/// with the photon noise before it the variance is F2 g^2 times the mean number of electrons.
///
/// F2 = 2 is the gamma(n, g) of an EMCCD of many stages and high gain, exactly (Basden, Haniff &
/// Mackay 2003, MNRAS 345, 985, eq. 1 and 3). Other F2 have the same shape stretched to the right
/// mean and variance: gamma of shape n / (F2 - 1) and scale g (F2 - 1). Against the exact output of
/// a register of 604 stages for one electron its skewness is 0.5 % off at gain 600, 0.1 % at 100
/// and 5 % at 10, where the charge is a small whole number in truth.
class AvalancheGain {
 public:
  /// @param mean > 0 @param excess_noise F2, the square of the excess noise factor F, in (1, 2]
  /// @throws std::invalid_argument
  AvalancheGain(double mean, double excess_noise);

  /// An EMCCD register of `stages` multiplying stages and this total gain >= 1:
  /// F2 = 2 (g - 1) g^(-(S + 1) / S) + 1 / g (Robbins & Hadwen 2003, IEEE TED 50, 1227, eq. 12).
  /// @throws std::invalid_argument for a gain <= 1 or beyond 2^stages
  [[nodiscard]] static AvalancheGain emccd(double mean, int stages);

  [[nodiscard]] double mean() const noexcept { return mean_; }
  [[nodiscard]] double excess_noise() const noexcept { return excess_noise_; }

 private:
  double mean_;
  double excess_noise_;
};

/// How charge becomes numbers: value = round(min(charge, full_well) / electrons_per_adu + bias +
/// read noise), clipped to 0 .. maximum. Rounding to the nearest integer adds the 1/12 ADU^2 of
/// quantisation.
struct ReadOut {
  float electrons_per_adu = 1.0F;  ///< K > 0
  float bias = 0.0F;               ///< ADU
  float noise = 0.0F;              ///< standard deviation before rounding, ADU; 0: none is drawn
  float full_well = 1e9F;          ///< electrons, <= 1e9
  float maximum = 65535.0F;        ///< ADU, <= 65535
};

/// The random numbers of one row of one frame. Every pixel's are independent of all others'; they
/// depend on (seed, frame, row, column) and on the calls made before for the same row.
///
/// Rows are of any length. Not for two threads at once; different rows are independent.
class RowNoise {
 public:
  RowNoise(const Random& random, std::uint64_t frame, std::uint32_t row,
           InstructionSet set = widest_instruction_set()) noexcept;

  /// Each mean number becomes a Poisson number of that mean (exact to 2^-32 in probability, see
  /// detail/poisson_tables.hpp). Means below 0 and NaN count as 0; from 2^20 on as 2^20 - 1/16.
  void poisson(std::span<float> means) noexcept;

  /// Electrons, whole numbers, become the charge behind the gain: gamma numbers by the rejection of
  /// Marsaglia & Tsang 2000 (ACM TOMS 26, 363), exact for every number of electrons.
  /// @param full_well more electrons than this enter as this many
  void multiply(std::span<float> electrons, const AvalancheGain& gain,
                float full_well = 1e9F) noexcept;

  /// Charge in electrons becomes pixels; `values` as long as `charge`.
  void read(std::span<const float> charge, const ReadOut& how,
            std::span<std::uint16_t> values) noexcept;
  /// The same; maximum <= 255.
  void read(std::span<const float> charge, const ReadOut& how,
            std::span<std::uint8_t> values) noexcept;

 private:
  alignas(64) std::array<std::uint32_t, 64> state_;
  InstructionSet set_;
};

}  // namespace daohil::simulators
