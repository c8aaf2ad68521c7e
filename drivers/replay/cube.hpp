#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shm/frame.hpp"
#include "shm/time.hpp"

namespace daohil::drivers {

/// A recording, whole in memory.
struct Cube {
  shm::FrameFormat format;
  std::uint64_t frames;
  std::vector<std::byte> pixels;  ///< all frames, C order, little endian
  std::string sha256;             ///< of `pixels`, lower-case hex
  std::optional<shm::Rate> rate;  ///< as recorded, if the file tells

  /// @param index 0 .. frames - 1
  [[nodiscard]] std::span<const std::byte> frame(std::uint64_t index) const {
    return {pixels.data() + index * format.bytes(), format.bytes()};
  }
};

/// Load a FITS image cube or a .npy array; the file's first bytes tell which, not its name.
/// Not from two threads at once: cfitsio keeps its messages in one place for the whole process.
/// @throws Error on one line, naming the file, when it is missing, unreadable, truncated, of
///         another format, of an unsupported type or shape, or too large for this computer
Cube load_cube(const std::filesystem::path& file);

}  // namespace daohil::drivers
