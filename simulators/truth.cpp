#include "simulators/truth.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace daohil::simulators {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::invalid_argument("truth: " + what); }

/// Steps from sample to sample, weighted by the light of both.
class MeanStep {
 public:
  void add(float light, float next_light, float opd, float next_opd) {
    const double both = std::sqrt(static_cast<double>(light) * static_cast<double>(next_light));
    if (both == 0) return;
    sum_ += both * (static_cast<double>(next_opd) - static_cast<double>(opd));
    weight_ += both;
  }
  [[nodiscard]] double value() const { return weight_ > 0 ? sum_ / weight_ : 0; }

 private:
  double sum_ = 0;
  double weight_ = 0;
};

Slope slope_of(const Pupil& pupil, const Wavefront& wavefront, std::size_t x0, std::size_t y0,
               std::size_t samples) {
  MeanStep along_x;
  MeanStep along_y;
  for (std::size_t y = y0; y < y0 + samples; ++y)
    for (std::size_t x = x0; x < x0 + samples; ++x) {
      if (x + 1 < x0 + samples)
        along_x.add(pupil.at(x, y), pupil.at(x + 1, y), wavefront.at(x, y), wavefront.at(x + 1, y));
      if (y + 1 < y0 + samples)
        along_y.add(pupil.at(x, y), pupil.at(x, y + 1), wavefront.at(x, y), wavefront.at(x, y + 1));
    }
  return {along_x.value() / wavefront.pitch(), along_y.value() / wavefront.pitch()};
}

}  // namespace

void true_slopes(const Wavefront& wavefront, const Pupil& pupil, std::size_t lenslets,
                 std::span<const Subaperture> subapertures, std::span<Slope> slopes) {
  if (wavefront.side() != pupil.side)
    refuse("a wavefront of " + std::to_string(wavefront.side()) +
           " samples a side for a pupil of " + std::to_string(pupil.side));
  if (lenslets == 0 || pupil.side % lenslets != 0)
    refuse(std::to_string(lenslets) + " lenslets over " + std::to_string(pupil.side) +
           " samples; a divisor of the number of samples");
  if (slopes.size() != subapertures.size())
    refuse("room for " + std::to_string(slopes.size()) + " slopes of " +
           std::to_string(subapertures.size()) + " subapertures");
  const std::size_t samples = pupil.side / lenslets;
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    const Subaperture& its = subapertures[i];
    if (its.x >= lenslets || its.y >= lenslets)
      refuse("a subaperture outside of the " + std::to_string(lenslets) + " lenslets a side");
    slopes[i] = slope_of(pupil, wavefront, its.x * samples, its.y * samples, samples);
  }
}

}  // namespace daohil::simulators
