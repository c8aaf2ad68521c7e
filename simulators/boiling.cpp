#include "simulators/boiling.hpp"

#include <cmath>
#include <span>
#include <stdexcept>
#include <string>

namespace daohil::simulators {

namespace {

constexpr double kCorrelationTimesOfABlock = 10;

std::span<float> floats(std::vector<std::complex<float>>& modes) {
  return {reinterpret_cast<float*>(modes.data()), 2 * modes.size()};
}

double checked(double correlation) {
  if (correlation > 0 && correlation < 1) return correlation;
  throw std::invalid_argument("boiling: the correlation of two steps is " +
                              std::to_string(correlation) +
                              "; between 0 and 1, for no boiling take a still screen");
}

}  // namespace

BoilingScreen::BoilingScreen(const ScreenGeometry& geometry, std::uint64_t seed, std::uint16_t part,
                             double correlation)
    : geometry_(geometry),
      anchors_(seed, Stream::phase_screen, part),
      innovations_(seed, Stream::boiling, part),
      correlation_(checked(correlation)),
      block_(static_cast<std::uint64_t>(
          std::ceil(kCorrelationTimesOfABlock / -std::log(correlation_)))),
      amplitudes_(mode_amplitudes(geometry)),
      modes_(amplitudes_.size()),
      end_(amplitudes_.size()),
      scratch_(amplitudes_.size()) {
  start_block(0);
}

void BoilingScreen::start_block(std::uint64_t number) {
  step_ = number * block_;
  anchors_.normals(number, floats(modes_));
  anchors_.normals(number + 1, floats(end_));
}

void BoilingScreen::advance() {
  const std::uint64_t left = block_ - step_ % block_;
  if (left == 1) return start_block(step_ / block_ + 1);
  // The next value given this one and the one `left` steps ahead: the regression of jointly normal
  // variables whose covariance is c^|distance|.
  const double c2 = correlation_ * correlation_;
  const auto n = static_cast<double>(left);
  const double rest = 1 - std::pow(c2, n - 1);
  const double all = 1 - std::pow(c2, n);
  const auto from_here = static_cast<float>(correlation_ * rest / all);
  const auto from_end = static_cast<float>(std::pow(correlation_, n - 1) * (1 - c2) / all);
  const auto noise = static_cast<float>(std::sqrt((1 - c2) * rest / all));
  innovations_.normals(step_, floats(scratch_));
  for (std::size_t i = 0; i < modes_.size(); ++i)
    modes_[i] = from_here * modes_[i] + from_end * end_[i] + noise * scratch_[i];
  ++step_;
}

PhaseScreen BoilingScreen::at(std::uint64_t step) {
  const bool ahead = step / block_ == step_ / block_ ? step >= step_ : step == step_ + 1;
  if (!ahead) start_block(step / block_);
  while (step_ < step) advance();
  for (std::size_t i = 0; i < modes_.size(); ++i) scratch_[i] = amplitudes_[i] * modes_[i];
  transform_modes(geometry_, scratch_.data());
  return {geometry_, scratch_.data(), PhaseScreen::Part::real};
}

}  // namespace daohil::simulators
