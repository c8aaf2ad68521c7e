#include "simulators/test_pattern.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace daohil::simulators {
namespace {

template <typename T, Element E>
struct Case {
  using Value = T;
  static constexpr Element element = E;
};

template <typename C>
class TestPattern : public testing::Test {
 public:
  using T = typename C::Value;
  static constexpr std::uint64_t kRange = sizeof(T) == 1 ? 256 : 16384;
  static constexpr std::size_t kRows = 7;
  static constexpr std::size_t kColumns = 11;

  static std::vector<T> frame(std::uint64_t number) {
    std::vector<T> values(kRows * kColumns);
    fill_pattern(std::as_writable_bytes(std::span(values)), C::element, kColumns, number);
    return values;
  }
};

using Cases =
    testing::Types<Case<std::uint8_t, Element::int8>, Case<std::uint16_t, Element::int16>,
                   Case<std::int16_t, Element::int16>, Case<std::uint32_t, Element::int32>,
                   Case<std::int64_t, Element::int64>, Case<float, Element::float32>,
                   Case<double, Element::float64>>;
TYPED_TEST_SUITE(TestPattern, Cases);

TYPED_TEST(TestPattern, FollowsItsFormula) {
  for (const std::uint64_t number : {1ULL, 255ULL, 16384ULL, 100000ULL, 10'000'000'000ULL}) {
    const auto values = TestFixture::frame(number);
    const std::uint64_t slope = 1 + number / TestFixture::kRange;
    for (std::uint64_t row = 0; row < TestFixture::kRows; ++row)
      for (std::uint64_t column = 0; column < TestFixture::kColumns; ++column) {
        const std::uint64_t expected = (number + column + (row + 1) * slope) % TestFixture::kRange;
        ASSERT_EQ(values[row * TestFixture::kColumns + column],
                  static_cast<typename TypeParam::Value>(expected))
            << number << ": " << row << ", " << column;
      }
  }
}

TYPED_TEST(TestPattern, DiffersInEveryPixelFromOneFrameToTheNext) {
  for (const std::uint64_t number : {1, 100, 254, 16382, 20000}) {
    const auto one = TestFixture::frame(number);
    const auto other = TestFixture::frame(number + 1);
    for (std::size_t i = 0; i < one.size(); ++i) ASSERT_NE(one[i], other[i]) << number << ": " << i;
  }
}

TEST(TestPatternShape, NeedsWholeRows) {
  std::vector<std::byte> frame(30);
  EXPECT_THROW(fill_pattern(frame, Element::int16, 4, 1), std::invalid_argument);
  EXPECT_THROW(fill_pattern(frame, Element::int16, 0, 1), std::invalid_argument);
  EXPECT_NO_THROW(fill_pattern(frame, Element::int16, 5, 1));
}

}  // namespace
}  // namespace daohil::simulators
