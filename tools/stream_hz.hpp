#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "shm/interval_meter.hpp"
#include "shm/time.hpp"

namespace daohil::tools {

/// When `hil stream hz` ends, besides Ctrl-C.
struct HzLimits {
  std::optional<shm::Duration> duration;
  std::optional<std::uint64_t> frames;
  shm::Duration silence = std::chrono::seconds(10);  ///< longest time without a frame
};

enum class HzEnd { duration, frames, silence, signal };
[[nodiscard]] std::string_view name_of(HzEnd end);

struct HzResult {
  shm::PaceReport pace;
  HzEnd end = HzEnd::duration;
};

/// Follow a stream frame by frame, also when it is replaced; a line a second on standard error if
/// that is a terminal. Catches SIGINT, SIGTERM and SIGHUP.
/// @throws shm::Error as Reader::open
HzResult measure_hz(const std::filesystem::path& path, const HzLimits& limits);

}  // namespace daohil::tools
