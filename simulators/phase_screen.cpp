#include "simulators/phase_screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>

#include "simulators/detail/b_spline.hpp"
#include "simulators/detail/fourier.hpp"
#include "simulators/detail/shift_kernel.hpp"
#include "simulators/von_karman.hpp"

namespace daohil::simulators {

namespace {

using std::numbers::pi;

constexpr int kDegree = 5;
constexpr std::size_t kMargin = detail::kTaps + detail::kSlack;
constexpr std::size_t kLargestSide = 8192;

[[noreturn]] void refuse(const std::string& field, const std::string& value,
                         const std::string& way_out) {
  throw std::invalid_argument("phase screen: " + field + " is " + value + "; " + way_out);
}

/// Shift of one period against the next: near side / golden ratio^2, whose multiples come back to
/// 0 (mod side) as late as can be, and coprime with side.
std::size_t shear_of(std::size_t side) {
  const double golden = std::numbers::phi;
  auto shear = static_cast<std::size_t>(static_cast<double>(side) / (golden * golden));
  while (std::gcd(shear, side) != 1) ++shear;
  return shear;
}

/// A frequency in cycles per pixel as the one in [-1/2, 1/2) that has the same samples.
double folded(double frequency) { return frequency - std::floor(frequency + 0.5); }

/// Power of the sampled spline on average over fractional positions, per power of a coefficient.
double spline_power(double frequency) {
  static const auto weights = [] {
    std::array<double, kDegree + 1> b{};
    for (int j = 0; j <= kDegree; ++j)
      b[static_cast<std::size_t>(j)] = (j == 0 ? 1 : 2) * detail::b_spline(2 * kDegree + 1, j);
    return b;
  }();
  // sum_j weights[j] cos(j t) by Clenshaw's recursion.
  const double cosine = std::cos(2 * pi * frequency);
  double next = 0, after = 0;
  for (std::size_t j = kDegree; j >= 1; --j) {
    const double here = weights[j] + 2 * cosine * next - after;
    after = next;
    next = here;
  }
  return weights[0] + cosine * next - after;
}

/// What sampling folds onto the frequencies of [0, 1/2]^2: sum over m != 0 of |f + m|^(-11/3), f in
/// cycles per pixel. The outer scale is many pixels and does not matter beyond one cycle per two.
/// Smooth, so tabulated.
class FoldedPower {
 public:
  FoldedPower() {
    for (std::size_t y = 0; y <= kCells; ++y)
      for (std::size_t x = 0; x <= kCells; ++x)
        table_[y][x] =
            sum(static_cast<double>(x) / (2 * kCells), static_cast<double>(y) / (2 * kCells));
  }

  [[nodiscard]] double operator()(double fx, double fy) const {
    const double x = std::min(std::abs(fx) * 2 * kCells, kCells - 1e-9);
    const double y = std::min(std::abs(fy) * 2 * kCells, kCells - 1e-9);
    const auto column = static_cast<std::size_t>(x), row = static_cast<std::size_t>(y);
    const double u = x - static_cast<double>(column), v = y - static_cast<double>(row);
    const auto& low = table_[row];
    const auto& high = table_[row + 1];
    return (1 - v) * ((1 - u) * low[column] + u * low[column + 1]) +
           v * ((1 - u) * high[column] + u * high[column + 1]);
  }

 private:
  static constexpr std::size_t kCells = 64;
  static constexpr int kReach = 12;

  static double sum(double fx, double fy) {
    double total = 0;
    for (int m = -kReach; m <= kReach; ++m)
      for (int n = -kReach; n <= kReach; ++n)
        if (m != 0 || n != 0)
          total += std::pow((fx + m) * (fx + m) + (fy + n) * (fy + n), -11.0 / 6);
    // Beyond the square: the integral over a plane without a circle of the same area.
    const double radius = (2 * kReach + 1) / std::sqrt(pi);
    return total + 2 * pi * (3.0 / 5) * std::pow(radius, -5.0 / 3);
  }

