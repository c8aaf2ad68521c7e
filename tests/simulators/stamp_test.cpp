#include "simulators/stamp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "simulators/crc32c.hpp"
#include "simulators/test_pattern.hpp"

namespace daohil::simulators {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kColumns = 12;
constexpr std::size_t kRows = 10;

std::vector<std::byte> stamped_frame(std::uint64_t number, Element element = Element::int16,
                                     std::size_t element_bytes = 2) {
  std::vector<std::byte> frame(kColumns * kRows * element_bytes);
  fill_pattern(frame, element, kColumns, number);
  stamp(frame, number, nanoseconds{1'000'000 * number});
  return frame;
}

TEST(Stamp, TellsNumberAndTime) {
  auto frame = stamped_frame(7);
  stamp(frame, 0x0123456789ABCDEFU, nanoseconds{-5});
  const Check found = check(frame);
  EXPECT_EQ(found.verdict, Verdict::good);
  EXPECT_EQ(found.number, 0x0123456789ABCDEFU);
  EXPECT_EQ(found.due, nanoseconds{-5});
}

TEST(Stamp, LiesInTheFrameAsDocumented) {
  std::vector<std::byte> frame(300, std::byte{0x5A});
  stamp(frame, 0x0807060504030201U, nanoseconds{0x1817161514131211});
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(frame[i]); };
  const std::vector<unsigned> head{'D',  'H',  'S',  'T',  1,  0, 32,   0,    1,    2,
                                   3,    4,    5,    6,    7,  8, 0x11, 0x12, 0x13, 0x14,
                                   0x15, 0x16, 0x17, 0x18, 44, 1, 0,    0};
  for (std::size_t i = 0; i < head.size(); ++i) EXPECT_EQ(at(i), head[i]) << "byte " << i;
  const std::span<const std::byte> whole(frame);
  EXPECT_EQ(at(28) | at(29) << 8 | at(30) << 16 | at(31) << 24,
            crc32c(whole.subspan(32), crc32c(whole.first(28))));
}

TEST(Stamp, NoticesEverySingleBit) {
  auto frame = stamped_frame(42);
  ASSERT_EQ(check(frame).verdict, Verdict::good);
  for (std::size_t byte = 0; byte < frame.size(); ++byte)
    for (unsigned bit = 0; bit < 8; ++bit) {
      frame[byte] ^= static_cast<std::byte>(1U << bit);
      const Verdict expected = byte < 8 ? Verdict::no_stamp : Verdict::torn;
      EXPECT_EQ(check(frame).verdict, expected) << "byte " << byte << " bit " << bit;
      frame[byte] ^= static_cast<std::byte>(1U << bit);
    }
}

void expect_every_split_torn(const std::vector<std::byte>& first,
                             const std::vector<std::byte>& second) {
  ASSERT_EQ(check(first).verdict, Verdict::good);
  ASSERT_EQ(check(second).verdict, Verdict::good);
  const std::size_t row_bytes = first.size() / kRows;
  for (std::size_t row = 1; row < kRows; ++row) {
    auto mix = first;
    const auto cut = static_cast<std::ptrdiff_t>(row * row_bytes);
    std::copy(second.begin() + cut, second.end(), mix.begin() + cut);
    EXPECT_EQ(check(mix).verdict, Verdict::torn) << "second frame from row " << row;
    mix = second;
    std::copy(first.begin() + cut, first.end(), mix.begin() + cut);
    EXPECT_EQ(check(mix).verdict, Verdict::torn) << "first frame from row " << row;
  }
}

TEST(Stamp, NoticesTearsBetweenConsecutiveFrames) {
  for (const std::uint64_t k : {1, 2, 255, 256, 16383, 16384}) {
    expect_every_split_torn(stamped_frame(k), stamped_frame(k + 1));
    expect_every_split_torn(stamped_frame(k, Element::int8, 4),
                            stamped_frame(k + 1, Element::int8, 4));
    expect_every_split_torn(stamped_frame(k, Element::float64, 8),
                            stamped_frame(k + 1, Element::float64, 8));
  }
}

// In a ring of depth N a slot is overwritten by the frame N later, so powers of two matter most.
TEST(Stamp, NoticesTearsBetweenNeighboursInADeepRing) {
  for (const std::uint64_t depth : {2, 8, 256, 512, 16384, 65536, 1'000'000}) {
    expect_every_split_torn(stamped_frame(5), stamped_frame(5 + depth));
  }
  for (const std::uint64_t depth : {2, 8, 256, 512, 1024})
    expect_every_split_torn(stamped_frame(5, Element::int8, 4),
                            stamped_frame(5 + depth, Element::int8, 4));
}

TEST(Stamp, NoticesAnotherLength) {
  auto frame = stamped_frame(3);
  frame.pop_back();
  EXPECT_EQ(check(frame).verdict, Verdict::torn);
}

TEST(Stamp, IsNotFoundWhereThereIsNone) {
  EXPECT_EQ(check({}).verdict, Verdict::no_stamp);
  EXPECT_EQ(check(std::vector<std::byte>(31)).verdict, Verdict::no_stamp);
  const Check zeros = check(std::vector<std::byte>(4096));
  EXPECT_EQ(zeros.verdict, Verdict::no_stamp);
  EXPECT_EQ(zeros.number, 0U);
}

TEST(Stamp, NeedsRoom) {
  std::vector<std::byte> small(kStampBytes - 1);
  EXPECT_THROW(stamp(small, 1, nanoseconds{0}), std::invalid_argument);
  std::vector<std::byte> exact(kStampBytes);
  stamp(exact, 1, nanoseconds{0});
  EXPECT_EQ(check(exact).verdict, Verdict::good);
}

}  // namespace
}  // namespace daohil::simulators
