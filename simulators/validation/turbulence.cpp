#include "simulators/validation/turbulence.hpp"

#include <array>
#include <cmath>
#include <complex>
#include <cstdio>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "simulators/kolmogorov.hpp"
#include "simulators/pupil.hpp"
#include "simulators/von_karman.hpp"
#include "simulators/zernike.hpp"

namespace daohil::simulators::validation {

namespace {

using std::numbers::pi;

constexpr double kWavelength = 500e-9;
constexpr double kR0 = 0.15;
constexpr double kPitch = 0.05;
constexpr double kWind = 20;
/// What the images of a screen two outer scales long and the tables of its spectrum add.
constexpr double kPeriodicScreen = 0.003;
/// What the spline loses and gains at a distance of some fractional pixels.
constexpr double kBetweenPixels = 0.01;
/// What a pupil of some 30 samples loses or gains at its edge.
constexpr double kSampledPupil = 0.015;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

const double kToRadians = radians_per_metre(kWavelength);

std::string text(double number) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.4g", number);
  return buffer.data();
}

enum class Axis { x, y };

/// Mean squared difference of samples `lag` apart [rad^2].
double squared_difference(const Wavefront& phase, std::size_t lag, Axis axis) {
  const std::size_t side = phase.side();
  const std::size_t columns = axis == Axis::x ? side - lag : side;
  const std::size_t rows = axis == Axis::y ? side - lag : side;
  const std::size_t step = axis == Axis::x ? lag : lag * side;
  double sum = 0;
  for (std::size_t y = 0; y < rows; ++y) {
    const float* const row = phase.opd().data() + y * side;
    float part = 0;
    for (std::size_t x = 0; x < columns; ++x) {
      const float difference = row[x + step] - row[x];
      part += difference * difference;
    }
    sum += static_cast<double>(part);
  }
  return sum / static_cast<double>(columns * rows) * kToRadians * kToRadians;
}

/// Mean squared difference of two wavefronts [rad^2].
double squared_difference(const Wavefront& a, const Wavefront& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.opd().size(); ++i) {
    const double difference = static_cast<double>(a.opd()[i]) - static_cast<double>(b.opd()[i]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(a.opd().size()) * kToRadians * kToRadians;
}

/// Times between which validation_sky moves on by about a window, by fractions of pixels. A window
/// is half a screen, so a few of them see all of it.
constexpr std::size_t kMoments = 4;
double moment(std::size_t k, const AtmosphereConfig& config) {
  return (static_cast<double>(k) * 1.0037 + 0.0219) * static_cast<double>(config.side) *
         config.pitch / kWind;
}

/// Distances in pixels at which a structure function is measured.
std::vector<std::size_t> lags_of(const AtmosphereConfig& config) {
  std::vector<std::size_t> lags;
  for (const double distance : {0.1, 0.15, 0.3, 1.0, 2.0, 4.0, 8.0}) {
    const double pixels = distance / config.pitch;
    const double whole = std::round(pixels);
    if (std::abs(pixels - whole) < 1e-6 && whole >= 2 && whole <= 20)
      lags.push_back(static_cast<std::size_t>(whole));
  }
  return lags;
}

}  // namespace

SkyMaker atmospheres(const AtmosphereConfig& config) {
  return [config](std::uint64_t number) -> Sky {
    AtmosphereConfig own = config;
    own.seed += number;
    auto atmosphere = std::make_shared<Atmosphere>(own);
    return [atmosphere](double time, Wavefront& out) { atmosphere->opd(time, out); };
  };
}

AtmosphereConfig validation_sky(double outer_scale, double pitch) {
  AtmosphereConfig config;
  config.r0 = kR0;
  config.r0_wavelength = kWavelength;
  config.pitch = pitch;
  for (config.screen_side = 64; static_cast<double>(config.screen_side) * pitch < 2 * outer_scale;)
    config.screen_side *= 2;
  config.side = config.screen_side / 2;
  Layer layer;
  layer.wind_speed = kWind;
  layer.wind_direction = pi / 6;
  layer.outer_scale = outer_scale;
  config.layers = {layer};
  return config;
}

Checks structure_function(const SkyMaker& sky, const AtmosphereConfig& claimed, Sampling sampling) {
  struct Series {
    std::size_t lag;
    Axis axis;
    double motion;  // [pixels]
    Mean mean;
  };
  constexpr std::array<double, 2> kMotions = {0, 10000};
  std::vector<Series> all;
  for (const double motion : kMotions)
    for (const Axis axis : {Axis::x, Axis::y})
      for (const std::size_t lag : lags_of(claimed)) all.push_back({lag, axis, motion, {}});

  Wavefront phase(claimed.side, claimed.pitch);
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Sky realisation = sky(sampling.seed + i);
    std::vector<double> sums(all.size());
    for (const double motion : kMotions)
      for (std::size_t k = 0; k < kMoments; ++k) {
        realisation(moment(k, claimed) + motion * claimed.pitch / kWind, phase);
        for (std::size_t s = 0; s < all.size(); ++s)
          if (all[s].motion == motion)
            sums[s] += squared_difference(phase, all[s].lag, all[s].axis);
      }
    for (std::size_t s = 0; s < all.size(); ++s) all[s].mean.add(sums[s] / kMoments);
  }

