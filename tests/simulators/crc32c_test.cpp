#include "simulators/crc32c.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string_view>
#include <vector>

namespace daohil::simulators {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// RFC 3720, appendix B.4, and the check value of the CRC catalogue ("CRC-32/ISCSI").
TEST(Crc32c, PublishedValues) {
  const std::vector<std::byte> zeros(32, std::byte{0});
  const std::vector<std::byte> ones(32, std::byte{0xFF});
  std::vector<std::byte> rising(32);
  for (std::size_t i = 0; i < rising.size(); ++i) rising[i] = static_cast<std::byte>(i);
  for (const auto implementation : {crc32c, crc32c_portable}) {
    EXPECT_EQ(implementation(bytes_of("123456789"), 0), 0xE3069283U);
    EXPECT_EQ(implementation(zeros, 0), 0x8A9136AAU);
    EXPECT_EQ(implementation(ones, 0), 0x62A8AB43U);
    EXPECT_EQ(implementation(rising, 0), 0x46DD794EU);
    EXPECT_EQ(implementation({}, 0), 0U);
  }
}

// The definition itself, a bit at a time.
std::uint32_t by_definition(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
  }
  return ~crc;
}

TEST(Crc32c, AllImplementationsAgreeAtAnyLengthAndAlignment) {
  std::mt19937 random(20261123);
  std::vector<std::byte> buffer(600);
  for (auto& byte : buffer) byte = static_cast<std::byte>(random() & 0xFFU);
  for (int i = 0; i < 4000; ++i) {
    const std::size_t offset = random() % 17;
    const std::size_t length = random() % (buffer.size() - offset);
    const std::span<const std::byte> part = std::span(buffer).subspan(offset, length);
    const std::uint32_t expected = by_definition(part);
    ASSERT_EQ(crc32c(part), expected) << offset << '+' << length;
    ASSERT_EQ(crc32c_portable(part), expected) << offset << '+' << length;
  }
}

TEST(Crc32c, ContinuesAtAnyCut) {
  const auto text = bytes_of("the frame after the one read last");
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(text.subspan(cut), crc32c(text.first(cut))), crc32c(text));
    EXPECT_EQ(crc32c_portable(text.subspan(cut), crc32c(text.first(cut))), crc32c(text));
  }
}

}  // namespace
}  // namespace daohil::simulators
