#include <benchmark/benchmark.h>
#include <fftw3.h>
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "simulators/detail/complex_field.hpp"
#include "simulators/pyramid.hpp"
#include "simulators/shack_hartmann.hpp"
#include "tests/bench/paired.hpp"
#include "tests/bench/program.hpp"

/// Wavefront sensors on one core, each beside FFTW doing the same transforms alone (planned by
/// measurement, no gathering, no intensities), in turns within one run; a complex exponential
/// beside the copy of a frame.
namespace daohil::bench {
namespace {

using namespace simulators;

constexpr double kDiameter = 8;
constexpr double kWavelength = 600e-9;

Wavefront turbulence_like(std::size_t side) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  Wavefront wavefront(side, kDiameter / static_cast<double>(side));
  for (float& opd : wavefront.opd()) opd = 1e-7F * normal(generator);
  return wavefront;
}

/// `count` transforms of n x n complex numbers, one after the other in memory.
class FftwBatch {
 public:
  FftwBatch(int n, int count)
      : data_(static_cast<fftwf_complex*>(
            fftwf_malloc(sizeof(fftwf_complex) * static_cast<std::size_t>(n * n * count)))) {
    const int sides[2] = {n, n};
    plan_ = fftwf_plan_many_dft(2, sides, count, data_, nullptr, 1, n * n, data_, nullptr, 1, n * n,
                                FFTW_FORWARD, FFTW_MEASURE);
    std::memset(data_, 0, sizeof(fftwf_complex) * static_cast<std::size_t>(n * n * count));
  }
  FftwBatch(const FftwBatch&) = delete;
  FftwBatch& operator=(const FftwBatch&) = delete;
  ~FftwBatch() {
    fftwf_destroy_plan(plan_);
    fftwf_free(data_);
  }
  void run() const { fftwf_execute(plan_); }

