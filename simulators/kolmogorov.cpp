#include "simulators/kolmogorov.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <stdexcept>
#include <string>

#include "simulators/detail/fourier.hpp"
#include "simulators/von_karman.hpp"

namespace daohil::simulators {

namespace {

constexpr double kExponent = 5.0 / 3;
constexpr std::size_t kLargestSide = 512;

/// Where the random numbers of the planes begin, beside those of the modes.
constexpr std::uint64_t kPlanes = std::uint64_t{1} << 63U;

/// Stein's covariance for distances in units of the largest one, structure function 2 r^(5/3).
class CutOffCovariance {
 public:
  [[nodiscard]] double operator()(double r) const {
    if (r <= 1) return constant_ - std::pow(r, kExponent) + parabola_ * r * r;
    return r <= kReach ? tail_ * std::pow(kReach - r, 3) / r : 0;
  }
  /// Variance of the plane's slope along each axis.
  [[nodiscard]] double plane() const { return 2 * parabola_; }

 private:
  static constexpr double kReach = 2;  // R: enough for exponents above 3/2
  double tail_ = kExponent * (2 - kExponent) / (3 * kReach * (kReach * kReach - 1));
  double parabola_ = (kExponent - tail_ * std::pow(kReach - 1, 2) * (kReach + 2)) / 2;
  double constant_ = tail_ * std::pow(kReach - 1, 3) + 1 - parabola_;
};

/// The eigenvalues of a periodic covariance, even in both axes, of which a quarter is given
/// (distances 0 .. period / 2): its cosine transform, in double because they span nine decades.
Eigen::MatrixXd eigenvalues(const Eigen::MatrixXd& quarter) {
  const Eigen::Index count = quarter.rows();
  Eigen::MatrixXd cosines(count, count);
  for (Eigen::Index k = 0; k < count; ++k)
    for (Eigen::Index x = 0; x < count; ++x) {
      const double times = x == 0 || x == count - 1 ? 1 : 2;
      const auto turn = static_cast<double>(k * x % (2 * (count - 1)));
      cosines(k, x) = times * std::cos(std::numbers::pi * turn / static_cast<double>(count - 1));
    }
  return cosines * quarter * cosines.transpose();
}

void check(std::size_t side, double pitch, double r0, double wavelength) {
  if (side < 2 || side > kLargestSide)
    throw std::invalid_argument("Kolmogorov screens: side is " + std::to_string(side) +
                                " samples; 2 .. " + std::to_string(kLargestSide));
  for (const auto& [name, value] :
       {std::pair{"pitch", pitch}, {"r0", r0}, {"wavelength", wavelength}})
    if (!(value > 0) || !std::isfinite(value))
      throw std::invalid_argument(std::string("Kolmogorov screens: ") + name + " is " +
                                  std::to_string(value) + " m; a positive length");
}

}  // namespace

KolmogorovScreens::KolmogorovScreens(std::size_t side, double pitch, double r0, double wavelength)
    : side_(side), pitch_(pitch), plane_(0) {
  check(side, pitch, r0, wavelength);
  const CutOffCovariance covariance;
  const double longest = static_cast<double>(side) * pitch;
  // 2 r^(5/3) in units of `longest` becomes the structure function of OPD in m^2.
  const double infinite = std::numeric_limits<double>::infinity();
  const double scale = von_karman::structure_function(longest, r0, infinite) / 2 /
                       std::pow(radians_per_metre(wavelength), 2);
  plane_ = std::sqrt(covariance.plane() * scale) / static_cast<double>(side);

  const std::size_t period = 4 * side, half = period / 2;
  Eigen::MatrixXd quarter(half + 1, half + 1);
  for (std::size_t y = 0; y <= half; ++y)
    for (std::size_t x = 0; x <= half; ++x)
      quarter(static_cast<Eigen::Index>(y), static_cast<Eigen::Index>(x)) = covariance(
          std::hypot(static_cast<double>(x), static_cast<double>(y)) / static_cast<double>(side));
  const Eigen::MatrixXd powers = eigenvalues(quarter);
  amplitudes_.resize(period * period);
  for (std::size_t y = 0; y < period; ++y)
    for (std::size_t x = 0; x < period; ++x) {
      // Not negative but for rounding (Stein 2002, theorem 2).
      const double power = std::max(powers(static_cast<Eigen::Index>(std::min(y, period - y)),
                                           static_cast<Eigen::Index>(std::min(x, period - x))),
                                    0.0);
      amplitudes_[y * period + x] =
          static_cast<float>(std::sqrt(power * scale) / static_cast<double>(period));
    }
}

Wavefront KolmogorovScreens::screen(const Random& random, std::uint64_t number) const {
  const std::size_t period = 4 * side_;
  detail::ComplexArray modes(period * period);
  random.normals(number, {reinterpret_cast<float*>(modes.data()), 2 * modes.size()});
  for (std::size_t i = 0; i < modes.size(); ++i) modes[i] *= amplitudes_[i];
  detail::transform_rows(modes.data(), period);
  detail::transform_columns(modes.data(), period);
  const auto plane = static_cast<float>(plane_);
  const float slope_x = plane * random.normal(kPlanes + number, 0);
  const float slope_y = plane * random.normal(kPlanes + number, 1);
  Wavefront out(side_, pitch_);
  for (std::size_t y = 0; y < side_; ++y)
    for (std::size_t x = 0; x < side_; ++x)
      out.at(x, y) = modes[y * period + x].real() + slope_x * static_cast<float>(x) +
                     slope_y * static_cast<float>(y);
  return out;
}

}  // namespace daohil::simulators
