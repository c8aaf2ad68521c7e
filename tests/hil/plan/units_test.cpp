#include "hil/plan/units.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace daohil::hil::plan {
namespace {

using namespace std::chrono_literals;
constexpr auto kMax = std::numeric_limits<std::int64_t>::max();

std::string complaint(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const BadValue& e) {
    return e.what();
  }
  return {};
}

TEST(Duration, EachUnitIsExact) {
  EXPECT_EQ(parse_duration("1ns"), 1ns);
  EXPECT_EQ(parse_duration("240us"), 240us);
  EXPECT_EQ(parse_duration("20.5ms"), 20500us);
  EXPECT_EQ(parse_duration("0.000000001s"), 1ns);
  EXPECT_EQ(parse_duration("1.5min"), 90s);
  EXPECT_EQ(parse_duration("10h"), 10h);
  EXPECT_EQ(parse_duration("0us"), 0ns);
  EXPECT_EQ(parse_duration("0.10000000000000000000ms"), 100us);  // zeros carry no digits
}

TEST(Duration, IsNotRoundedThroughADouble) {
  // 9007199.254740993s is 2^53 + 1 ns, the first integer that a double cannot hold.
  EXPECT_EQ(parse_duration("9007199.254740993s"), Duration{9007199254740993});
  EXPECT_EQ(parse_duration("0.3ms"), 300us);
}

TEST(Duration, LargestAndOneMore) {
  EXPECT_EQ(parse_duration("9223372036.854775807s").count(), kMax);
  EXPECT_NE(complaint([] { parse_duration("9223372036.854775808s"); }).find("is too much"),
            std::string::npos);
  EXPECT_NE(complaint([] { parse_duration("999999999999999999h"); }).find("is too much"),
            std::string::npos);
  EXPECT_NE(complaint([] { parse_duration("999999999999999999999h"); }).find("at most 19 digits"),
            std::string::npos);
}

TEST(Duration, InexactIsRefused) {
  EXPECT_EQ(complaint([] { parse_duration("0.1ns"); }),
            "'0.1ns' is not a whole number of nanoseconds; write fewer decimals");
  EXPECT_NE(complaint([] { parse_duration("0.0000000001s"); }), "");
}

TEST(Duration, SaysWhatIsWrong) {
  EXPECT_EQ(complaint([] { parse_duration("fast"); }),
            "expected a duration such as 20.5ms, got 'fast'");
  EXPECT_EQ(complaint([] { parse_duration("5"); }),
            "expected a duration such as 20.5ms, got '5'; add a unit: ns, us, ms, s, min, h");
  EXPECT_EQ(
      complaint([] { parse_duration("5msec"); }),
      "expected a duration such as 20.5ms, got '5msec'; unknown unit 'msec', allowed: ns, us, "
      "ms, s, min, h");
  EXPECT_EQ(complaint([] { parse_duration("5 ms"); }),
            "expected a duration such as 20.5ms, got '5 ms'; write it without a space");
  for (const auto* text : {"", "-5ms", "+5ms", ".5ms", "5.ms", "1.2.3ms", "1e3ms", "ms", " 5ms",
                           "5ms ", "0x5ms", "5Hz", "NaNs", "5MS"})
    EXPECT_NE(complaint([&] { parse_duration(text); }), "") << text;
}