 private:
  fftwf_complex* data_;
  fftwf_plan plan_;
};

struct Lenslets {
  std::size_t across;
  std::size_t samples;
  std::size_t pixels;
  std::size_t oversampling;
  PhaseSample sample;
  int fft;  ///< side of the transform that would give as many points
};

void shack_hartmann(benchmark::State& state, std::size_t calls, const Lenslets& array,
                    InstructionSet set) {
  const std::size_t side = array.across * array.samples;
  ShackHartmannSetup setup;
  setup.pupil = round_pupil(side, static_cast<double>(side), 0.1375);
  setup.pitch = kDiameter / static_cast<double>(side);
  setup.lenslets = array.across;
  setup.least_illumination = 0.5;
  setup.wavelength = kWavelength;
  setup.pixel_scale = kWavelength / (2 * kDiameter / static_cast<double>(array.across));
  setup.oversampling = array.oversampling;
  setup.sample = array.sample;
  setup.layout = SpotLayout::grid(array.across, array.pixels);
  setup.photons = 3e5;
  const ShackHartmann sensor(setup, set);
  auto workspace = sensor.make_workspace();
  std::vector<float> frame(sensor.pixels());
  const Wavefront wavefront = turbulence_like(side);
  const SubExposure whole{&wavefront, 1};
  const FftwBatch fftw(array.fft, static_cast<int>(sensor.subapertures().size()));
  compare(
      state, calls,
      [&] {
        sensor.render_rows({&whole, 1}, 0, array.across, frame, workspace);
      },
      [&] { fftw.run(); });
}

struct Facets {
  std::size_t side;
  std::size_t transform;
  std::size_t margin;
  std::size_t points;
};

void pyramid(benchmark::State& state, std::size_t calls, const Facets& size, InstructionSet set) {
  PyramidSetup setup;
  setup.pupil = round_pupil(size.side, static_cast<double>(size.side), 0.1375);
  setup.pitch = kDiameter / static_cast<double>(size.side);
  setup.wavelength = kWavelength;
  setup.transform = size.transform;
  setup.diameter = kDiameter;
  setup.modulation = 3;
  setup.points = size.points;
  setup.separation = static_cast<double>(size.transform) / 4;
  setup.margin = size.margin;
  setup.photons = 3e5;
  const Pyramid sensor(setup, set);
  auto workspace = sensor.make_workspace();
  std::vector<float> frame(sensor.pixels());
  const Wavefront wavefront = turbulence_like(size.side);
  const SubExposure whole{&wavefront, 1};
  // The least that shifted masks need: one transform forward, one back a point.
  const FftwBatch fftw(static_cast<int>(size.transform), static_cast<int>(1 + size.points));
  compare(
      state, calls,
      [&] {
        sensor.render({&whole, 1}, frame, workspace);
      },
      [&] { fftw.run(); });
}

template <std::size_t lanes>
struct Exponential {
  DAO_HIL_INLINE static void run(const float* phase, const float* amplitude, std::size_t n,
                                 float* re, float* im) {
    using Floats = typename simulators::detail::Lanes<lanes>::Floats;
    simulators::detail::complex_field<Floats>(phase, amplitude, 1.0F, n, re, im);
  }
};

void exponential(benchmark::State& state, std::size_t calls, InstructionSet set) {
  constexpr std::size_t kSamples = 160 * 160;
  std::vector<float> phase(kSamples), amplitude(kSamples, 1), re(kSamples), im(kSamples);
  for (std::size_t i = 0; i < kSamples; ++i) phase[i] = 0.001F * static_cast<float>(i);
  std::vector<float> from(240 * 240), to(240 * 240);
  compare(
      state, calls,
      [&] {
        simulators::detail::dispatch_lanes<Exponential>(set, std::as_const(phase).data(),
                                                        std::as_const(amplitude).data(), kSamples,
                                                        re.data(), im.data());
        benchmark::DoNotOptimize(re.data());
      },
      [&] {
        std::memcpy(to.data(), from.data(), from.size() * sizeof(float));
        benchmark::DoNotOptimize(to.data());
      });
}

void add_benchmarks(const Options& options) {
  const auto calls = static_cast<std::size_t>(options.calls);
  for (const auto set : {InstructionSet::generic, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    const auto name_of = [&](const std::string& what) {
      return fmt::format("{}/{}", what, name(set));
    };
    const auto spots = [&](const std::string& what, const Lenslets& array) {
      add_rounds(options, name_of("spots/" + what),
                 [=](benchmark::State& state) { shack_hartmann(state, calls, array, set); });
    };
    const auto facets = [&](const std::string& what, const Facets& size) {
      add_rounds(options, name_of("pyramid/" + what),
                 [=](benchmark::State& state) { pyramid(state, calls, size, set); });
    };
    add_rounds(options, name_of("exp/25600"),
               [=](benchmark::State& state) { exponential(state, calls, set); });
    using enum PhaseSample;
    spots("20x20/8to12/point", {20, 8, 12, 1, point, 16});
    spots("20x20/8to12/tile", {20, 8, 12, 1, tile, 16});
    spots("20x20/8to24bin2/tile", {20, 8, 12, 2, tile, 24});
    spots("20x20/12to12/point", {20, 12, 12, 1, point, 24});
    spots("20x20/10to12/point", {20, 10, 12, 1, point, 16});
    spots("40x40/8to12bin2/tile", {40, 8, 6, 2, tile, 16});
    spots("40x40/8to12/point", {40, 8, 12, 1, point, 16});
    facets("40in120/16", {40, 120, 0, 16});
    facets("40in120/16/whole", {40, 120, 120, 16});
    facets("40in128/16", {40, 128, 0, 16});
    facets("40in120/8", {40, 120, 0, 8});
    facets("80in240/16", {80, 240, 0, 16});
  }
}

}  // namespace
}  // namespace daohil::bench

int main(int argc, char** argv) {
  return daohil::bench::run_program(argc, argv, {.rounds = 15, .calls = 10},
                                    daohil::bench::add_benchmarks);
}
