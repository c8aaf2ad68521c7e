// What a detector costs, beside a plain copy of its frame and beside the standard library's Poisson
// generator. One core; real time per call, pixels/s as "items". Options: those of Google Benchmark.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "simulators/detector.hpp"

namespace {

using namespace daohil::simulators;

constexpr std::size_t kSide = 240;
constexpr std::size_t kPixels = kSide * kSide;

/// 20 x 20 Gaussian spots of this many photons and 1.3 pixels rms in 12 x 12 pixels each.
std::vector<float> spots(double photons) {
  constexpr double kVariance = 1.3 * 1.3;
  std::vector<float> image(kPixels);
  for (std::size_t i = 0; i < kPixels; ++i) {
    const double x = static_cast<double>(i % kSide % 12) - 5.5;
    const double y = static_cast<double>(i / kSide % 12) - 5.5;
    image[i] = static_cast<float>(photons * std::exp(-(x * x + y * y) / (2 * kVariance)) /
                                  (2 * std::numbers::pi * kVariance));
  }
  return image;
}

void count_pixels(benchmark::State& state, std::size_t pixels = kPixels) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pixels));
}

void copy_frame(benchmark::State& state) {
  const std::vector<std::uint16_t> from(kPixels, 1);
  std::vector<std::uint16_t> to(kPixels);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), kPixels * sizeof(std::uint16_t));
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  count_pixels(state);
}

void standard_library(benchmark::State& state) {
  const auto light = spots(1000);
  std::vector<std::uint16_t> out(kPixels);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kPixels; ++i) {
      const auto electrons =
          static_cast<float>(std::poisson_distribution<int>(double{light[i]})(random));
      out[i] = static_cast<std::uint16_t>(electrons + 200.0F + normal(random));
    }
    benchmark::DoNotOptimize(out.data());
  }
  count_pixels(state);
}

void poisson_row(benchmark::State& state, InstructionSet set) {
  const std::vector<float> means(kSide, static_cast<float>(state.range(0)) / 1000.0F);
  std::vector<float> row(kSide);
  RowNoise noise(Random(1, Stream::test), 1, 1, set);
  for (auto _ : state) {
    std::memcpy(row.data(), means.data(), kSide * sizeof(float));
    noise.poisson(row);
    benchmark::DoNotOptimize(row.data());
  }
  count_pixels(state, kSide);
}

void gain_row(benchmark::State& state, InstructionSet set) {
  const std::vector<float> electrons(kSide, static_cast<float>(state.range(0)));
  std::vector<float> row(kSide);
  RowNoise noise(Random(1, Stream::test), 1, 1, set);
  const AvalancheGain gain(600, 2);
  for (auto _ : state) {
    std::memcpy(row.data(), electrons.data(), kSide * sizeof(float));
    noise.multiply(row, gain);
    benchmark::DoNotOptimize(row.data());
  }
  count_pixels(state, kSide);
}

void read_row(benchmark::State& state, InstructionSet set) {
  const std::vector<float> charge(kSide, 100.0F);
  std::vector<std::uint16_t> row(kSide);
  RowNoise noise(Random(1, Stream::test), 1, 1, set);
  for (auto _ : state) {
    noise.read(charge, {1.0F, 200.0F, 1.0F, 1e9F, 16383.0F}, row);
    benchmark::DoNotOptimize(row.data());
  }
  count_pixels(state, kSide);
}

/// Photons, Poisson, gain if any, read noise, bias, clip, 16 bits: all of a frame.
void frame(benchmark::State& state, InstructionSet set, const DetectorSettings& settings,
           const std::vector<float>& light) {
  Detector detector(settings, set);
  std::vector<std::uint16_t> out(kPixels);
  std::uint64_t number = 0;
  for (auto _ : state) {
    detector.expose(light, ++number, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_pixels(state);
}

DetectorSettings plain() {
  DetectorSettings s;
  s.rows = s.columns = kSide;
  s.quantum_efficiency = 0.8;
  s.read_noise = 2;
  s.bias = 200;
  s.bits = 14;
  return s;
}

void add(InstructionSet set) {
  const auto named = [&](const std::string& what) { return what + "/" + std::string(name(set)); };
  benchmark::RegisterBenchmark(named("poisson_row/mean_e-3").c_str(), poisson_row, set)
      ->ArgsProduct({{3, 500, 3000, 8000, 50'000, 500'000, 50'000'000}});
  benchmark::RegisterBenchmark(named("gain_row/electrons").c_str(), gain_row, set)
      ->ArgsProduct({{0, 1, 3, 20}});
  benchmark::RegisterBenchmark(named("read_row").c_str(), read_row, set);

  auto full = cmos_detector();
  full.bad_pixels = {{3, 4, BadPixel::Kind::dead, 0}, {5, 6, BadPixel::Kind::hot, 1e6}};
  full.frame_transfer = FrameTransfer::whole;
  full.row_transfer = std::chrono::nanoseconds(100);
  full.cosmic_ray_rate = 1;
  const auto unit = benchmark::kMicrosecond;
  for (const int photons : {100, 1000}) {
    const auto light = spots(photons);
    const std::string size = "240x240/photons:" + std::to_string(photons);
    benchmark::RegisterBenchmark(named("frame/" + size).c_str(), frame, set, plain(), light)
        ->Unit(unit);
    benchmark::RegisterBenchmark(named("frame_emccd/" + size).c_str(), frame, set, emccd_detector(),
                                 light)
        ->Unit(unit);
    benchmark::RegisterBenchmark(named("frame_everything/" + size).c_str(), frame, set, full, light)
        ->Unit(unit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::RegisterBenchmark("copy_frame/240x240", copy_frame)->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("std_poisson_and_normal/240x240", standard_library)
      ->Unit(benchmark::kMicrosecond);
  for (const auto set : {InstructionSet::generic, InstructionSet::avx2, InstructionSet::avx512})
    if (set <= widest_instruction_set()) add(set);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
