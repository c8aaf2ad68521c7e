#include "drivers/usb/pixel_format.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace daohil::drivers::usb {
namespace {

using Raw = std::vector<std::byte>;

PixelFormat format(std::string_view name) { return pixel_format_named(name).value(); }

Raw raw(std::initializer_list<unsigned> values) {
  Raw bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<unsigned> pixels_of(const ImageLayout& layout, const Raw& payload) {
  const bool wide = layout.format.type() == shm::PixelType::u16;
  Raw frame(layout.width * layout.height * (wide ? 2 : 1));
  EXPECT_TRUE(unpack(layout, payload, frame));
  std::vector<unsigned> pixels;
  for (std::size_t i = 0; i < frame.size(); i += wide ? 2 : 1) {
    std::uint16_t value = std::to_integer<std::uint16_t>(frame[i]);
    if (wide) std::memcpy(&value, &frame[i], 2);
    pixels.push_back(value);
  }
  return pixels;
}

// The definition of "p" formats, bit by bit: pixel k is bits k * n to k * n + n - 1.
Raw pack_lsb(const std::vector<unsigned>& pixels, unsigned bits) {
  Raw bytes((pixels.size() * bits + 7) / 8);
  for (std::size_t k = 0; k < pixels.size(); ++k)
    for (unsigned b = 0; b < bits; ++b)
      if ((pixels[k] >> b & 1U) != 0)
        bytes[(k * bits + b) / 8] |= static_cast<std::byte>(1U << ((k * bits + b) % 8));
  return bytes;
}

TEST(PixelFormats, HaveTheCodesOfPfnc) {
  EXPECT_EQ(format("Mono8").code, 0x01080001U);
  EXPECT_EQ(format("Mono10").code, 0x01100003U);
  EXPECT_EQ(format("Mono10p").code, 0x010A0046U);
  EXPECT_EQ(format("Mono12").code, 0x01100005U);
  EXPECT_EQ(format("Mono12p").code, 0x010C0047U);
  EXPECT_EQ(format("Mono14").code, 0x01100025U);
  EXPECT_EQ(format("Mono16").code, 0x01100007U);
  EXPECT_EQ(pixel_format_of(0x01100025)->name, "Mono14");
  EXPECT_FALSE(pixel_format_of(0x02180014));  // RGB8
  EXPECT_FALSE(pixel_format_named("BayerRG8"));
}

TEST(PixelFormats, AreAsManyBitsAsTheirCodeSays) {
  for (const PixelFormat& each : pixel_formats()) {
    const unsigned expected = each.packing == Packing::lsb            ? each.bits
                              : each.packing == Packing::gige_grouped ? 12U
                              : each.bits > 8                         ? 16U
                                                                      : 8U;
    EXPECT_EQ(each.stored_bits(), expected) << each.name;
  }
}

TEST(Unpack, TakesMono8AndMono16AsTheyAre) {
  EXPECT_EQ(pixels_of({format("Mono8"), 3, 1}, raw({1, 2, 255})),
            (std::vector<unsigned>{1, 2, 255}));
  EXPECT_EQ(pixels_of({format("Mono16"), 2, 1}, raw({0x34, 0x12, 0xFF, 0x00})),
            (std::vector<unsigned>{0x1234, 0x00FF}));
}

TEST(Unpack, PackedOfGigeVisionSharesTheMiddleByte) {
  EXPECT_EQ(pixels_of({format("Mono12Packed"), 2, 1}, raw({0xAB, 0x3C, 0xDE})),
            (std::vector<unsigned>{0xABC, 0xDE3}));
  EXPECT_EQ(pixels_of({format("Mono10Packed"), 2, 1}, raw({0xFF, 0x12, 0x01})),
            (std::vector<unsigned>{0x3FE, 0x005}));
  EXPECT_EQ(pixels_of({format("Mono12Packed"), 3, 1}, raw({0xAB, 0x3C, 0xDE, 0x11, 0x02})),
            (std::vector<unsigned>{0xABC, 0xDE3, 0x112}));
}

TEST(Unpack, BitStreamsOfEveryLengthAgreeWithTheDefinition) {
  constexpr unsigned kSeed = 20240607;
  std::mt19937 random(kSeed);
  for (const char* name : {"Mono10p", "Mono12p"}) {
    const PixelFormat which = format(name);
    for (std::size_t count = 1; count < 40; ++count) {
      std::vector<unsigned> pixels(count);
      for (unsigned& pixel : pixels)
        pixel = static_cast<unsigned>(random()) & ((1U << which.bits) - 1);
      EXPECT_EQ(pixels_of({which, count, 1}, pack_lsb(pixels, which.bits)), pixels)
          << name << " of " << count << " pixels, seed " << kSeed;
    }
  }
}

TEST(Unpack, LinesOfPackedFormatsFollowInTheMiddleOfAByte) {
  const std::vector<unsigned> pixels{1, 2, 3, 4, 5, 6, 7, 8, 1023};
  EXPECT_EQ(payload_bytes({format("Mono10p"), 3, 3}), 12U);  // 90 bits
  EXPECT_EQ(pixels_of({format("Mono10p"), 3, 3}, pack_lsb(pixels, 10)), pixels);
}

TEST(Unpack, LeavesOutThePaddingOfLines) {
  EXPECT_EQ(payload_bytes({format("Mono12p"), 3, 2, 3}), 16U);
  Raw payload = pack_lsb({1, 2, 3}, 12);
  payload.resize(8, std::byte{0xEE});
  const Raw second = pack_lsb({4, 5, 6}, 12);
  payload.insert(payload.end(), second.begin(), second.end());
  payload.resize(16, std::byte{0xEE});
  EXPECT_EQ(pixels_of({format("Mono12p"), 3, 2, 3}, payload),
            (std::vector<unsigned>{1, 2, 3, 4, 5, 6}));
}

TEST(Unpack, RefusesWhatDoesNotFit) {
  Raw frame(8, std::byte{7});
  const Raw payload(8);
  const ImageLayout layout{format("Mono16"), 2, 2};
  EXPECT_FALSE(unpack(layout, std::span(payload).first(7), frame));
  EXPECT_FALSE(unpack(layout, payload, std::span(frame).first(6)));
  EXPECT_FALSE(unpack({format("Mono16"), 0, 2}, payload, frame));
  EXPECT_FALSE(unpack({format("Mono16"), SIZE_MAX, SIZE_MAX, SIZE_MAX}, payload, frame));
  EXPECT_EQ(frame, Raw(8, std::byte{7}));
}

}  // namespace
}  // namespace daohil::drivers::usb
