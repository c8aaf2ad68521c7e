#include "simulators/validation/facets.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <random>
#include <string>
#include <vector>

namespace daohil::simulators::validation {
namespace {

using std::numbers::pi;

constexpr double kDiameter = 8;
constexpr std::size_t kSamples = 64;
constexpr std::size_t kTransform = 256;
constexpr double kPhotons = 1e5;
constexpr unsigned kSeed = 43;

std::vector<float> image(const Pyramid& pyramid, const Wavefront& wavefront) {
  auto workspace = pyramid.make_workspace();
  std::vector<float> frame(pyramid.pixels());
  const SubExposure whole{&wavefront, 1};
  pyramid.render({&whole, 1}, frame, workspace);
  return frame;
}

/// A tilt in units of wavelength / D: as many waves over the diameter.
Wavefront tilt(const PyramidSetup& setup, double x, double y) {
  Wavefront made(setup.pupil.side, setup.pitch);
  for (std::size_t row = 0; row < made.side(); ++row)
    for (std::size_t column = 0; column < made.side(); ++column)
      made.at(column, row) = static_cast<float>(
          setup.wavelength / setup.diameter * (x * made.position(column) + y * made.position(row)));
  return made;
}

struct Signal {
  double x = 0;
  double y = 0;
};

Signal signal(const std::vector<float>& frame) {
  Signal difference;
  double total = 0;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    const auto light = static_cast<double>(frame[i]);
    difference.x += i % kTransform < kTransform / 2 ? -light : light;
    difference.y += i / kTransform < kTransform / 2 ? -light : light;
    total += light;
  }
  return {difference.x / total, difference.y / total};
}

/// For a tilt above 0 and a modulation [wavelength / D].
double expected_signal(double tilt, double radius) {
  if (tilt < radius) return 2 / pi * std::asin(tilt / radius);
  return 1 - 4 / (pi * pi * pi * std::sqrt(tilt * tilt - radius * radius));
}

/// What the rim of the focal plane folds over of a tilted pupil's light.
double folded_over(double tilt) {
  constexpr double kRim = static_cast<double>(kSamples) / 2;
  return 4 / (pi * pi * pi * (kRim - tilt));
}

std::string text(const char* format, double a, double b, const char* c = "") {
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, a, b, c);
  return buffer.data();
}

}  // namespace

PyramidSetup validation_pyramid(double modulation) {
  PyramidSetup setup;
  setup.pupil = round_pupil(kSamples, static_cast<double>(kSamples));
  setup.pitch = kDiameter / static_cast<double>(kSamples);
  setup.wavelength = 750e-9;
  setup.transform = kTransform;
  setup.diameter = kDiameter;
  setup.modulation = modulation;
  setup.points = 64;
  setup.separation = static_cast<double>(kTransform) / 4;
  setup.margin = kTransform;
  setup.photons = kPhotons;
  return setup;
}

Checks tilt_response(double wrong_by) {
  Checks checks;
  for (const double radius : {3.0, 6.0, 10.0}) {
    const Pyramid pyramid(validation_pyramid(radius * wrong_by));
    for (const double part : {0.1, 0.3, 0.5, 0.7, 1.5}) {
      const double x = part * radius, y = -part / 2 * radius;
      const Signal found = signal(image(pyramid, tilt(pyramid.setup(), x, y)));
      const auto add = [&](const char* axis, double expected, double measured) {
        checks.push_back({text("S at %g of %g lambda/D, %s", part, radius, axis),
                          "Ragazzoni 1996, Verinaud 2004", expected, measured, folded_over(x), "",
                          1});
      };
      add("x", expected_signal(x, radius), found.x);
      add("y", -expected_signal(-y, radius), found.y);
    }
  }
  return checks;
}

Checks energy() {
  Checks checks;
  for (const double rms : {0.0, 50e-9, 400e-9})
    for (const double radius : {0.0, 3.0}) {
      PyramidSetup setup = validation_pyramid(radius);
      setup.points = radius > 0 ? 16 : 1;
      std::mt19937 generator(kSeed);
      std::normal_distribution<double> normal(0, rms > 0 ? rms : 1);
      Wavefront wavefront(setup.pupil.side, setup.pitch);
      for (float& opd : wavefront.opd()) opd = rms > 0 ? static_cast<float>(normal(generator)) : 0;
      double total = 0;
      for (const float pixel : image(Pyramid(setup), wavefront))
        total += static_cast<double>(pixel);
      checks.push_back({text("light of the image, %g nm rms, %g lambda/D", rms * 1e9, radius),
                        "Parseval", 1, total / kPhotons, 1e-6, "", 1});
    }
  return checks;
}

Checks linear_range() {
  constexpr double kPart = 0.2;
  Checks checks;
  for (const double radius : {3.0, 6.0, 10.0}) {
    const Pyramid pyramid(validation_pyramid(radius));
    const double small = kPart * radius;
    checks.push_back({text("gain at %g of %g lambda/D", kPart, radius), "Verinaud 2004",
                      expected_signal(small, radius) / small,
                      signal(image(pyramid, tilt(pyramid.setup(), small, 0))).x / small,
                      folded_over(small) / small, "D/lambda", 1});
  }
  return checks;
}

}  // namespace daohil::simulators::validation