  const double outer_scale = claimed.layers.front().outer_scale;
  Checks checks;
  for (const Series& s : all) {
    const double distance = static_cast<double>(s.lag) * claimed.pitch;
    checks.push_back(
        check_of("D(" + text(distance) + " m) along " + (s.axis == Axis::x ? "x" : "y") +
                     ", L0 = " + text(outer_scale) + " m, after " + text(s.motion) + " pixels",
                 "Conan 2000", von_karman::structure_function(distance, kR0, outer_scale), s.mean,
                 kPeriodicScreen, "rad^2"));
  }
  return checks;
}

Checks frozen_flow(const SkyMaker& sky, const AtmosphereConfig& claimed, Sampling sampling) {
  constexpr std::array<double, 4> kPixels = {2.37, 7.61, 15.5, 30.25};
  std::array<Mean, kPixels.size()> means;
  Wavefront before(claimed.side, claimed.pitch), after(claimed.side, claimed.pitch);
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Sky realisation = sky(sampling.seed + i);
    std::array<double, kPixels.size()> sums{};
    for (std::size_t k = 0; k < kMoments; ++k) {
      realisation(moment(k, claimed), before);
      for (std::size_t p = 0; p < kPixels.size(); ++p) {
        realisation(moment(k, claimed) + kPixels[p] * claimed.pitch / kWind, after);
        sums[p] += squared_difference(before, after);
      }
    }
    for (std::size_t p = 0; p < kPixels.size(); ++p) means[p].add(sums[p] / kMoments);
  }
  Checks checks;
  for (std::size_t p = 0; p < kPixels.size(); ++p)
    checks.push_back(check_of("D(V tau) for " + text(kPixels[p]) + " pixels",
                              "frozen flow (Taylor 1938)",
                              von_karman::delay_variance(kWind, kPixels[p] * claimed.pitch / kWind,
                                                         kR0, claimed.layers.front().outer_scale),
                              means[p], kBetweenPixels, "rad^2"));
  return checks;
}

