#include <benchmark/benchmark.h>
#include <fftw3.h>
#include <fmt/format.h>

#include <cstring>
#include <string>
#include <vector>

#include "simulators/aligned_floats.hpp"
#include "simulators/boiling.hpp"
#include "simulators/influence.hpp"
#include "simulators/phase_screen.hpp"
#include "tests/bench/paired.hpp"
#include "tests/bench/program.hpp"

/// Turbulence and mirror on one core: a layer's motion and a mirror's shape beside the copy of the
/// wavefront they fill, the renewal of a boiling layer beside FFTW's fastest transform of as many
/// modes, in turns within one run.
namespace daohil::bench {
namespace {

using namespace simulators;

/// memcpy of as many floats.
class Copy {
 public:
  explicit Copy(std::size_t side) : from_(side * side), to_(side * side) {}
  void operator()() const {
    std::memcpy(to_.data(), from_.data(), from_.size() * sizeof(float));
    benchmark::DoNotOptimize(to_.data());
  }

 private:
  simulators::AlignedFloats from_;
  mutable simulators::AlignedFloats to_;
};

void motion(benchmark::State& state, std::size_t calls, std::size_t side, InstructionSet set) {
  const ScreenGeometry geometry{1024, 0.05, 25, side, Travel::along_x};
  const PhaseScreen screen = make_screens(geometry, Random(1, Stream::test), 0).first;
  Wavefront out(side, geometry.pitch);
  double frame = 0;
  compare(
      state, calls,
      [&] {
        frame += 1;
        screen.add_to(out, 0.1 * frame, 0.07 * frame, 1e-7F, set);
        benchmark::DoNotOptimize(out.opd().data());
      },
      Copy(side));
}

void shape(benchmark::State& state, std::size_t calls, std::size_t grid, std::size_t side,
           InstructionSet set) {
  const double pitch = static_cast<double>(side) / static_cast<double>(grid - 1);
  const GaussianInfluence influence(square_map(grid), 0.3, {side, pitch});
  std::vector<float> heights(influence.actuators());
  for (std::size_t i = 0; i < heights.size(); ++i) heights[i] = 1e-7F * static_cast<float>(i % 7);
  Wavefront out(side, 0.05);
  compare(
      state, calls,
      [&] {
        influence.add_to(out, heights, set);
        benchmark::DoNotOptimize(out.opd().data());
      },
      Copy(side));
}

/// FFTW planned by measurement, two-dimensional, in place.
class Transform {
 public:
  explicit Transform(int side)
      : data_(static_cast<fftwf_complex*>(
            fftwf_malloc(sizeof(fftwf_complex) * static_cast<std::size_t>(side * side)))),
        bytes_(sizeof(fftwf_complex) * static_cast<std::size_t>(side * side)),
        plan_(fftwf_plan_dft_2d(side, side, data_, data_, FFTW_BACKWARD, FFTW_MEASURE)) {
    std::memset(data_, 0, bytes_);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;
  ~Transform() {
    fftwf_destroy_plan(plan_);
    fftwf_free(data_);
  }
  void run() const { fftwf_execute(plan_); }

 private:
  fftwf_complex* data_;
  std::size_t bytes_;
  fftwf_plan plan_;
};

void renewal(benchmark::State& state, std::size_t side) {
  const ScreenGeometry geometry{side, 0.05, 0.05 * static_cast<double>(side) / 2, side / 4,
                                Travel::along_x};
  BoilingScreen boiling(geometry, 1, 0, 0.94);
  std::uint64_t step = 0;
  const Transform transform(static_cast<int>(side));
  compare(
      state, 2, [&] { benchmark::DoNotOptimize(boiling.at(++step)); }, [&] { transform.run(); });
}

void add_benchmarks(const Options& options) {
  const auto calls = static_cast<std::size_t>(options.calls);
  for (const auto set : {InstructionSet::generic, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > widest_instruction_set()) continue;
    for (const std::size_t side : {160U, 320U, 480U})
      add_rounds(options, fmt::format("layer/{}/{}", side, name(set)),
                 [=](benchmark::State& state) { motion(state, calls, side, set); });
    add_rounds(options, fmt::format("mirror/21x21in160/{}", name(set)),
               [=](benchmark::State& state) { shape(state, calls, 21, 160, set); });
    add_rounds(options, fmt::format("mirror/41x41in320/{}", name(set)),
               [=](benchmark::State& state) { shape(state, calls, 41, 320, set); });
  }
  for (const std::size_t side : {128U, 256U, 512U})
    add_rounds(options, fmt::format("renewal/{}", side),
               [=](benchmark::State& state) { renewal(state, side); });
}

}  // namespace
}  // namespace daohil::bench

int main(int argc, char** argv) {
  return daohil::bench::run_program(argc, argv, {.rounds = 15, .calls = 20},
                                    daohil::bench::add_benchmarks);
}
