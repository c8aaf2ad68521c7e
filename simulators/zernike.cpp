#include "simulators/zernike.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <stdexcept>
#include <string>

namespace daohil::simulators {

namespace {

/// R_n^m(r) by Kintner's relation in the form of Jacobi polynomials: R_n^m(r) = r^m
/// P_k^(0,m)(2r^2-1) with k = (n - m) / 2, and the three-term recursion of P (Abramowitz and
/// Stegun 22.7.1). Stable for any order, unlike the sum of factorials.
double radial(int n, int m, double r) {
  const double x = 2 * r * r - 1;
  const double b = m;
  double before = 0, here = 1;
  for (int k = 1; k <= (n - m) / 2; ++k) {
    const double s = 2 * k + b;
    if (k == 1) {
      before = here;
      here = ((b + 2) * x - b) / 2;
      continue;
    }
    const double next =
        ((s - 1) * (s * (s - 2) * x - b * b) * here - 2 * (k - 1) * (k + b - 1) * s * before) /
        (2 * k * (k + b) * (s - 2));
    before = here;
    here = next;
  }
  return here * std::pow(r, m);
}

[[noreturn]] void refuse_modes(std::size_t samples, int modes) {
  throw std::invalid_argument("zernike: " + std::to_string(samples) +
                              " samples in the pupil do not tell " + std::to_string(modes) +
                              " modes apart; give fewer modes or a finer grid");
}

}  // namespace

ZernikeOrder zernike_order(int noll) {
  if (noll < 1)
    throw std::invalid_argument("zernike: Noll's index is " + std::to_string(noll) +
                                "; it begins with 1");
  int n = 0;
  while ((n + 1) * (n + 2) / 2 < noll) ++n;
  // Place among the n + 1 modes of this order, in which m ascends by pairs.
  const int place = noll - n * (n + 1) / 2 - 1;
  return {n, n % 2 == 0 ? (place + 1) / 2 * 2 : place / 2 * 2 + 1};
}

double zernike(int noll, double r, double angle) {
  const auto [n, m] = zernike_order(noll);
  const double value = std::sqrt(n + 1.0) * radial(n, m, r);
  if (m == 0) return value;
  return std::sqrt(2.0) * value * (noll % 2 == 0 ? std::cos(m * angle) : std::sin(m * angle));
}

ZernikeFit::ZernikeFit(const Pupil& pupil, double diameter, int modes) : side_(pupil.side) {
  if (!(diameter > 0))
    throw std::invalid_argument("zernike: diameter is " + std::to_string(diameter) +
                                " samples; a positive number");
  (void)zernike_order(modes);
  for (std::size_t i = 0; i < pupil.transmission.size(); ++i)
    if (pupil.transmission[i] > 0) inside_.push_back(i);
  const auto samples = static_cast<Eigen::Index>(inside_.size());
  if (samples < modes) refuse_modes(inside_.size(), modes);
  Eigen::MatrixXd values(samples, modes);
  weights_.resize(samples);
  const double centre = (static_cast<double>(side_) - 1) / 2;
  for (Eigen::Index i = 0; i < samples; ++i) {
    const std::size_t place = inside_[static_cast<std::size_t>(i)];
    const double x = (static_cast<double>(place % side_) - centre) * 2 / diameter;
    const double y = (static_cast<double>(place / side_) - centre) * 2 / diameter;
    weights_[i] = static_cast<double>(pupil.transmission[place]);
    for (int j = 1; j <= modes; ++j)
      values(i, j - 1) = zernike(j, std::hypot(x, y), std::atan2(y, x));
  }
  weights_ = (weights_ / weights_.sum()).cwiseSqrt();
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(weights_.asDiagonal() * values);
  orthonormal_ = qr.householderQ() * Eigen::MatrixXd::Identity(samples, modes);
  triangle_ = qr.matrixQR().topRows(modes).triangularView<Eigen::Upper>();
  if (triangle_.diagonal().cwiseAbs().minCoeff() < 1e-9) refuse_modes(inside_.size(), modes);
}

Eigen::VectorXd ZernikeFit::weighted(const Wavefront& wavefront) const {
  if (wavefront.side() != side_)
    throw std::invalid_argument("zernike: the wavefront has a side of " +
                                std::to_string(wavefront.side()) + ", the pupil of " +
                                std::to_string(side_) + " samples; give equal ones");
  Eigen::VectorXd opd(static_cast<Eigen::Index>(inside_.size()));
  for (std::size_t i = 0; i < inside_.size(); ++i)
    opd[static_cast<Eigen::Index>(i)] = static_cast<double>(wavefront.opd()[inside_[i]]);
  return opd.cwiseProduct(weights_);
}

Eigen::VectorXd ZernikeFit::coefficients(const Wavefront& wavefront) const {
  return triangle_.triangularView<Eigen::Upper>().solve(orthonormal_.transpose() *
                                                        weighted(wavefront));
}

Eigen::VectorXd ZernikeFit::residual_rms(const Wavefront& wavefront) const {
  const Eigen::VectorXd opd = weighted(wavefront);
  const Eigen::VectorXd parts = orthonormal_.transpose() * opd;
  Eigen::VectorXd left(parts.size() + 1);
  // From the smallest on, so that what is left of much is not a difference of large numbers.
  left[parts.size()] = (opd - orthonormal_ * parts).squaredNorm();
  for (Eigen::Index j = parts.size(); j > 0; --j)
    left[j - 1] = left[j] + parts[j - 1] * parts[j - 1];
  return left.cwiseSqrt();
}

}  // namespace daohil::simulators
