#include "simulators/pupil.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace daohil::simulators {

Pupil round_pupil(std::size_t side, double diameter, double obstruction) {
  if (!(diameter > 0) || !std::isfinite(diameter))
    throw std::invalid_argument("pupil: diameter is " + std::to_string(diameter) +
                                " samples; a positive number");
  if (!(obstruction >= 0 && obstruction < 1))
    throw std::invalid_argument("pupil: obstruction is " + std::to_string(obstruction) +
                                "; 0 or more and less than 1");
  Pupil pupil{side, std::vector<float>(side * side)};
  const double centre = (static_cast<double>(side) - 1) / 2;
  const double outer = diameter / 2;
  const double inner = outer * obstruction;
  bool any = false;
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const double r = std::hypot(static_cast<double>(x) - centre, static_cast<double>(y) - centre);
      if (r > outer || r < inner) continue;
      pupil.transmission[y * side + x] = 1;
      any = true;
    }
  if (!any)
    throw std::invalid_argument("pupil: no sample of " + std::to_string(side) + " x " +
                                std::to_string(side) + " is inside a diameter of " +
                                std::to_string(diameter) + " samples; give a larger diameter");
  return pupil;
}

double opd_rms(const Wavefront& wavefront, const Pupil& pupil) {
  if (wavefront.side() != pupil.side)
    throw std::invalid_argument("opd_rms: the wavefront has a side of " +
                                std::to_string(wavefront.side()) + ", the pupil of " +
                                std::to_string(pupil.side) + " samples; give equal ones");
  double weight = 0, sum = 0;
  for (std::size_t i = 0; i < pupil.transmission.size(); ++i) {
    weight += static_cast<double>(pupil.transmission[i]);
    sum += static_cast<double>(pupil.transmission[i]) * static_cast<double>(wavefront.opd()[i]);
  }
  if (!(weight > 0)) throw std::invalid_argument("opd_rms: the pupil lets no light through");
  const double mean = sum / weight;
  double squares = 0;
  for (std::size_t i = 0; i < pupil.transmission.size(); ++i) {
    const double deviation = static_cast<double>(wavefront.opd()[i]) - mean;
    squares += static_cast<double>(pupil.transmission[i]) * deviation * deviation;
  }
  return std::sqrt(squares / weight);
}

}  // namespace daohil::simulators
