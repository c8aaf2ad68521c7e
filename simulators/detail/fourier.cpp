#include "simulators/detail/fourier.hpp"

#include <stdexcept>
#include <string>

namespace daohil::simulators::detail {

namespace {

/// `side` transforms of `side` points each, in place.
void transform_lines(std::complex<float>* data, std::size_t side, int step, int next) {
  const int length = static_cast<int>(side);
  auto* const in_place = reinterpret_cast<fftwf_complex*>(data);
  Plan plan;
  {
    const std::lock_guard lock(planner_mutex());
    plan.reset(fftwf_plan_many_dft(1, &length, length, in_place, nullptr, step, next, in_place,
                                   nullptr, step, next, FFTW_BACKWARD, kReproducible));
  }
  if (!plan) throw std::runtime_error("FFTW has no plan for " + std::to_string(side) + " points");
  fftwf_execute(plan.get());
}

}  // namespace

void transform_rows(std::complex<float>* data, std::size_t side) {
  transform_lines(data, side, 1, static_cast<int>(side));
}

void transform_columns(std::complex<float>* data, std::size_t side) {
  transform_lines(data, side, static_cast<int>(side), 1);
}

}  // namespace daohil::simulators::detail
