#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::simulators {

// What cameras send instead of an image. `drivers/unscramble` does the reverse, from an independent
// description.

/// OCAM2K, 240 x 240 pixels, no binning: eight amplifiers, each reading 120 rows of 60 columns
/// towards a corner of its eighth of the frame, multiplexed pixel by pixel:
///
///   raw[row][clock][amplifier], 121 x 66 x 8 words of 16 bits (528 x 121)
///
/// Row 0 is overscan and holds the frame number in bytes 8 to 11, little endian; clocks 0 to 5 are
/// prescan. Amplifiers 0 to 3 serve the upper half from left to right, row 1 being the image's
/// first row; 7 to 4 the lower half, row 1 being its last. Amplifiers 0, 2, 5, 7 read columns from
/// right to left.
///
/// Sources: number and sizes: ocam2_sdk.h and ocam2_sdk.c of First Light, as published in
/// magao-x/MagAOX, apps/ocam2KCtrl/fli; order: derived from First Light's table
/// ocam2_descrambling.txt as published in asurendran-keck/OCAM2k, whose values
/// tests/simulators/raw_layout_test.cpp holds. Unverified: what prescan and overscan contain.
inline constexpr std::size_t kOcam2kSide = 240;
inline constexpr std::size_t kOcam2kRawColumns = 528;
inline constexpr std::size_t kOcam2kRawRows = 121;

/// @param image kOcam2kSide squared, row-major @param number frame number
/// @param empty what prescan and overscan read, ADU
/// @param raw kOcam2kRawColumns x kOcam2kRawRows words
/// @throws std::invalid_argument for other lengths
void scramble_ocam2k(std::span<const std::uint16_t> image, std::uint32_t number,
                     std::uint16_t empty, std::span<std::uint16_t> raw);

/// What a C-RED 3 writes over the first four pixels of an image while `imagetags` is on:
///
///   pixels 0, 1   frame counter
///   pixel 2       0 in the CDS and HDR read-out modes
///   pixel 3       bit 0: frame marker input, bits 1 and 2: integration capacitor, others 1
///
/// Source: C-RED 3 user manual, "Tag generation" (easymanua.ls, page 48). Unverified: that pixel 0
/// is the counter's lower half, which the manual does not say; pixel 2 in other modes.
struct Cred3Tags {
  enum class Capacitor : std::uint8_t { high_gain, medium_gain, low_gain, hdr };
  enum class Marker : std::uint8_t { low, high };

  std::uint32_t counter = 0;
  Capacitor capacitor = Capacitor::high_gain;
  Marker marker = Marker::low;
};

/// @param image at least 4 pixels @throws std::invalid_argument
void write_cred3_tags(const Cred3Tags& tags, std::span<std::uint16_t> image);

}  // namespace daohil::simulators
