#include "simulators/shutter.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

namespace daohil::simulators {
namespace {

using std::chrono::microseconds;

RowTiming timing(Shutter shutter, std::size_t rows) {
  return {shutter, rows, microseconds(100), microseconds(10)};
}

TEST(Shutter, GlobalExposesAllRowsAtOnce) {
  for (const std::size_t row : {0, 3, 7})
    EXPECT_EQ(row_window(timing(Shutter::global, 8), row),
              (TimeWindow{microseconds(0), microseconds(100)}));
}

TEST(Shutter, RollingGoesFromTheFirstRow) {
  const auto t = timing(Shutter::rolling, 8);
  EXPECT_EQ(row_window(t, 0), (TimeWindow{microseconds(0), microseconds(100)}));
  EXPECT_EQ(row_window(t, 7), (TimeWindow{microseconds(70), microseconds(170)}));
  EXPECT_THROW(static_cast<void>(row_window(t, 8)), std::out_of_range);
}

TEST(Shutter, RollingFromTheCentreReadsBothHalvesOutwards) {
  const auto starts = [](std::size_t rows) {
    std::vector<std::int64_t> result;
    for (std::size_t row = 0; row < rows; ++row)
      result.push_back(row_window(timing(Shutter::rolling_from_centre, rows), row).start.count() /
                       10'000);
    return result;
  };
  EXPECT_EQ(starts(6), (std::vector<std::int64_t>{2, 1, 0, 0, 1, 2}));
  EXPECT_EQ(starts(5), (std::vector<std::int64_t>{1, 0, 0, 1, 2}));
  EXPECT_EQ(starts(1), (std::vector<std::int64_t>{0}));
}

TEST(ComposeRows, EachRowTakesTheImagesOfItsOwnTime) {
  // Rows of 100 us that begin 0, 10, 20, 30 us; light only in the first and in the last 50 us.
  const auto t = timing(Shutter::rolling, 4);
  const std::vector<float> early(4 * 2, 10.0F), late(4 * 2, 1000.0F);
  const TimedImage images[] = {{{microseconds(0), microseconds(50)}, early},
                               {{microseconds(80), microseconds(130)}, late}};
  std::vector<float> out(4 * 2);
  compose_rows(t, images, out);
  for (std::size_t row = 0; row < 4; ++row) {
    const float shift = static_cast<float>(row) * 10.0F;
    const float expected = 10.0F * (50.0F - shift) / 50.0F + 1000.0F * (20.0F + shift) / 50.0F;
    EXPECT_FLOAT_EQ(out[2 * row], expected) << row;
    EXPECT_FLOAT_EQ(out[2 * row + 1], expected) << row;
  }
}

TEST(ComposeRows, GlobalShutterSumsAllImages) {
  const auto t = timing(Shutter::global, 3);
  std::vector<float> image(6);
  std::iota(image.begin(), image.end(), 1.0F);
  std::vector<TimedImage> images;
  for (int k = 0; k < 5; ++k)
    images.push_back({{microseconds(20 * k), microseconds(20 * k + 20)}, image});
  std::vector<float> out(6);
  compose_rows(t, images, out);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(out[i], 5 * image[i]);
}

TEST(ComposeRows, NoImageIsDarkAndWrongOnesAreRefused) {
  const auto t = timing(Shutter::rolling, 3);
  std::vector<float> out(6, 5.0F), small(5);
  compose_rows(t, {}, out);
  EXPECT_EQ(out, std::vector<float>(6, 0.0F));
  const TimedImage too_small[] = {{{microseconds(0), microseconds(1)}, small}};
  EXPECT_THROW(compose_rows(t, too_small, out), std::invalid_argument);
  const TimedImage empty[] = {{{microseconds(1), microseconds(1)}, out}};
  EXPECT_THROW(compose_rows(t, empty, out), std::invalid_argument);
  EXPECT_THROW(compose_rows(t, {}, small), std::invalid_argument);
  EXPECT_THROW(compose_rows(timing(Shutter::rolling, 0), {}, out), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
