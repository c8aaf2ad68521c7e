#pragma once

#include <filesystem>
#include <string_view>

#include "drivers/replay/cube.hpp"

namespace daohil::drivers {

/// FITS standard 4.0, section 4.4.1.1: the first card of every file.
inline constexpr std::string_view kFitsMagic = "SIMPLE  =";

/// Read the first image of a FITS file (primary HDU or extension, tile-compressed included).
/// NAXIS 2: one frame, NAXIS 3: one frame per plane. NAXIS1 varies fastest, so that a frame has
/// the shape (NAXIS2, NAXIS1). FRATE, in the image's header or else in the primary one, is the
/// recorded rate in Hz. Integers of 8 to 32 bits, signed or unsigned (by BZERO, section 4.4.2.5),
/// and floats; other scalings are refused rather than rounded.
/// @returns the cube without its sha256
/// @throws Error as load_cube
Cube load_fits(const std::filesystem::path& file);

}  // namespace daohil::drivers
