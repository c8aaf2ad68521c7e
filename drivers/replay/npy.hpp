#pragma once

#include <filesystem>
#include <string_view>

#include "drivers/replay/cube.hpp"

namespace daohil::drivers {

/// NEP 1, "A simple file format for NumPy arrays".
inline constexpr std::string_view kNpyMagic = "\x93NUMPY";

/// Read a .npy file of version 1, 2 or 3: C order, either byte order, integers, floats and complex
/// floats. Two axes: one frame, three: one frame per index of the first.
/// @returns the cube without its sha256; .npy records no rate
/// @throws Error as load_cube; no header, however hostile, does worse
Cube load_npy(const std::filesystem::path& file);

}  // namespace daohil::drivers
