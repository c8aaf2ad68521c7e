#include "simulators/validation/spots.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <random>
#include <string>
#include <vector>

namespace daohil::simulators::validation {
namespace {

constexpr double kWavelength = 700e-9;
constexpr double kLenslet = 0.4;  // [m]
constexpr double kPhotons = 1e4;

/// One open lenslet.
ShackHartmannSetup lenslet(std::size_t samples, std::size_t pixels, double pixels_per_spot) {
  ShackHartmannSetup setup;
  setup.pupil = {samples, std::vector<float>(samples * samples, 1.0F)};
  setup.pitch = kLenslet / static_cast<double>(samples);
  setup.lenslets = 1;
  setup.wavelength = kWavelength;
  setup.pixel_scale = kWavelength / kLenslet / pixels_per_spot;
  setup.layout = SpotLayout::grid(1, pixels);
  setup.photons = kPhotons;
  return setup;
}

/// `waves` of tilt edge to edge along x, and half as much downwards along y.
std::vector<float> tilted_spot(const ShackHartmannSetup& setup, double waves) {
  Wavefront tilt(setup.pupil.side, setup.pitch);
  for (std::size_t y = 0; y < tilt.side(); ++y)
    for (std::size_t x = 0; x < tilt.side(); ++x)
      tilt.at(x, y) = static_cast<float>(waves * kWavelength / kLenslet *
                                         (tilt.position(x) - tilt.position(y) / 2));
  const ShackHartmann sensor(setup);
  auto workspace = sensor.make_workspace();
  std::vector<float> frame(sensor.pixels());
  const SubExposure whole{&tilt, 1};
  sensor.render({&whole, 1}, frame, workspace);
  return frame;
}

struct Centre {
  double x = 0;
  double y = 0;
};

/// From the middle of a square image [px].
template <class Value>
Centre centre_of_gravity(const std::vector<Value>& image, std::size_t side) {
  Centre sum;
  double total = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const auto light = static_cast<double>(image[i]);
    sum.x += light * (static_cast<double>(i % side) - static_cast<double>(side - 1) / 2);
    sum.y += light * (static_cast<double>(i / side) - static_cast<double>(side - 1) / 2);
    total += light;
  }
  return {sum.x / total, sum.y / total};
}

double sinc_squared(double f) {
  const double x = std::numbers::pi * f;
  return x == 0 ? 1 : std::pow(std::sin(x) / x, 2);
}

/// Centre of gravity of sinc^2(x / pixels_per_spot - waves), integrated over every pixel (Simpson).
double integrated_centre(double waves, std::size_t pixels, double pixels_per_spot) {
  constexpr int kSteps = 64;
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    const double middle = static_cast<double>(i) - static_cast<double>(pixels - 1) / 2;
    double light = 0;
    for (int k = 0; k <= kSteps; ++k) {
      const double weight = k == 0 || k == kSteps ? 1 : k % 2 == 1 ? 4 : 2;
      const double x = middle - 0.5 + static_cast<double>(k) / kSteps;
      light += weight * sinc_squared(x / pixels_per_spot - waves);
    }
    sum += light * middle;
    total += light;
  }
  return sum / total;
}

std::string text(const char* format, double waves, std::size_t pixels, const char* axis) {
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, waves, pixels, axis);
  return buffer.data();
}

constexpr double kTolerance = 1e-3;  // [px]

}  // namespace

Checks spot_position(PhaseSample sample) {
  Checks checks;
  struct Window {
    std::size_t pixels;
    double pixels_per_spot;
  };
  for (const auto& [pixels, pixels_per_spot] : {Window{6, 1}, Window{12, 2}, Window{24, 4}})
    for (const double waves : {0.1, 0.25, 0.5, 1.0, 1.5, 2.0}) {
      ShackHartmannSetup setup = lenslet(8, pixels, pixels_per_spot);
      setup.sample = sample;
      const Centre found = centre_of_gravity(tilted_spot(setup, waves), pixels);
      const auto add = [&](const char* axis, double along, double measured) {
        checks.push_back({text("spot at %g waves, %zu pixels, %s", waves, pixels, axis),
                          "integrated sinc^2", integrated_centre(along, pixels, pixels_per_spot),
                          measured, kTolerance, "px", 1});
      };
      add("x", waves, found.x);
      add("y", -waves / 2, found.y);
    }
  return checks;
}

Checks known_centres() {
  Checks checks;
  const auto add = [&](std::size_t samples, std::size_t pixels, double pixels_per_spot,
                       double waves, double expected) {
    ShackHartmannSetup setup = lenslet(samples, pixels, pixels_per_spot);
    setup.sample = PhaseSample::point;
    setup.oversampling = 1;
    checks.push_back({text("points: spot at %g waves, %zu pixels, %s", waves, pixels, "x"),
                      "direct discrete transform", expected,
                      centre_of_gravity(tilted_spot(setup, waves), pixels).x, kTolerance, "px", 1});
  };
  add(8, 12, 2, 0.25, 0.5000);
  add(8, 12, 2, 1, 1.883);
  add(12, 24, 4, 1, 3.823);
  return checks;
}

Checks centroid_noise(Sampling sampling) {
  constexpr std::size_t kSide = 12;
  constexpr double kElectrons = 1000;
  const auto spot = tilted_spot(lenslet(8, kSide, 2), 0);
  double inside = 0, second = 0;
  for (std::size_t i = 0; i < spot.size(); ++i) {
    const double x = static_cast<double>(i % kSide) - static_cast<double>(kSide - 1) / 2;
    inside += static_cast<double>(spot[i]);
    second += static_cast<double>(spot[i]) * x * x;
  }
  const double of_photons = second / inside / kElectrons;
  const auto n2 = static_cast<double>(kSide * kSide);
  const double of_a_variance = n2 * (n2 - 1) / 12 / (kElectrons * kElectrons);

  struct Noise {
    const char* name;
    bool photons;
    double read_noise;
    double background;
  };
  Checks checks;
  std::mt19937_64 generator(sampling.seed);
  std::normal_distribution<double> normal;
  for (const Noise& noise : {Noise{"photon noise", true, 0, 0}, Noise{"read noise", false, 1.5, 0},
                             Noise{"photon noise and background", true, 0, 4},
                             Noise{"photon and read noise and background", true, 1, 2}}) {
    Mean square;
    std::vector<double> frame(spot.size());
    for (std::size_t k = 0; k < sampling.realisations; ++k) {
      for (std::size_t i = 0; i < spot.size(); ++i) {
        const double electrons =
            static_cast<double>(spot[i]) / inside * kElectrons + noise.background;
        std::poisson_distribution<int> poisson(electrons);
        frame[i] = (noise.photons ? poisson(generator) : electrons) - noise.background +
                   noise.read_noise * normal(generator);
      }
      const Centre centre = centre_of_gravity(frame, kSide);
      square.add((centre.x * centre.x + centre.y * centre.y) / 2);
    }
    const double expected =
        (noise.photons ? of_photons : 0) +
        (noise.read_noise * noise.read_noise + noise.background) * of_a_variance;
    // Divided by the measured light, whose variance is up to 2 % of its square's thousandth.
    checks.push_back(check_of(std::string("centroid variance, ") + noise.name,
                              "Thomas et al. 2006, Rousset 1999", expected, square, 0.005, "px^2"));
  }
  return checks;
}

}  // namespace daohil::simulators::validation
