#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "simulators/pyramid.hpp"
#include "simulators/shack_hartmann.hpp"

/// The sensors again, straight from their formulas: double precision, direct sums, no symmetry
/// used.
namespace daohil::simulators::slow {

using Field = std::vector<std::complex<double>>;

inline double from_axis(std::size_t i, std::size_t n) {
  return static_cast<double>(i) - (static_cast<double>(n) - 1) / 2;
}

inline std::complex<double> turned(double turns) {
  return std::polar(1.0, 2 * std::numbers::pi * turns);
}

inline double sinc(double f) {
  return f == 0 ? 1 : std::sin(std::numbers::pi * f) / (std::numbers::pi * f);
}

/// sqrt(transmission) exp(i phase) over one lenslet, [y][x].
inline Field lenslet_field(const ShackHartmannSetup& setup, const Wavefront& wavefront,
                           const Subaperture& its) {
  const std::size_t samples = setup.pupil.side / setup.lenslets;
  Field field;
  for (std::size_t y = its.y * samples; y < (its.y + 1) * samples; ++y)
    for (std::size_t x = its.x * samples; x < (its.x + 1) * samples; ++x)
      field.push_back(std::sqrt(static_cast<double>(setup.pupil.at(x, y))) *
                      turned(static_cast<double>(wavefront.at(x, y)) / setup.wavelength));
  return field;
}

/// Mean step along x (`step` = 1, `last` in x) or y of the phase in cycles, by the light of both.
inline double mean_step(const ShackHartmannSetup& setup, const Wavefront& wavefront,
                        const Subaperture& its, std::size_t dx, std::size_t dy) {
  const std::size_t samples = setup.pupil.side / setup.lenslets;
  double sum = 0, weight = 0;
  for (std::size_t y = its.y * samples; y + dy < (its.y + 1) * samples; ++y)
    for (std::size_t x = its.x * samples; x + dx < (its.x + 1) * samples; ++x) {
      const double both = std::sqrt(static_cast<double>(setup.pupil.at(x, y)) *
                                    static_cast<double>(setup.pupil.at(x + dx, y + dy)));
      if (both == 0) continue;
      sum += both *
             (static_cast<double>(wavefront.at(x + dx, y + dy)) -
              static_cast<double>(wavefront.at(x, y))) /
             setup.wavelength;
      weight += both;
    }
  return weight > 0 ? sum / weight : 0;
}

/// The light in the direction (u, v) [cycles a sample] of a spot moved by (move_x, move_y).
inline double light(const Field& field, std::size_t samples, double u, double v) {
  std::complex<double> sum = 0;
  for (std::size_t y = 0; y < samples; ++y)
    for (std::size_t x = 0; x < samples; ++x)
      sum +=
          field[y * samples + x] * turned(-(u * from_axis(x, samples) + v * from_axis(y, samples)));
  return std::norm(sum);
}

/// Where in a pixel its light is looked at, and the weight: Gauss and Legendre's of 1, 2 and 3
/// points (Abramowitz & Stegun, table 25.4).
inline std::vector<std::pair<double, double>> pixel_points(std::size_t n) {
  if (n == 1) return {{0, 1}};
  const double two = std::sqrt(1.0 / 3) / 2;
  if (n == 2) return {{-two, 0.5}, {two, 0.5}};
  const double three = std::sqrt(0.6) / 2;
  if (n == 4) {
    const double inner = 0.339981043584856 / 2, outer = 0.861136311594053 / 2;
    const double of_inner = 0.652145154862546 / 2, of_outer = 0.347854845137454 / 2;
    return {{-outer, of_outer}, {-inner, of_inner}, {inner, of_inner}, {outer, of_outer}};
  }
  return {{-three, 5.0 / 18}, {0, 8.0 / 18}, {three, 5.0 / 18}};
}

inline std::vector<double> spots(const ShackHartmannSetup& setup,
                                 std::span<const SubExposure> exposure) {
  const SpotLayout& layout = setup.layout;
  const std::size_t samples = setup.pupil.side / setup.lenslets;
  const double cycles = setup.pixel_scale * setup.pitch / setup.wavelength;
  const auto inside = pixel_points(setup.oversampling);
  std::vector<double> frame(layout.width * layout.height, setup.background);
  for (const Subaperture& its : subapertures(setup.pupil, setup.lenslets, setup.least_illumination))
    for (const SubExposure& part : exposure) {
      const Field field = lenslet_field(setup, *part.wavefront, its);
      const SpotCentre centre = layout.centres[its.y * setup.lenslets + its.x];
      const double half = (static_cast<double>(layout.window) - 1) / 2;
      const double x0 = std::round(centre.x - half);
      const double y0 = std::round(centre.y - half);
      const double slope_x = mean_step(setup, *part.wavefront, its, 1, 0);
      const double slope_y = mean_step(setup, *part.wavefront, its, 0, 1);
      for (std::size_t i = 0; i < layout.window * layout.window; ++i) {
        const double x = x0 + static_cast<double>(i % layout.window);
        const double y = y0 + static_cast<double>(i / layout.window);
        double sum = 0;
        for (std::size_t k = 0; k < setup.oversampling * setup.oversampling; ++k) {
          const auto& [point_x, weight_x] = inside[k % setup.oversampling];
          const auto& [point_y, weight_y] = inside[k / setup.oversampling];
          const double u = (x + point_x - centre.x) * cycles;
          const double v = (y + point_y - centre.y) * cycles;
          const double tile = setup.sample == PhaseSample::tile
                                  ? std::pow(sinc(u - slope_x) * sinc(v - slope_y), 2)
                                  : 1;
          sum += light(field, samples, u, v) * tile * weight_x * weight_y;
        }
        frame[static_cast<std::size_t>(y) * layout.width + static_cast<std::size_t>(x)] +=
            part.part * sum * cycles * cycles * setup.photons / lit_area(setup.pupil);
      }
    }
  return frame;
}

/// Rows of `in`, [n][from], times a matrix of turns: out[r][k] = sum in[r][i] e^(2 pi i a_k b_i s).
inline Field transform_rows(const Field& in, std::size_t from, std::size_t to, double turns) {
  std::vector<std::complex<double>> matrix(to * from);
  for (std::size_t k = 0; k < to; ++k)
    for (std::size_t i = 0; i < from; ++i)
      matrix[k * from + i] = turned(turns * from_axis(k, to) * from_axis(i, from));
  const std::size_t rows = in.size() / from;
  Field out(rows * to);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t k = 0; k < to; ++k) {
      std::complex<double> sum = 0;
      for (std::size_t i = 0; i < from; ++i) sum += in[r * from + i] * matrix[k * from + i];
      out[r * to + k] = sum;
    }
  return out;
}