Checks fractional_positions(Sampling sampling) {
  struct Lag {
    std::size_t pixels;
    double deviation;  // documented in phase_screen.hpp
  };
  constexpr std::array<Lag, 3> kLags = {{{1, 0.102}, {2, 0.017}, {4, 0.009}}};
  constexpr std::array<std::array<double, 2>, 4> kPlaces = {
      {{0, 0}, {0.5, 0.5}, {0.5, 0}, {0, 0.5}}};
  constexpr double kOuterScale = 60;
  const ScreenGeometry geometry{128, 1, kOuterScale, 64, Travel::along_x};
  std::array<std::array<Mean, kLags.size()>, kPlaces.size()> means;
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const auto screens = make_screens(geometry, Random(sampling.seed, Stream::test), i);
    for (const PhaseScreen* screen : {&screens.first, &screens.second})
      for (std::size_t p = 0; p < kPlaces.size(); ++p) {
        Wavefront phase(64, 1);
        screen->add_to(phase, kPlaces[p][0], kPlaces[p][1], static_cast<float>(1 / kToRadians));
        for (std::size_t l = 0; l < kLags.size(); ++l)
          means[p][l].add(squared_difference(phase, kLags[l].pixels, Axis::x));
      }
  }
  Checks checks;
  for (std::size_t p = 0; p < kPlaces.size(); ++p)
    for (std::size_t l = 0; l < kLags.size(); ++l)
      checks.push_back(check_of(
          "D at " + std::to_string(kLags[l].pixels) + " pixels, fraction " + text(kPlaces[p][0]) +
              ", " + text(kPlaces[p][1]),
          "Conan 2000",
          von_karman::structure_function(static_cast<double>(kLags[l].pixels), 1, kOuterScale),
          means[p][l], kLags[l].deviation + kPeriodicScreen, "rad^2"));
  return checks;
}

Checks delay_error(Sampling sampling) {
  AtmosphereConfig config = validation_sky(10, 0.1);
  Layer& low = config.layers.front();
  low.fraction = 0.7;
  low.wind_speed = 8;
  Layer high = low;
  high.fraction = 0.3;
  high.wind_speed = 31;
  high.wind_direction = -2;
  config.layers.push_back(high);

  constexpr std::array<double, 3> kDelays = {0.02, 0.05, 0.2};
  std::array<Mean, kDelays.size()> means;
  Wavefront before(config.side, config.pitch), after(config.side, config.pitch);
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Sky realisation = atmospheres(config)(sampling.seed + i);
    for (std::size_t d = 0; d < kDelays.size(); ++d) {
      realisation(1.234, before);
      realisation(1.234 + kDelays[d], after);
      means[d].add(squared_difference(before, after));
    }
  }
  Checks checks;
  for (std::size_t d = 0; d < kDelays.size(); ++d) {
    double expected = 0;
    for (const Layer& layer : config.layers)
      expected += layer.fraction *
                  von_karman::delay_variance(layer.wind_speed, kDelays[d], kR0, layer.outer_scale);
    checks.push_back(check_of("delay of " + text(1e3 * kDelays[d]) + " ms, two layers",
                              "Fried 1990", expected, means[d], kBetweenPixels, "rad^2"));
  }
  return checks;
}

Checks boiling(Sampling sampling) {
  constexpr double kBoilingTime = 0.5;
  AtmosphereConfig config = validation_sky(1.6, kPitch);
  config.layers.front().wind_speed = 0;
  config.layers.front().boiling_time = kBoilingTime;
  const double renewal = kBoilingTime / 16;
  // The screen has no piston: its mode's share of the variance is missing.
  const double screen = static_cast<double>(config.screen_side) * config.pitch;
  const double variance =
      von_karman::variance(kR0, 1.6) - von_karman::spectrum(0, kR0, 1.6) / (screen * screen);

  constexpr std::array<int, 3> kRenewals = {2, 8, 16};
  std::array<Mean, kRenewals.size()> differences;
  Mean halfway;
  Wavefront before(config.side, config.pitch), after(config.side, config.pitch);
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Sky realisation = atmospheres(config)(sampling.seed + i);
    // Across the end of the first block of ten boiling times, too.
    const double start = (i % 8 == 0 ? 150 : static_cast<double>(i % 8)) * renewal;
    realisation(start, before);
    for (std::size_t r = 0; r < kRenewals.size(); ++r) {
      realisation(start + kRenewals[r] * renewal, after);
      differences[r].add(squared_difference(before, after));
    }
    realisation(start + 3.5 * renewal, after);
    before.clear();
    halfway.add(squared_difference(before, after));
  }
  Checks checks;
  for (std::size_t r = 0; r < kRenewals.size(); ++r)
    checks.push_back(check_of("boiling for " + text(kRenewals[r] / 16.0) + " boiling times",
                              "2 variance [1 - exp(-t / boiling time)]",
                              2 * variance * (1 - std::exp(-kRenewals[r] / 16.0)), differences[r],
                              kPeriodicScreen, "rad^2"));
  checks.push_back(check_of("variance between two renewals", "Noll 1976", variance, halfway,
                            kPeriodicScreen, "rad^2"));
  return checks;
}

