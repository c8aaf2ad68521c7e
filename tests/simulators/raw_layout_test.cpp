#include "simulators/raw_layout.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

namespace daohil::simulators {
namespace {

constexpr std::size_t kPixels = kOcam2kSide * kOcam2kSide;
constexpr std::size_t kRaw = kOcam2kRawColumns * kOcam2kRawRows;

struct Entry {
  std::size_t pixel;
  std::size_t raw;
};

// Entries of First Light's table ocam2_descrambling.txt: image[i] = raw[table[i]]. The ends of
// every amplifier's first, second and last row.
constexpr Entry kTable[] = {
    {0, 1048},      {1, 1040},      {59, 576},      {60, 577},      {61, 585},      {119, 1049},
    {120, 1050},    {179, 578},     {180, 579},     {239, 1051},    {240, 1576},    {299, 1104},
    {300, 1105},    {360, 1578},    {479, 1579},    {28799, 63883}, {28800, 63887}, {28859, 63415},
    {28860, 63414}, {28919, 63886}, {28920, 63885}, {28979, 63413}, {28980, 63412}, {29039, 63884},
    {29040, 63359}, {57359, 1580},  {57360, 1055},  {57419, 583},   {57420, 582},   {57479, 1054},
    {57480, 1053},  {57539, 581},   {57540, 580},   {57599, 1052},
};

std::vector<std::uint16_t> numbered_image() {
  std::vector<std::uint16_t> image(kPixels);
  std::iota(image.begin(), image.end(), std::uint16_t{1000});
  return image;
}

TEST(Ocam2kRaw, PixelsLieWhereTheMakersTableSays) {
  const auto image = numbered_image();
  std::vector<std::uint16_t> raw(kRaw);
  scramble_ocam2k(image, 0, 7, raw);
  for (const auto [pixel, at] : kTable) EXPECT_EQ(raw[at], image[pixel]) << "pixel " << pixel;
}

TEST(Ocam2kRaw, EveryPixelIsThereOnceAndTheRestIsEmpty) {
  const auto image = numbered_image();
  std::vector<std::uint16_t> raw(kRaw);
  scramble_ocam2k(image, 0, 7, raw);
  std::vector<int> seen(1 << 16);
  for (const auto value : raw) ++seen[value];
  for (const auto value : image) EXPECT_EQ(seen[value], 1) << value;
  EXPECT_EQ(seen[7], static_cast<int>(kRaw - kPixels - 2));  // less the frame number's two words
}

TEST(Ocam2kRaw, FrameNumberIsLittleEndianAtByte8) {
  std::vector<std::uint16_t> raw(kRaw);
  scramble_ocam2k(numbered_image(), 0x04030201, 0, raw);
  const auto bytes = std::as_bytes(std::span(raw));
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(std::to_integer<std::size_t>(bytes[8 + i]), i + 1) << i;
}

TEST(Ocam2kRaw, RefusesOtherSizes) {
  std::vector<std::uint16_t> image(kPixels), raw(kRaw), other(100);
  EXPECT_THROW(scramble_ocam2k(other, 0, 0, raw), std::invalid_argument);
  EXPECT_THROW(scramble_ocam2k(image, 0, 0, other), std::invalid_argument);
}

TEST(Cred3, TagsAreThoseOfTheManual) {
  std::vector<std::uint16_t> image(10, 9);
  write_cred3_tags({0x00010002, Cred3Tags::Capacitor::low_gain, Cred3Tags::Marker::high}, image);
  const std::vector<std::uint16_t> expected = {2, 1, 0, 0xFFFD, 9, 9, 9, 9, 9, 9};
  EXPECT_EQ(image, expected);
  EXPECT_THROW(write_cred3_tags({}, std::span(image).first(3)), std::invalid_argument);
}

}  // namespace
}  // namespace daohil::simulators