  std::array<std::array<double, kCells + 1>, kCells + 1> table_;
};

/// f^(-11/3) from f^2, of correctly rounded operations and one cube root.
double to_minus_eleven_thirds(double f2) { return 1 / (f2 * std::sqrt(f2) * std::cbrt(f2)); }

/// Row n of a period's modes stands for the signed frequency.
double signed_row(std::size_t n, std::size_t side) {
  return n < (side + 1) / 2 ? static_cast<double>(n)
                            : static_cast<double>(n) - static_cast<double>(side);
}

/// modes[n][x] *= exp(-2 pi i n shear x / side^2): makes the next period a sheared one.
void shear_modes(std::size_t side, std::complex<float>* modes) {
  const double length = static_cast<double>(side);
  for (std::size_t n = 0; n < side; ++n) {
    const double angle =
        -2 * pi * signed_row(n, side) * static_cast<double>(shear_of(side)) / (length * length);
    // By parts: the complex product of the library looks for infinities.
    const double step_re = std::cos(angle), step_im = std::sin(angle);
    double re = 1, im = 0;
    for (std::size_t x = 0; x < side; ++x) {
      auto& mode = modes[n * side + x];
      const auto a = static_cast<double>(mode.real()), b = static_cast<double>(mode.imag());
      mode = {static_cast<float>(a * re - b * im), static_cast<float>(a * im + b * re)};
      const double next = re * step_re - im * step_im;
      im = re * step_im + im * step_re;
      re = next;
    }
  }
}

/// A place in the period [0, side)^2, in whole pixels plus a fraction, of any place.
struct Place {
  std::size_t along, across;
  double along_fraction, across_fraction;
};

/// The first pixel at or below x, and what is left. x in [0, side], rounding included.
void split(double x, std::size_t side, std::size_t& whole, double& fraction) {
  const double floor = std::floor(x);
  whole = static_cast<std::size_t>(floor) % side;
  fraction = x - floor;
}

Place folded_place(double along, double across, std::size_t side, std::size_t shear) {
  const auto length = static_cast<double>(side);
  const double passes = std::floor(along / length);
  along -= passes * length;
  // A product of passes and shear would lose digits after 2^53 pixels.
  across -= std::fmod(passes, length) * static_cast<double>(shear);
  across -= std::floor(across / length) * length;
  Place place{};
  split(along, side, place.along, place.along_fraction);
  split(across, side, place.across, place.across_fraction);
  return place;
}

detail::Weights weights_at(double fraction, double scale) {
  detail::Weights weights{};
  for (std::size_t j = 0; j < detail::kTaps; ++j)
    weights[j] = static_cast<float>(
        scale * detail::b_spline(kDegree, fraction + 2 - static_cast<double>(j)));
  return weights;
}

}  // namespace

void ScreenGeometry::check() const {
  if (side < 4 || side > kLargestSide)
    refuse("side", std::to_string(side) + " pixels",
           "4 .. " + std::to_string(kLargestSide) +
               "; a larger screen wants a coarser pitch or a smaller outer scale");
  if (!(pitch > 0) || !std::isfinite(pitch))
    refuse("pitch", std::to_string(pitch) + " m", "a positive length");
  if (std::isinf(outer_scale) && outer_scale > 0)
    refuse("outer_scale", "infinite",
           "the variance of Kolmogorov's phase is infinite and no finite screen holds it: give a "
           "finite outer scale (25 m is usual), or take kolmogorov_screen() for a still one");
  if (!(outer_scale > 0) || !std::isfinite(outer_scale))
    refuse("outer_scale", std::to_string(outer_scale) + " m", "a positive length");
  const double length = static_cast<double>(side) * pitch;
  if (length < 2 * outer_scale * (1 - 1e-9))
    refuse(
        "side * pitch", std::to_string(length) + " m",
        "at least two outer scales, " + std::to_string(2 * outer_scale) + " m: give a larger side");
  if (outer_scale < pitch)
    refuse("outer_scale", std::to_string(outer_scale) + " m",
           "at least the pitch, " + std::to_string(pitch) + " m, or no turbulence is resolved");
  if (window == 0 || window > side / 2)
    refuse("window", std::to_string(window) + " pixels",
           "1 .. side / 2 = " + std::to_string(side / 2));
}

PhaseScreen::PhaseScreen(const ScreenGeometry& geometry, const std::complex<float>* field,
                         Part part)
    : geometry_(geometry) {
  geometry_.check();
  const std::size_t side = geometry_.side;
  shear_ = shear_of(side);
  stride_ = side + geometry_.window + kMargin;
  coefficients_.resize(stride_ * stride_);
  const bool along_x = geometry_.travel == Travel::along_x;
  const std::size_t step_along = along_x ? 1 : stride_, step_across = along_x ? stride_ : 1;
  for (std::size_t across = 0; across < stride_; ++across)
    for (std::size_t pass = 0; pass * side < stride_; ++pass) {
      const std::size_t row = (across + pass * (side - shear_)) % side;
      const std::complex<float>* const from = field + row * side;
      float* to = coefficients_.data() + across * step_across + pass * side * step_along;
      const std::size_t count = std::min(side, stride_ - pass * side);
      for (std::size_t i = 0; i < count; ++i, to += step_along)
        *to = part == Part::real ? from[i].real() : from[i].imag();
    }
}

void PhaseScreen::add_to(Wavefront& out, double x, double y, float weight,
                         InstructionSet set) const {
  if (out.side() > geometry_.window)
    refuse("the wavefront's side", std::to_string(out.side()) + " pixels",
           "at most the window, " + std::to_string(geometry_.window));
  if (!(std::abs(x) < 0x1p50) || !(std::abs(y) < 0x1p50))
    refuse("a position", std::to_string(x) + ", " + std::to_string(y) + " pixels",
           "finite and below 2^50");
  // Weight j of 0 .. 5 belongs to the coefficient j - 2 pixels from the one at or below.
  const bool along_x = geometry_.travel == Travel::along_x;
  const Place place = along_x ? folded_place(x - 2, y - 2, geometry_.side, shear_)
                              : folded_place(y - 2, x - 2, geometry_.side, shear_);
  const std::size_t column = along_x ? place.along : place.across;
  const std::size_t row = along_x ? place.across : place.along;
  const double u = along_x ? place.along_fraction : place.across_fraction;
  const double v = along_x ? place.across_fraction : place.along_fraction;
  detail::dispatch_lanes<detail::ShiftPatch>(
      set, coefficients_.data() + row * stride_ + column, stride_, weights_at(u, 1),
      weights_at(v, static_cast<double>(weight)), out.opd().data(), out.side());
}

std::vector<float> mode_amplitudes(const ScreenGeometry& geometry) {
  geometry.check();
  static const FoldedPower folded_power;
  const std::size_t side = geometry.side;
  const auto length = static_cast<double>(side);
  const double shear = static_cast<double>(shear_of(side));
  // W for r0 = 1 m with frequencies in cycles per pixel, times the area of a mode.
  const double infinite = std::numeric_limits<double>::infinity();
  const double scale =
      von_karman::spectrum(1, 1, infinite) * std::pow(geometry.pitch, 5.0 / 3) / (length * length);
  const double knee2 = std::pow(geometry.pitch / geometry.outer_scale, 2);
  std::vector<float> amplitudes(side * side);
  for (std::size_t n = 0; n < side; ++n) {
    const double row = signed_row(n, side);
    const double fy = folded(row / length);
    const double across = spline_power(fy);
    for (std::size_t m = 0; m < side; ++m) {
      const double fx = folded((static_cast<double>(m) - row * shear / length) / length);
      const double power = to_minus_eleven_thirds(fx * fx + fy * fy + knee2) + folded_power(fx, fy);
      amplitudes[n * side + m] =
          static_cast<float>(std::sqrt(scale * power / (across * spline_power(fx))));
    }
  }
  amplitudes[0] = 0;
  return amplitudes;
}

void transform_modes(const ScreenGeometry& geometry, std::complex<float>* modes) {
  detail::transform_rows(modes, geometry.side);
  shear_modes(geometry.side, modes);
  detail::transform_columns(modes, geometry.side);
}

std::pair<PhaseScreen, PhaseScreen> make_screens(const ScreenGeometry& geometry,
                                                 const Random& random, std::uint64_t number) {
  const std::vector<float> amplitudes = mode_amplitudes(geometry);
  detail::ComplexArray modes(amplitudes.size());
  random.normals(number, {reinterpret_cast<float*>(modes.data()), 2 * modes.size()});
  for (std::size_t i = 0; i < modes.size(); ++i) modes[i] *= amplitudes[i];
  transform_modes(geometry, modes.data());
  return {PhaseScreen(geometry, modes.data(), PhaseScreen::Part::real),
          PhaseScreen(geometry, modes.data(), PhaseScreen::Part::imaginary)};
}

}  // namespace daohil::simulators
