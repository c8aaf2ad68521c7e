#include "simulators/shutter.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace daohil::simulators {
namespace {

/// How many row times after the first row this one begins.
std::size_t rows_before(const RowTiming& timing, std::size_t row) {
  switch (timing.shutter) {
    case Shutter::global:
      return 0;
    case Shutter::rolling:
      return row;
    case Shutter::rolling_from_centre: {
      const std::size_t lower = timing.rows / 2;  // with an odd count the middle row is in it
      return row >= lower ? row - lower : lower - 1 - row;
    }
  }
  return 0;
}

float fraction_within(const TimeWindow& image, const TimeWindow& row) {
  const auto overlap = std::min(image.end, row.end) - std::max(image.start, row.start);
  if (overlap.count() <= 0) return 0.0F;
  return static_cast<float>(static_cast<double>(overlap.count()) /
                            static_cast<double>((image.end - image.start).count()));
}

}  // namespace

TimeWindow row_window(const RowTiming& timing, std::size_t row) {
  if (row >= timing.rows)
    throw std::out_of_range("row " + std::to_string(row) + " of a shutter with " +
                            std::to_string(timing.rows) + " rows");
  const auto start =
      timing.row_time * static_cast<std::chrono::nanoseconds::rep>(rows_before(timing, row));
  return {start, start + timing.exposure};
}

void compose_rows(const RowTiming& timing, std::span<const TimedImage> images,
                  std::span<float> out) {
  if (timing.rows == 0 || out.size() % timing.rows != 0)
    throw std::invalid_argument("compose_rows: " + std::to_string(out.size()) +
                                " pixels are no whole number of " + std::to_string(timing.rows) +
                                " rows");
  for (const TimedImage& image : images) {
    if (image.photons.size() != out.size())
      throw std::invalid_argument("compose_rows: an image of " +
                                  std::to_string(image.photons.size()) + " pixels, the frame has " +
                                  std::to_string(out.size()));
    if (image.window.end <= image.window.start)
      throw std::invalid_argument("compose_rows: an image from " +
                                  std::to_string(image.window.start.count()) + " ns to " +
                                  std::to_string(image.window.end.count()) + " ns is empty");
  }
  const std::size_t columns = out.size() / timing.rows;
  for (std::size_t row = 0; row < timing.rows; ++row) {
    const auto line = out.subspan(row * columns, columns);
    std::fill(line.begin(), line.end(), 0.0F);
    for (const TimedImage& image : images) {
      const float part = fraction_within(image.window, row_window(timing, row));
      if (part == 0.0F) continue;
      const auto from = image.photons.subspan(row * columns, columns);
      for (std::size_t i = 0; i < columns; ++i) line[i] += part * from[i];
    }
  }
}

}  // namespace daohil::simulators