TEST(Rate, ExactInMillihertz) {
  EXPECT_EQ(parse_rate("2067Hz").millihertz(), 2'067'000);
  EXPECT_EQ(parse_rate("1kHz").millihertz(), 1'000'000);
  EXPECT_EQ(parse_rate("500mHz").millihertz(), 500);
  EXPECT_EQ(parse_rate("1.5MHz").millihertz(), 1'500'000'000);
  EXPECT_EQ(parse_rate("59.94Hz").millihertz(), 59'940);
  EXPECT_EQ(parse_rate("1000MHz").millihertz(), 1'000'000'000'000);
}

TEST(Rate, Limits) {
  EXPECT_EQ(complaint([] { parse_rate("0Hz"); }), "'0Hz' is no rate; at least 1mHz");
  EXPECT_NE(complaint([] { parse_rate("1000.000000001MHz"); }), "");
  EXPECT_NE(complaint([] { parse_rate("0.0001Hz"); }), "");
  EXPECT_EQ(complaint([] { parse_rate("fast"); }), "expected a rate such as 2067Hz, got 'fast'");
  EXPECT_NE(complaint([] { parse_rate("2067"); }).find("add a unit"), std::string::npos);
}

TEST(Frames, WholeOnly) {
  EXPECT_EQ(parse_frames("500frames"), 500U);
  EXPECT_EQ(parse_frames("1frame"), 1U);
  EXPECT_NE(complaint([] { parse_frames("1.5frames"); }), "");
  EXPECT_NE(complaint([] { parse_frames("500"); }), "");
}

TEST(Bytes, DecimalAndBinary) {
  EXPECT_EQ(parse_bytes("1MiB").value, 1048576U);
  EXPECT_EQ(parse_bytes("1.5KiB").value, 1536U);
  EXPECT_EQ(parse_bytes("1MB").value, 1000000U);
  EXPECT_NE(complaint([] { parse_bytes("0.3KiB"); }), "");
  EXPECT_NE(complaint([] { parse_bytes("100"); }), "");
}

TEST(Fraction, PercentAndPpm) {
  EXPECT_EQ(parse_fraction("1%").value, 10'000'000U);
  EXPECT_EQ(parse_fraction("50ppm").value, 50'000U);
  EXPECT_EQ(parse_fraction("0.005%"), parse_fraction("50ppm"));
  EXPECT_NE(complaint([] { parse_fraction("0.5"); }), "");
}

TEST(Count, BareAndWhole) {
  EXPECT_EQ(parse_count("0"), 0U);
  EXPECT_EQ(parse_count("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  for (const auto* text :
       {"", "8.0", "-1", "+1", "1e3", "0x10", "8frames", " 8", "18446744073709551616"})
    EXPECT_NE(complaint([&] { parse_count(text); }), "") << text;
}

TEST(DecimalNumber, AsWritten) {
  EXPECT_EQ(parse_decimal("1.5"), (Decimal{15, 1}));
  EXPECT_EQ(parse_decimal("1.50"), (Decimal{15, 1}));
  EXPECT_EQ(parse_decimal("3"), (Decimal{3, 0}));
  EXPECT_NE(complaint([] { parse_decimal("1.5ms"); }), "");
  EXPECT_NE(complaint([] { parse_decimal("-1"); }), "");
}

TEST(TimesPeriod, RoundsOnce) {
  // 1.5 / 2067 Hz = 725689.404... ns; 2.5 / 2067 Hz = 1209482.341; 0.9 / 2067 Hz = 435413.643.
  const auto rate = shm::Rate::millihertz(2'067'000);
  EXPECT_EQ(times_period({15, 1}, rate), Duration{725689});
  EXPECT_EQ(times_period({25, 1}, rate), Duration{1209482});
  EXPECT_EQ(times_period({9, 1}, rate), Duration{435414});
  // A thousand periods, not a thousand rounded periods: 483792.937 ns each.
  EXPECT_EQ(times_period({1000, 0}, rate), Duration{483792937});
  EXPECT_NE(complaint([] {
              times_period({9999999999999999999U, 0}, shm::Rate::millihertz(1));
            }),
            "");
}

TEST(FramesIn, RoundsDown) {
  EXPECT_EQ(frames_in(3s, shm::Rate::millihertz(2'067'000)), 6201U);
  EXPECT_EQ(frames_in(1ms, shm::Rate::millihertz(2'067'000)), 2U);
  EXPECT_EQ(frames_in(1ms, shm::Rate::millihertz(999'999)), 0U);
  EXPECT_EQ(frames_in(Duration{kMax}, shm::Rate::millihertz(1'000'000'000'000)),
            static_cast<std::uint64_t>(kMax));
}

}  // namespace
}  // namespace daohil::hil::plan