namespace {

/// Squares of Zernike coefficients and what is left without them, averaged over places.
constexpr std::size_t kQuantities = 6;
using Quantities = std::array<double, kQuantities>;
constexpr std::array<const char*, kQuantities> kNames = {
    "tip", "tilt", "focus", "coma", "without piston", "without tip and tilt"};

Quantities quantities(const Wavefront& phase, const ZernikeFit& fit) {
  const Eigen::VectorXd a = fit.coefficients(phase);
  const Eigen::VectorXd left = fit.residual_rms(phase);
  return {a[1] * a[1],       a[2] * a[2],      a[3] * a[3], (a[6] * a[6] + a[7] * a[7]) / 2,
          left[1] * left[1], left[3] * left[3]};
}

Quantities expected_quantities(double diameter, double outer_scale) {
  const auto mode = [=](int n) {
    return von_karman::zernike_variance(n, diameter, 1, outer_scale);
  };
  return {mode(1),
          mode(1),
          mode(2),
          mode(3),
          von_karman::residual_variance(1, diameter, 1, outer_scale),
          von_karman::residual_variance(3, diameter, 1, outer_scale)};
}

/// The mean over pupils that tile the screen, half a pupil apart.
Quantities over_the_screen(const PhaseScreen& screen, const Pupil& pupil, const ZernikeFit& fit) {
  const std::size_t steps = screen.geometry().side / (pupil.side + pupil.side / 2);
  const double spacing = static_cast<double>(screen.geometry().side) / static_cast<double>(steps);
  Quantities sums{};
  for (std::size_t k = 0; k < steps * steps; ++k) {
    Wavefront phase(pupil.side, screen.geometry().pitch);
    screen.add_to(phase, (static_cast<double>(k % steps) + 0.37) * spacing,
                  (static_cast<double>(k / steps) + 0.11) * spacing, 1);
    const Quantities now = quantities(phase, fit);
    for (std::size_t q = 0; q < kQuantities; ++q) sums[q] += now[q];
  }
  for (double& sum : sums) sum /= static_cast<double>(steps * steps);
  return sums;
}

void add_zernike_checks(Checks& checks, double ratio, std::size_t samples, std::size_t side,
                        Sampling sampling) {
  const auto diameter = static_cast<double>(samples);
  const ScreenGeometry geometry{side, 1, ratio * diameter, samples, Travel::along_x};
  const Pupil pupil = round_pupil(samples, diameter);
  const ZernikeFit fit(pupil, diameter, 8);
  const double unit = std::pow(diameter, -5.0 / 3);  // of a screen with r0 = 1 sample
  std::array<Mean, kQuantities> means;
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const auto screens = make_screens(geometry, Random(sampling.seed, Stream::test), i);
    for (const PhaseScreen* screen : {&screens.first, &screens.second}) {
      const Quantities now = over_the_screen(*screen, pupil, fit);
      for (std::size_t q = 0; q < kQuantities; ++q) means[q].add(now[q] * unit);
    }
  }
  const Quantities expected = expected_quantities(diameter, ratio * diameter);
  for (std::size_t q = 0; q < kQuantities; ++q)
    checks.push_back(check_of(std::string(kNames[q]) + ", L0/D = " + text(ratio),
                              "Noll 1976, Winker 1991", expected[q] * unit, means[q], kSampledPupil,
                              "(D/r0)^(5/3) rad^2"));
}

}  // namespace

Checks zernike_variances(Sampling sampling) {
  Checks checks;
  add_zernike_checks(checks, 1, 32, 512, sampling);
  add_zernike_checks(checks, 3.125, 24, 512, sampling);
  add_zernike_checks(checks, 10, 24, 640, sampling);
  return checks;
}

