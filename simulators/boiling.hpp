#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "simulators/phase_screen.hpp"

namespace daohil::simulators {

/// A phase screen that is renewed in steps: every Fourier mode is a first-order autoregressive
/// (Ornstein-Uhlenbeck) process with one correlation from step to step, so each step's screen has
/// von Karman statistics and the screens of steps m and n have the correlation c^|m - n|.
///
/// The screen of a step is a pure function of (seed, part, step), reachable without the steps
/// before: the modes at every step that is a multiple of block() are independent draws, and
/// in between the process is drawn with both ends given (an Ornstein-Uhlenbeck bridge). Ends are
/// ten correlation times apart, so taking them as independent is an error of exp(-10) = 5e-5.
///
/// Not safe from several threads: the last step is remembered, so that the next one is cheap.
/// Copies are independent and give the same screens.
class BoilingScreen {
 public:
  /// @param part which of the screens of this seed
  /// @param correlation c, in (0, 1) @throws std::invalid_argument
  BoilingScreen(const ScreenGeometry& geometry, std::uint64_t seed, std::uint16_t part,
                double correlation);

  /// The screen of a step. Costs one Fourier transform and, where the step does not follow the
  /// last one asked for, up to block() draws of all modes.
  [[nodiscard]] PhaseScreen at(std::uint64_t step);

  /// Steps from one independent draw to the next.
  [[nodiscard]] std::uint64_t block() const { return block_; }

 private:
  using Modes = std::vector<std::complex<float>>;

  void start_block(std::uint64_t number);
  void advance();

  ScreenGeometry geometry_;
  Random anchors_, innovations_;
  double correlation_;
  std::uint64_t block_;
  std::vector<float> amplitudes_;
  Modes modes_, end_, scratch_;  // of unit variance: at step_, at the end of its block
  std::uint64_t step_ = 0;
};

}  // namespace daohil::simulators
