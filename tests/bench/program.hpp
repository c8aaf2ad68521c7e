#pragma once

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

namespace daohil::bench {

/// What the command line of a benchmark program sets, beside Google Benchmark's own flags.
struct Options {
  std::int64_t rounds = 0;                    ///< rounds of every comparison
  std::int64_t calls = 0;                     ///< calls in a round; 0: each comparison's own
  std::filesystem::path folder = "/dev/shm";  ///< where the streams lie
};

/// --rounds=N, --calls=N, --folder=DIR. @returns false on anything else
inline bool take_option(Options& options, std::string_view argument) {
  const auto number = [&](std::string_view name, std::int64_t& into) {
    if (!argument.starts_with(name)) return false;
    const std::string_view text = argument.substr(name.size());
    const auto end = text.data() + text.size();
    return std::from_chars(text.data(), end, into).ptr == end && into >= 1;
  };
  constexpr std::string_view kFolder = "--folder=";
  if (argument.starts_with(kFolder)) {
    options.folder = argument.substr(kFolder.size());
    return true;
  }
  return number("--rounds=", options.rounds) || number("--calls=", options.calls);
}

/// The main function of a benchmark program.
/// @param add registers the benchmarks
template <typename Add>
int run_program(int argc, char** argv, Options options, const Add& add) {
  try {
    benchmark::Initialize(&argc, argv);
    for (int i = 1; i < argc; ++i)
      if (!take_option(options, argv[i])) {
        fmt::print(stderr, "{}: unknown argument {}; --rounds=N, --calls=N, --folder=DIR\n",
                   argv[0], argv[i]);
        return 2;
      }
    add(options);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: {}\n", argv[0], error.what());
    return 1;
  }
}

/// A benchmark that counts rounds and sets the time of each itself.
template <typename Body>
void add_rounds(const Options& options, const std::string& name, const Body& body) {
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->Iterations(options.rounds)
      ->UseManualTime()
      ->Unit(benchmark::kNanosecond);
}

}  // namespace daohil::bench
