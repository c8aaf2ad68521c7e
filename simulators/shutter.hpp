#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::simulators {

enum class Shutter : std::uint8_t {
  global,               ///< every row at the same time
  rolling,              ///< one row after the other, from the first
  rolling_from_centre,  ///< both halves at once, from the two middle rows outwards (two-sided
                        ///< sCMOS)
};

/// A time interval, counted from the start of the frame's first row to be exposed.
struct TimeWindow {
  std::chrono::nanoseconds start{0};
  std::chrono::nanoseconds end{0};

  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

/// When the rows of a frame collect light.
struct RowTiming {
  Shutter shutter = Shutter::global;
  std::size_t rows = 0;
  std::chrono::nanoseconds exposure{0};
  std::chrono::nanoseconds row_time{0};  ///< from one row to the next that is read; rolling only
};

/// @param row below timing.rows @throws std::out_of_range
[[nodiscard]] TimeWindow row_window(const RowTiming& timing, std::size_t row);

/// What falls onto the detector during one interval: photons per pixel, row-major, arriving evenly.
struct TimedImage {
  TimeWindow window;
  std::span<const float> photons;
};

/// The light that each row collects in its own window from images of successive intervals: the sum
/// of every image times the fraction of its interval that lies in the row's window. Time that no
/// image covers is dark.
/// @param out photons per pixel, timing.rows rows
/// @throws std::invalid_argument if an image is not as large as `out`, an interval is empty, or
/// `out` is not a whole number of rows
void compose_rows(const RowTiming& timing, std::span<const TimedImage> images,
                  std::span<float> out);

}  // namespace daohil::simulators
