#include "simulators/pupil.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace daohil::simulators {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("pupil: " + what); }

double from_axis(std::size_t i, std::size_t side) {
  return static_cast<double>(i) - (static_cast<double>(side) - 1) / 2;
}

bool behind(const Vane& vane, double x, double y) {
  const double along = x * std::cos(vane.angle) + y * std::sin(vane.angle);
  const double across = y * std::cos(vane.angle) - x * std::sin(vane.angle);
  return along >= 0 && std::abs(across) < vane.width / 2;
}

double illumination(const Pupil& pupil, std::size_t x0, std::size_t y0, std::size_t samples) {
  double sum = 0;
  for (std::size_t y = y0; y < y0 + samples; ++y)
    for (std::size_t x = x0; x < x0 + samples; ++x) sum += static_cast<double>(pupil.at(x, y));
  return sum / static_cast<double>(samples * samples);
}

}  // namespace

Pupil round_pupil(std::size_t side, double diameter, double obstruction) {
  if (!(diameter > 0) || !std::isfinite(diameter))
    refuse("diameter is " + std::to_string(diameter) + " samples; a positive number");
  if (!(obstruction >= 0 && obstruction < 1))
    refuse("obstruction is " + std::to_string(obstruction) + "; 0 or more and less than 1");
  Pupil pupil{side, std::vector<float>(side * side)};
  const double outer = diameter / 2;
  const double inner = outer * obstruction;
  bool any = false;
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const double r = std::hypot(from_axis(x, side), from_axis(y, side));
      if (r > outer || r < inner) continue;
      pupil.transmission[y * side + x] = 1;
      any = true;
    }
  if (!any)
    refuse("no sample of " + std::to_string(side) + " x " + std::to_string(side) +
           " is inside a diameter of " + std::to_string(diameter) +
           " samples; give a larger diameter");
  return pupil;
}

void add_vanes(Pupil& pupil, std::span<const Vane> vanes) {
  for (const Vane& vane : vanes) {
    if (!(vane.width >= 0) || !std::isfinite(vane.width) || !std::isfinite(vane.angle))
      refuse("a vane of width " + std::to_string(vane.width) + " samples at " +
             std::to_string(vane.angle) + " rad; a width >= 0 and a finite angle");
    for (std::size_t y = 0; y < pupil.side; ++y)
      for (std::size_t x = 0; x < pupil.side; ++x)
        if (behind(vane, from_axis(x, pupil.side), from_axis(y, pupil.side)))
          pupil.transmission[y * pupil.side + x] = 0;
  }
}

double lit_area(const Pupil& pupil) {
  if (pupil.transmission.size() != pupil.side * pupil.side)
    refuse("a mask of " + std::to_string(pupil.transmission.size()) + " values for a side of " +
           std::to_string(pupil.side) + " samples; side * side of them");
  double sum = 0;
  for (const float value : pupil.transmission) {
    if (!(value >= 0 && value <= 1))
      refuse("a transmission of " + std::to_string(value) + "; from 0 to 1");
    sum += static_cast<double>(value);
  }
  if (!(sum > 0)) refuse("no sample lets light through");
  return sum;
}

double opd_rms(const Wavefront& wavefront, const Pupil& pupil) {
  if (wavefront.side() != pupil.side)
    throw std::invalid_argument("opd_rms: the wavefront has a side of " +
                                std::to_string(wavefront.side()) + ", the pupil of " +
                                std::to_string(pupil.side) + " samples; give equal ones");
  const auto opd = wavefront.opd();
  double weight = 0, sum = 0;
  for (std::size_t i = 0; i < opd.size(); ++i) {
    if (!(pupil.transmission[i] > 0)) continue;
    weight += static_cast<double>(pupil.transmission[i]);
    sum += static_cast<double>(pupil.transmission[i]) * static_cast<double>(opd[i]);
  }
  if (!(weight > 0)) throw std::invalid_argument("opd_rms: the pupil lets no light through");
  const double mean = sum / weight;
  double squares = 0;
  for (std::size_t i = 0; i < opd.size(); ++i) {
    if (!(pupil.transmission[i] > 0)) continue;
    const double deviation = static_cast<double>(opd[i]) - mean;
    squares += static_cast<double>(pupil.transmission[i]) * deviation * deviation;
  }
  return std::sqrt(squares / weight);
}

std::vector<Subaperture> subapertures(const Pupil& pupil, std::size_t lenslets,
                                      double least_illumination) {
  static_cast<void>(lit_area(pupil));
  if (lenslets == 0 || pupil.side % lenslets != 0)
    refuse(std::to_string(lenslets) + " lenslets over " + std::to_string(pupil.side) +
           " samples; a divisor of the number of samples");
  if (!(least_illumination >= 0 && least_illumination <= 1))
    refuse("least illumination is " + std::to_string(least_illumination) + "; from 0 to 1");
  const std::size_t samples = pupil.side / lenslets;
  std::vector<Subaperture> lit;
  for (std::size_t y = 0; y < lenslets; ++y)
    for (std::size_t x = 0; x < lenslets; ++x) {
      const double part = illumination(pupil, x * samples, y * samples, samples);
      if (part > 0 && part >= least_illumination) lit.push_back({x, y, part});
    }
  if (lit.empty())
    refuse("no subaperture is lit to " + std::to_string(least_illumination) +
           "; a smaller least illumination");
  return lit;
}

}  // namespace daohil::simulators