inline Field transposed(const Field& in, std::size_t columns) {
  const std::size_t rows = in.size() / columns;
  Field out(in.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = in[r * columns + c];
  return out;
}

inline Field transform(const Field& in, std::size_t from, std::size_t to, double turns) {
  const Field along_x = transform_rows(in, from, to, turns);
  return transposed(transform_rows(transposed(along_x, to), from, to, turns), to);
}

/// The whole image plane, [transform][transform] samples: a mask in two dimensions for every point
/// of the modulation, one full transform each.
inline std::vector<double> pyramid(const PyramidSetup& setup,
                                   std::span<const SubExposure> exposure) {
  const std::size_t n = setup.transform;
  const std::size_t side = setup.pupil.side;
  const double size = static_cast<double>(n);
  std::vector<double> image(n * n);
  for (const SubExposure& part : exposure) {
    Field pupil;
    for (std::size_t i = 0; i < side * side; ++i)
      pupil.push_back(std::sqrt(static_cast<double>(setup.pupil.transmission[i])) *
                      turned(static_cast<double>(part.wavefront->opd()[i]) / setup.wavelength));
    const Field focus = transform(pupil, side, n, -1 / size);
    for (std::size_t p = 0; p < setup.points; ++p) {
      const auto t = turned((static_cast<double>(p) + 0.5) / static_cast<double>(setup.points)) *
                     (setup.modulation * size * setup.pitch / setup.diameter);
      Field masked = focus;
      for (std::size_t i = 0; i < n * n; ++i)
        masked[i] *= turned(
            -setup.separation * static_cast<double>(setup.binning) / size *
            (std::abs(from_axis(i % n, n) + t.real()) + std::abs(from_axis(i / n, n) + t.imag())));
      const Field back = transform(masked, n, n, 1 / size);
      for (std::size_t i = 0; i < n * n; ++i)
        image[i] += part.part * std::norm(back[i]) * setup.photons / lit_area(setup.pupil) /
                    static_cast<double>(setup.points) / std::pow(size, 4);
    }
  }
  return image;
}

}  // namespace daohil::simulators::slow