Checks noll_residuals(Sampling sampling) {
  constexpr std::array<int, 7> kRemoved = {1, 3, 4, 6, 10, 15, 21};
  constexpr std::size_t kSamples = 40;
  const KolmogorovScreens screens(kSamples, 1, 1, kWavelength);
  const Pupil pupil = round_pupil(kSamples, kSamples);
  const ZernikeFit fit(pupil, kSamples, kRemoved.back());
  const double unit = kToRadians * kToRadians * std::pow(kSamples, -5.0 / 3);
  std::array<Mean, kRemoved.size()> means;
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Wavefront phase = screens.screen(Random(sampling.seed, Stream::test), i);
    const Eigen::VectorXd left = fit.residual_rms(phase);
    for (std::size_t r = 0; r < kRemoved.size(); ++r)
      means[r].add(unit * left[kRemoved[r]] * left[kRemoved[r]]);
  }
  Checks checks;
  for (std::size_t r = 0; r < kRemoved.size(); ++r)
    checks.push_back(check_of("residual without Z1 .. Z" + std::to_string(kRemoved[r]), "Noll 1976",
                              von_karman::residual_variance(kRemoved[r], 1, 1, kInfinite), means[r],
                              kSampledPupil, "(D/r0)^(5/3) rad^2"));
  return checks;
}

Checks kolmogorov_structure(Sampling sampling) {
  constexpr std::size_t kSamples = 32;
  constexpr std::array<std::size_t, 4> kLags = {1, 4, 12, 28};
  const KolmogorovScreens screens(kSamples, kPitch, kR0, kWavelength);
  std::array<Mean, 2 * kLags.size()> means;
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Wavefront phase = screens.screen(Random(sampling.seed, Stream::test), i);
    for (std::size_t l = 0; l < kLags.size(); ++l) {
      means[2 * l].add(squared_difference(phase, kLags[l], Axis::x));
      means[2 * l + 1].add(squared_difference(phase, kLags[l], Axis::y));
    }
  }
  Checks checks;
  for (std::size_t l = 0; l < kLags.size(); ++l) {
    const double distance = static_cast<double>(kLags[l]) * kPitch;
    const double expected = von_karman::structure_function(distance, kR0, kInfinite);
    for (std::size_t axis = 0; axis < 2; ++axis)
      checks.push_back(
          check_of("D(" + text(distance) + " m) along " + (axis == 0 ? "x" : "y") + ", Kolmogorov",
                   "Fried 1965", expected, means[2 * l + axis], kPeriodicScreen, "rad^2"));
  }
  return checks;
}

namespace {

/// |<exp(i phase)>|^2 over the pupil.
double strehl(const Wavefront& opd, const Pupil& pupil, double to_radians) {
  std::complex<double> sum = 0;
  double weight = 0;
  for (std::size_t i = 0; i < pupil.transmission.size(); ++i) {
    const auto amplitude = static_cast<double>(pupil.transmission[i]);
    sum += std::polar(amplitude, to_radians * static_cast<double>(opd.opd()[i]));
    weight += amplitude;
  }
  return std::norm(sum / weight);
}

}  // namespace

Checks marechal(Sampling sampling) {
  constexpr std::array<double, 3> kRms = {0.3, 0.5, 0.7};
  constexpr std::size_t kSamples = 40;
  const KolmogorovScreens screens(kSamples, 1, 1, kWavelength);
  const Pupil pupil = round_pupil(kSamples, kSamples);
  std::array<Mean, kRms.size()> means;
  for (std::size_t i = 0; i < sampling.realisations; ++i) {
    const Wavefront phase = screens.screen(Random(sampling.seed, Stream::test), i);
    const double rms = opd_rms(phase, pupil);
    for (std::size_t r = 0; r < kRms.size(); ++r) means[r].add(strehl(phase, pupil, kRms[r] / rms));
  }
  Checks checks;
  for (std::size_t r = 0; r < kRms.size(); ++r)
    checks.push_back(check_of("Strehl ratio at " + text(kRms[r]) + " rad rms", "Mahajan 1983",
                              std::exp(-kRms[r] * kRms[r]), means[r], 0.02, ""));
  return checks;
}

}  // namespace daohil::simulators::validation
