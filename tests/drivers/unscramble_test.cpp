#include "drivers/unscramble.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <vector>

#include "simulators/raw_layout.hpp"

namespace daohil::drivers {
namespace {

constexpr std::size_t kPixels = 240 * 240;
constexpr std::size_t kRaw = 528 * 121;

std::vector<std::uint16_t> random_words(std::size_t n) {
  std::mt19937 random(20265);
  std::vector<std::uint16_t> words(n);
  for (auto& word : words) word = static_cast<std::uint16_t>(random());
  return words;
}

// Entries of First Light's table ocam2_descrambling.txt (see simulators/raw_layout.hpp).
TEST(Unscramble, Ocam2kIndexIsThatOfTheMakersTable) {
  EXPECT_EQ(ocam2k_raw_index(0, 0), 1048U);
  EXPECT_EQ(ocam2k_raw_index(0, 59), 576U);
  EXPECT_EQ(ocam2k_raw_index(0, 60), 577U);
  EXPECT_EQ(ocam2k_raw_index(0, 239), 1051U);
  EXPECT_EQ(ocam2k_raw_index(1, 0), 1576U);
  EXPECT_EQ(ocam2k_raw_index(119, 239), 63883U);
  EXPECT_EQ(ocam2k_raw_index(120, 0), 63887U);
  EXPECT_EQ(ocam2k_raw_index(120, 180), 63412U);
  EXPECT_EQ(ocam2k_raw_index(239, 0), 1055U);
  EXPECT_EQ(ocam2k_raw_index(239, 239), 1052U);
}

TEST(Unscramble, Ocam2kIsTheReverseOfTheSimulatedReadOut) {
  const auto image = random_words(kPixels);
  std::vector<std::uint16_t> raw(kRaw), back(kPixels);
  for (const std::uint32_t number : {0U, 1U, 0xFFFFU, 0x10000U, 0xFFFFFFFFU}) {
    simulators::scramble_ocam2k(image, number, 408, raw);
    EXPECT_EQ(unscramble_ocam2k(raw, back), number);
    EXPECT_EQ(back, image);
  }
}

TEST(Unscramble, Ocam2kRefusesOtherSizes) {
  std::vector<std::uint16_t> raw(kRaw), image(kPixels);
  EXPECT_THROW(unscramble_ocam2k(std::span(raw).first(kRaw - 1), image), std::invalid_argument);
  EXPECT_THROW(unscramble_ocam2k(raw, std::span(image).first(0)), std::invalid_argument);
}

TEST(Unscramble, Cred3TagsComeBack) {
  using Simulated = simulators::Cred3Tags;
  std::vector<std::uint16_t> image(640, 5000);
  simulators::write_cred3_tags({0xFFFE0001, Simulated::Capacitor::hdr, Simulated::Marker::high},
                               image);
  const auto tags = read_cred3_tags(image);
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->counter, 0xFFFE0001U);
  EXPECT_EQ(tags->capacitor, 3U);
  EXPECT_EQ(tags->frame_marker, 1U);
}

TEST(Unscramble, Cred3ImageWithoutTagsIsNoticed) {
  const std::vector<std::uint16_t> image(640, 16383);  // 14 bits: the reserved ones cannot be set
  EXPECT_FALSE(read_cred3_tags(image));
  EXPECT_FALSE(read_cred3_tags(std::span(image).first(3)));
  EXPECT_FALSE(read_cred3_tags({}));
}

}  // namespace
}  // namespace daohil::drivers
