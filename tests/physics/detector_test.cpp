// What a detector makes of light, against formulas. Each defect that was measured in a public
// simulator has a test with its number. Tolerances: 5 standard deviations of the estimate.
#include "simulators/detector.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "tests/physics/statistics.hpp"

namespace daohil::simulators {
namespace {

using physics::moments;
using std::chrono::milliseconds;

DetectorSettings ideal(std::size_t side = 256) {
  DetectorSettings s;
  s.rows = s.columns = side;
  s.seed = 20260202;
  s.exposure = milliseconds(1);
  return s;
}

/// Frames one after the other, of the same light everywhere.
std::vector<std::uint16_t> flat_frames(const DetectorSettings& settings, float photons,
                                       std::size_t frames) {
  Detector detector(settings);
  const std::vector<float> light(detector.photon_elements(), photons);
  std::vector<std::uint16_t> all(frames * detector.pixels());
  for (std::size_t frame = 0; frame < frames; ++frame)
    EXPECT_EQ(detector.expose(light, frame,
                              std::span(all).subspan(frame * detector.pixels(), detector.pixels())),
              0U);
  return all;
}

// Photon noise before QE would give a variance of QE^2 N = 25.
TEST(Detector, QuantumEfficiencyThinsPhotonsBeforeTheirNoise) {
  auto s = ideal();
  s.quantum_efficiency = 0.5;
  const auto m = moments(flat_frames(s, 100, 16));
  EXPECT_NEAR(m.mean, 50, 5 * m.mean_error());
  EXPECT_NEAR(m.variance, 50, 5 * m.variance_error());  // whole electrons at K = 1: no 1/12
}

// Janesick 2001: var = (mean - bias) / K + (RON / K)^2 + 1/12, over the whole range.
TEST(Detector, PhotonTransferCurve) {
  auto s = ideal();
  s.electrons_per_adu = 2.5;
  s.read_noise = 5;
  s.bias = 300;
  s.quantum_efficiency = 0.8;
  for (const float photons : {0.0F, 3.0F, 30.0F, 300.0F, 3000.0F, 30000.0F}) {
    const auto m = moments(flat_frames(s, photons, 8));
    const double electrons = 0.8 * double{photons};
    EXPECT_NEAR(m.mean, 300 + electrons / 2.5, 5 * m.mean_error()) << photons;
    EXPECT_NEAR(m.variance, electrons / 6.25 + 4 + 1.0 / 12, 5 * m.variance_error()) << photons;
  }
}

TEST(Detector, ReadNoiseIsThatOfTheDataSheet) {
  auto s = ideal();
  s.electrons_per_adu = 0.05;
  s.read_noise = 1;
  s.bias = 1000;
  const auto m = moments(flat_frames(s, 0, 8));
  EXPECT_NEAR(std::sqrt(m.variance - 1.0 / 12) * 0.05, 1.000, 5 * std::sqrt(0.5 / m.n));
}

TEST(Detector, DarkCurrentAndClockInducedCharge) {
  auto s = ideal();
  s.exposure = milliseconds(20);
  s.dark_current = 500;
  s.clock_induced_charge = 2;
  const auto m = moments(flat_frames(s, 0, 8));
  EXPECT_NEAR(m.mean, 12, 5 * m.mean_error());
  EXPECT_NEAR(m.variance, 12, 5 * m.variance_error());
}

// Once: twice would give 16 times the light of a pixel. Charge is binned, so read noise comes once.
TEST(Detector, BinningAddsPixelsOnceBeforeReadNoise) {
  auto s = ideal(120);
  s.binning = 2;
  s.dark_current = 1000;
  s.electrons_per_adu = 0.5;
  s.read_noise = 3;
  s.bias = 100;
  const auto m = moments(flat_frames(s, 10, 16));
  EXPECT_NEAR((m.mean - 100) * 0.5, 4 * (10 + 1), 5 * m.mean_error());
  EXPECT_NEAR((m.variance - 1.0 / 12) * 0.25, 4 * (10 + 1) + 9, 5 * m.variance_error());
}

TEST(Detector, EmccdAtOnePhoton) {
  auto s = ideal();
  s.gain = AvalancheGain(100, 2);
  const auto values = flat_frames(s, 1, 16);
  const auto m = moments(values);
  EXPECT_NEAR(m.mean, 100, 5 * m.mean_error());
  EXPECT_NEAR(m.variance, 2 * 100 * 100, 5 * m.variance_error());
  const auto zeros = std::count(values.begin(), values.end(), 0);
  // Below half an ADU is 0 too: of one electron in 200, roughly; by how much P(0) rises is known.
  const double small = std::exp(-1.0) * (1 - std::exp(-0.5 / 100));
  const double p0 = std::exp(-1.0) + small;
  EXPECT_NEAR(static_cast<double>(zeros) / m.n, p0, 5 * std::sqrt(p0 / m.n) + 1e-4);
}

TEST(Detector, EapdGain) {
  auto s = ideal();
  s.gain = AvalancheGain(20, 1.25);
  s.read_noise = 58;
  s.electrons_per_adu = 2;
  s.bias = 1000;
  const auto m = moments(flat_frames(s, 50, 8));
  EXPECT_NEAR(m.mean, 1000 + 50 * 20 / 2.0, 5 * m.mean_error());
  EXPECT_NEAR(m.variance, (1.25 * 50 * 400 + 58 * 58) / 4 + 1.0 / 12, 5 * m.variance_error());
}

// Fixed pattern: (p N)^2 over the frame, none from frame to frame.
TEST(Detector, ResponseNonuniformity) {
  auto s = ideal();
  s.response_nonuniformity = 0.02;
  constexpr std::size_t kFrames = 64;
  const auto all = flat_frames(s, 10000, kFrames);
  std::vector<double> mean(256 * 256), within(mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    std::vector<double> pixel(kFrames);
    for (std::size_t k = 0; k < kFrames; ++k) pixel[k] = all[k * mean.size() + i];
    const auto m = moments(pixel);
    mean[i] = m.mean;
    within[i] = m.variance * kFrames / (kFrames - 1);
  }
  const auto spatial = moments(mean);
  EXPECT_NEAR(spatial.variance, 200 * 200 + 10000.0 / kFrames, 5 * spatial.variance_error());
  const auto temporal = moments(within);
  EXPECT_NEAR(temporal.mean, 10000, 5 * temporal.mean_error());
  s.seed += 1;
  const auto other = flat_frames(s, 10000, 1);
  EXPECT_LT(std::abs(physics::correlation(std::span<const std::uint16_t>(all).first(mean.size()),
                                          std::span<const std::uint16_t>(other))),
            5 / 256.0);
}

TEST(Detector, SaturatesAtTheSmallerOfWellAndConverter) {
  auto s = ideal(32);
  s.bits = 12;
  for (const auto value : flat_frames(s, 50000, 1)) ASSERT_EQ(value, 4095);
  s.bits = 16;
  s.full_well = 30000;
  s.bias = 100;
  for (const auto value : flat_frames(s, 50000, 1)) ASSERT_EQ(value, 30100);
  s.gain = AvalancheGain(1000, 2);
  s.output_full_well = 20000;
  for (const auto value : flat_frames(s, 50000, 1)) ASSERT_EQ(value, 20100);
}

// The full well acts before the gain: 1000 electrons of 5000 go through it.
TEST(Detector, FullWellIsBeforeTheGain) {
  auto s = ideal();
  s.full_well = 1000;
  s.gain = AvalancheGain(10, 1.25);
  const auto m = moments(flat_frames(s, 5000, 4));
  EXPECT_NEAR(m.mean, 10000, 5 * m.mean_error());
  EXPECT_NEAR(m.variance, 0.25 * 1000 * 100, 5 * m.variance_error() + 0.1);
}

TEST(Detector, NoiseIsIndependentBetweenPixelsAndFrames) {
  auto s = ideal();
  s.read_noise = 2;
  s.electrons_per_adu = 0.25;
  s.bias = 200;
  const auto all = flat_frames(s, 5, 9);
  const std::size_t pixels = 256 * 256;
  const auto frame = [&](std::size_t k) {
    return std::span<const std::uint16_t>(all).subspan(k * pixels, pixels);
  };
  const double bound = 5 / std::sqrt(static_cast<double>(pixels));
  for (std::size_t k = 1; k < 9; ++k)
    EXPECT_LT(std::abs(physics::correlation(frame(0), frame(k))), bound) << "frame " << k;
  for (const std::size_t shift : {1, 2, 16, 32, 255, 256, 257, 512}) {
    const auto a = frame(0).first(pixels - shift);
    EXPECT_LT(std::abs(physics::correlation(a, frame(0).last(pixels - shift))), bound) << shift;
  }
}

// Every well passes its whole column (here: half column) at an even pace, and gathers row time /
// exposure of the light of every pixel of it.
TEST(Detector, FrameTransferSmearsColumns) {
  auto s = ideal(64);
  s.exposure = milliseconds(1);
  s.row_transfer = std::chrono::microseconds(2);
  for (const auto transfer : {FrameTransfer::whole, FrameTransfer::halves}) {
    s.frame_transfer = transfer;
    Detector detector(s);
    std::vector<float> light(64 * 64, 0.0F);
    light[10 * 64 + 20] = 40000;  // in the upper half
    std::vector<double> mean(64 * 64, 0.0);
    std::vector<std::uint16_t> out(64 * 64);
    constexpr int kFrames = 200;
    for (int k = 0; k < kFrames; ++k) {
      detector.expose(light, static_cast<std::uint64_t>(k), out);
      for (std::size_t i = 0; i < out.size(); ++i) mean[i] += out[i] / double{kFrames};
    }
    const double tail = 40000 * 0.002;
    for (const std::size_t row : {0U, 31U, 32U, 63U}) {
      const double expected = transfer == FrameTransfer::whole || row < 32 ? tail : 0;
      EXPECT_NEAR(mean[row * 64 + 20], expected, 5 * std::sqrt(expected / kFrames)) << row;
      EXPECT_EQ(mean[row * 64 + 21], 0) << row;
    }
  }
}

/// A Gaussian spot of `photons` in the middle of every 12 x 12 pixels, integrated over the pixels.
std::vector<float> spots(double photons, double sigma, std::size_t side) {
  constexpr int kBox = 12;
  const auto edge = [&](int pixel) {
    return 0.5 * std::erf((pixel - kBox / 2) / (sigma * std::sqrt(2.0)));
  };
  std::vector<float> image(side * side);
  for (std::size_t i = 0; i < image.size(); ++i) {
    const int x = static_cast<int>(i % side % kBox);
    const int y = static_cast<int>(i / side % kBox);
    image[i] = static_cast<float>(photons * (edge(x + 1) - edge(x)) * (edge(y + 1) - edge(y)));
  }
  return image;
}

/// Positions, both of them, of all spots of some frames: centres of gravity in pixels.
std::vector<double> centroids(const DetectorSettings& settings, double photons, double sigma,
                              std::size_t frames) {
  Detector detector(settings);
  const std::size_t side = settings.columns;
  const auto light = spots(photons, sigma, side);
  std::vector<std::uint16_t> out(detector.pixels());
  std::vector<double> positions;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    detector.expose(light, frame, out);
    for (std::size_t top = 0; top < side; top += 12)
      for (std::size_t left = 0; left < side; left += 12) {
        double sum = 0, sum_x = 0, sum_y = 0;
        for (std::size_t y = 0; y < 12; ++y)
          for (std::size_t x = 0; x < 12; ++x) {
            const double value = out[(top + y) * side + left + x] - settings.bias;
            sum += value;
            sum_x += value * (static_cast<double>(x) - 5.5);
            sum_y += value * (static_cast<double>(y) - 5.5);
          }
        positions.push_back(sum_x / sum);
        positions.push_back(sum_y / sum);
      }
  }
  return positions;
}

// Photon noise: (sigma^2 + 1/12) / N, the spot with its pixel. Read noise of n x n pixels:
// sigma_e^2 n^2 (n^2 - 1) / (12 N^2) (Rousset 1999; Thomas et al. 2006, MNRAS 371, 323). Dividing
// by the measured sum adds a part in N, 0.2 % here. An EMCCD doubles the photons' part.
TEST(Detector, CentreOfGravityOfASpot) {
  constexpr double kPhotons = 1000, kSigma = 1.3;
  const double photon_part = (kSigma * kSigma + 1.0 / 12) / kPhotons;
  const double read_part = 144.0 * 143 / 12 / (kPhotons * kPhotons);
  auto s = ideal(240);
  const auto expect = [&](double variance, const char* what) {
    const auto m = moments(centroids(s, kPhotons, kSigma, 50));
    EXPECT_NEAR(m.mean, 0, 5 * m.mean_error()) << what;
    EXPECT_NEAR(m.variance, variance, 5 * m.variance_error() + 0.002 * variance) << what;
  };
  expect(photon_part, "photon noise");
  s.gain = AvalancheGain(10, 2);
  s.electrons_per_adu = 0.5;
  expect(2 * photon_part, "EMCCD");
  s.gain.reset();
  s.electrons_per_adu = 0.1;
  s.read_noise = 1;
  s.bias = 100;
  expect(photon_part + read_part, "photon and read noise");
}

TEST(Detector, CosmicRaysComeAtTheirRate) {
  auto s = ideal(64);
  s.exposure = milliseconds(100);
  s.cosmic_ray_rate = 5;  // 0.5 a frame
  s.cosmic_ray_charge = 2000;
  s.cosmic_ray_track = 0;  // one pixel each
  const auto all = flat_frames(s, 0, 4000);
  double hits = 0;
  std::vector<double> rows(64), columns(64);
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(all[i] % 2000, 0) << all[i];
    hits += all[i] / 2000.0;
    rows[i / 64 % 64] += all[i] / 2000.0;
    columns[i % 64] += all[i] / 2000.0;
  }
  EXPECT_NEAR(hits, 2000, 5 * std::sqrt(2000.0));
  const std::vector<double> even(64, 1.0 / 64);
  EXPECT_LT(std::abs(physics::chi_square(rows, even).sigmas()), 5);
  EXPECT_LT(std::abs(physics::chi_square(columns, even).sigmas()), 5);
  s.cosmic_ray_track = 4;
  double charge = 0;
  for (const auto value : flat_frames(s, 0, 1000)) charge += value / 2000.0;
  // Steps of one pixel while the track lasts: 1 / (1 - exp(-1/4)) of them, less what the edges cut.
  EXPECT_NEAR(charge / 500, 1 / (1 - std::exp(-0.25)), 0.6);
}

}  // namespace
}  // namespace daohil::simulators
