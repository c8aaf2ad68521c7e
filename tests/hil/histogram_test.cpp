#include "hil/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <vector>

namespace daohil::hil {
namespace {

constexpr std::int64_t kHour = 3'600'000'000'000;  // in ns

TEST(Histogram, RefusesWhatHasNoMeaning) {
  EXPECT_THROW(Histogram(0, 100, 3), std::invalid_argument);
  EXPECT_THROW(Histogram(1, 1, 3), std::invalid_argument);
  EXPECT_THROW(Histogram(10, 19, 3), std::invalid_argument);
  EXPECT_THROW(Histogram(1, 100, 0), std::invalid_argument);
  EXPECT_THROW(Histogram(1, 100, 6), std::invalid_argument);
  EXPECT_THROW(Histogram(std::int64_t{1} << 60, std::numeric_limits<std::int64_t>::max(), 3),
               std::invalid_argument);
  EXPECT_NO_THROW(Histogram(1, std::numeric_limits<std::int64_t>::max(), 5));
}

// By hand, from the published algorithm: 3 digits from 1 take 2^11 = 2048 parts a bucket (2 * 10^3
// rounded up), the first bucket covers 0 .. 2047 in steps of 1, each following one 1024 parts of
// twice the width. 3 600 000 000 < 2048 * 2^21 takes 22 buckets, and 23 halves of 1024 counts.
TEST(Histogram, LayoutOfTheReferencesExample) {
  const Histogram histogram(1, 3'600'000'000, 3);
  EXPECT_EQ(histogram.counts().size(), 23U * 1024);
  EXPECT_EQ(histogram.equivalent_range(2047), 1);
  EXPECT_EQ(histogram.equivalent_range(2048), 2);
  EXPECT_EQ(histogram.equivalent_range(4095), 2);
  EXPECT_EQ(histogram.equivalent_range(4096), 4);
  EXPECT_EQ(histogram.lowest_equivalent(10007), 10000);
  EXPECT_EQ(histogram.highest_equivalent(10007), 10007);
  EXPECT_EQ(histogram.lowest_equivalent(10009), 10008);
  EXPECT_EQ(histogram.highest_equivalent(10009), 10015);
  EXPECT_EQ(histogram.median_equivalent(10007), 10004);
}

// 4096 is in the third block's first part: index (2 + 1) * 1024 + 1024 - 1024; 2047 the last of the
// first two blocks; 2048 the first of the block after them.
TEST(Histogram, PlacesOfCounts) {
  const auto place_of = [](std::int64_t lowest, std::int64_t value) {
    Histogram histogram(lowest, 3'600'000'000, 3);
    EXPECT_TRUE(histogram.record(value));
    const auto counts = histogram.counts();
    return std::find(counts.begin(), counts.end(), 1) - counts.begin();
  };
  EXPECT_EQ(place_of(1, 0), 0);
  EXPECT_EQ(place_of(1, 1), 1);
  EXPECT_EQ(place_of(1, 2047), 2047);
  EXPECT_EQ(place_of(1, 2048), 2048);
  EXPECT_EQ(place_of(1, 2050), 2049);
  EXPECT_EQ(place_of(1, 4096), 3072);
  // From 1000 the unit is 512, so that 1024 is the third part.
  EXPECT_EQ(place_of(1000, 511), 0);
  EXPECT_EQ(place_of(1000, 512), 1);
  EXPECT_EQ(place_of(1000, 1024), 2);
}

TEST(Histogram, CountsWhatFitsAndSaysWhatDoesNot) {
  Histogram histogram(1, 1000, 1);
  // 1 digit: 32 parts; 1000 is reached by 32 * 2^5 = 1024, where the counts end.
  EXPECT_TRUE(histogram.record(1000));
  EXPECT_TRUE(histogram.record(1023));
  EXPECT_FALSE(histogram.record(1024));
  EXPECT_FALSE(histogram.record(-1));
  EXPECT_EQ(histogram.total(), 2);
  EXPECT_TRUE(histogram.record(5, 10));
  EXPECT_EQ(histogram.total(), 12);
  EXPECT_EQ(histogram.count_at(5), 10);
  EXPECT_EQ(histogram.count_at(1 << 20), 0);
  histogram.clear();
  EXPECT_EQ(histogram.total(), 0);
  EXPECT_EQ(histogram.max(), 0);
}

TEST(Histogram, AnEmptyOneSaysNothing) {
  const Histogram histogram(1, kHour, 3);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.stddev(), 0);
  EXPECT_EQ(histogram.value_at_percentile(99), 0);
  EXPECT_EQ(histogram.percentile_at_or_below(5), 100);
}

// The reference's own example of coordinated omission: 10 000 values of 1 ms every 10 ms, then one
// of 100 s, in us. 100 s every 10 ms hide 9 999 more: 100 s - 10 ms, ... 10 ms.
TEST(Histogram, CoordinatedOmissionAsInTheReference) {
  Histogram raw(1, 3'600'000'000, 3);
  Histogram corrected(1, 3'600'000'000, 3);
  for (Histogram* histogram : {&raw, &corrected}) histogram->record(1000, 10'000);
  raw.record(100'000'000);
  EXPECT_TRUE(corrected.record_corrected(100'000'000, 10'000));
  EXPECT_EQ(raw.total(), 10'001);
  EXPECT_EQ(corrected.total(), 20'000);
  const auto near = [](std::int64_t value, double expected, double relative) {
    return std::abs(static_cast<double>(value) - expected) <= expected * relative;
  };
  EXPECT_EQ(raw.value_at_percentile(30), 1000);
  EXPECT_EQ(raw.value_at_percentile(99.99), 1000);
  EXPECT_TRUE(near(raw.value_at_percentile(99.999), 1e8, 0.001));
  EXPECT_EQ(corrected.value_at_percentile(50), 1000);
  EXPECT_TRUE(near(corrected.value_at_percentile(75), 5e7, 0.001));
  EXPECT_TRUE(near(corrected.value_at_percentile(90), 8e7, 0.001));
  EXPECT_TRUE(near(corrected.value_at_percentile(99), 9.8e7, 0.001));
  EXPECT_TRUE(near(corrected.max(), 1e8, 0.001));
  // Half of them 1 ms, half spread evenly over 0 .. 100 s: 25.0005 s, and a quarter of 100 s each
  // way of it in the mean square: sqrt(E[x^2] - mean^2), E[x^2] = 1e16 / 6.
  EXPECT_NEAR(corrected.mean(), 25'000'500 + 2'500, 25'000);
  EXPECT_NEAR(corrected.stddev(), std::sqrt(1e16 / 6 - 2.5e7 * 2.5e7), 1e5);
}

TEST(Histogram, CorrectionEndsAtTheInterval) {
  Histogram histogram(1, 1'000'000, 3);
  EXPECT_TRUE(histogram.record_corrected(1000, 300));  // and 700, 400
  EXPECT_EQ(histogram.total(), 3);
  EXPECT_EQ(histogram.count_at(700), 1);
  EXPECT_EQ(histogram.count_at(400), 1);
  EXPECT_TRUE(histogram.record_corrected(300, 300));
  EXPECT_TRUE(histogram.record_corrected(300, 0));
  EXPECT_TRUE(histogram.record_corrected(300, -5));
  EXPECT_EQ(histogram.total(), 6);
  EXPECT_FALSE(histogram.record_corrected(std::int64_t{1} << 40, 300));
  EXPECT_EQ(histogram.total(), 6) << "nothing of a value that does not fit";
}

TEST(Histogram, MinMaxAndPercentilesAreEquivalents) {
  Histogram histogram(1, 3'600'000'000, 3);
  histogram.record(10'003);
  histogram.record(20'007);
  EXPECT_EQ(histogram.min(), 10'000);                    // parts of 8
  EXPECT_EQ(histogram.max(), 20'015);                    // parts of 16
  EXPECT_EQ(histogram.value_at_percentile(0), 10'000);   // lowest equivalent
  EXPECT_EQ(histogram.value_at_percentile(50), 10'007);  // highest
  EXPECT_EQ(histogram.value_at_percentile(50.1), 20'015);
  EXPECT_EQ(histogram.value_at_percentile(1000), 20'015);
  EXPECT_EQ(histogram.value_at_percentile(-5), 10'000);
  EXPECT_EQ(histogram.percentile_at_or_below(10'000), 50);
  EXPECT_EQ(histogram.percentile_at_or_below(9'999), 0);
  EXPECT_EQ(histogram.percentile_at_or_below(kHour), 100);
}

std::vector<std::int64_t> samples(std::mt19937_64& random, std::size_t n) {
  std::vector<std::int64_t> values;
  std::lognormal_distribution<double> body(10, 2);
  for (std::size_t i = 0; i < n; ++i)
    values.push_back(std::min<std::int64_t>(static_cast<std::int64_t>(body(random)), kHour));
  return values;
}

// Beside a sorted list: every percentile within the digits that were asked for, and never below.
TEST(HistogramProperty, PercentilesAreThoseOfASortedList) {
  constexpr unsigned kSeed = 20261126;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 60; ++round) {
    const int digits = 1 + round % 5;
    auto values = samples(random, 1 + random() % 5000);
    Histogram histogram(1, kHour, digits);
    for (const auto value : values) ASSERT_TRUE(histogram.record(value));
    std::sort(values.begin(), values.end());
    const auto n = static_cast<double>(values.size());
    for (const double percent : {0.001, 1.0, 12.5, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const auto rank = std::max(std::ceil(percent * n / 100 - 1e-9), 1.0);
      const std::int64_t exact = values[static_cast<std::size_t>(rank) - 1];
      const std::int64_t said = histogram.value_at_percentile(percent);
      EXPECT_GE(said, exact) << "seed " << kSeed << ", round " << round << ", " << percent << " %";
      EXPECT_LE(static_cast<double>(said - exact),
                static_cast<double>(exact) * std::pow(10.0, -digits))
          << "seed " << kSeed << ", round " << round << ", " << percent << " %";
    }
    EXPECT_LE(histogram.min(), values.front());
    EXPECT_GE(histogram.max(), values.back());
    double sum = 0;
    for (const auto value : values) sum += static_cast<double>(value);
    EXPECT_NEAR(histogram.mean(), sum / n, sum / n * std::pow(10.0, -digits));
  }
}

// Equivalents are what the places of counts say they are.
TEST(HistogramProperty, PartsTileTheRange) {
  for (const std::int64_t lowest : {1, 2, 3, 1000})
    for (const int digits : {1, 2, 3}) {
      const Histogram histogram(lowest, 10'000'000, digits);
      std::size_t parts = 0;
      std::int64_t value = 0;
      for (; histogram.count_at(value) == 0 && value <= 10'000'000; ++parts) {
        const std::int64_t last = histogram.highest_equivalent(value);
        ASSERT_EQ(histogram.lowest_equivalent(last), value);
        ASSERT_EQ(last - value + 1, histogram.equivalent_range(value));
        ASSERT_EQ(histogram.lowest_equivalent(last + 1), last + 1);
        value = last + 1;
      }
      EXPECT_LE(parts, histogram.counts().size());
    }
}

TEST(HistogramProperty, MergedIsAsRecordedTogether) {
  std::mt19937_64 random(7);
  Histogram a(1, kHour, 3), b(1, kHour, 3), both(1, kHour, 3);
  for (const auto value : samples(random, 3000)) {
    (random() % 2 == 0 ? a : b).record(value);
    both.record(value);
  }
  EXPECT_EQ(a.merge(b), 0);
  EXPECT_EQ(a, both);

  Histogram coarse(1, kHour, 2);
  EXPECT_EQ(coarse.merge(both), 0);
  for (const double percent : {1.0, 50.0, 99.0}) {
    const auto exact = static_cast<double>(both.value_at_percentile(percent));
    EXPECT_NEAR(static_cast<double>(coarse.value_at_percentile(percent)), exact, exact * 0.011)
        << percent;
  }
  Histogram narrow(1, 1'000'000, 3);
  const std::int64_t left_out = narrow.merge(both);
  EXPECT_GT(left_out, 0);
  EXPECT_EQ(narrow.total() + left_out, both.total());
}

// ---- encoding -----------------------------------------------------------------------------------

TEST(HistogramCode, RoundTrip) {
  std::mt19937_64 random(11);
  for (const int digits : {1, 3, 5})
    for (const std::size_t n : {0, 1, 2, 5000}) {
      Histogram histogram(1, kHour, digits);
      for (const auto value : samples(random, n)) histogram.record(value, 1 + (value & 0xffffff));
      const std::string text = encode(histogram);
      EXPECT_TRUE(text.starts_with("HISTF")) << "as HdrHistogram's V2 texts do";
      EXPECT_EQ(decode(text), histogram);
    }
  Histogram extreme(1, std::numeric_limits<std::int64_t>::max(), 2);
  extreme.record(std::numeric_limits<std::int64_t>::max(),
                 std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(decode(encode(extreme)), extreme);
}

// Texts that HdrHistogram's own implementations wrote, as their test suites state them: Java and C
// for the first, C for the others, Java for the last.
TEST(HistogramCode, ReadsWhatOtherImplementationsWrote) {
  Histogram boundary(1, 2048, 3);
  boundary.record(2048);
  EXPECT_EQ(decode("HISTFAAAACB4nJNpmSzMwMDAzAABMJoRQnEw2H+AsP7LMwEARZgDpQ=="), boundary);

  Histogram raw(1, 3'600'000'000, 3), corrected(1, 3'600'000'000, 3);
  for (Histogram* histogram : {&raw, &corrected}) histogram->record(1000, 10'000);
  raw.record(100'000'000);
  corrected.record_corrected(100'000'000, 10'000);
  EXPECT_EQ(decode("HISTFAAAACl4nJNpmSzMwMBgyAABzFCaEURcm7yEwf4DROA8/4I5jNM7mJgAlWkH9g=="), raw);
  EXPECT_EQ(decode("HISTFAAAAP94nJNpmSzMwCByigECmKE0I4i4NnkJg/0HiMB5/gVzGD8aM/3lZ7rPyTSbjektC9N7Fqa"
                   "HzEzbmZi2whCEvZKRaSYj02wwiYng4tFM3lDoC2dhhwh5UyZlJlUMjClCmgpMEUUmQSZ+IBZEojFFCM"
                   "vQRwUxenmZ2MGQFUqz4+CTo4I2pg4dFdQylZWJkYkZCaPyMEUIydPLjMHrssFixuB12XD0HRAwMsFJg"
                   "kwilZHJHHKmjzp41MFDOjhYmFiQEUEmMWqGsvKBd8Fwd/Co/waTC9jYOMAIiSJRhLbKh5x9Q87Bo/YN"
                   "bfsoM4CPhw+IIJAkxnDXN+QcTIpyAPnGh6k="),
            corrected);

  const Histogram java = decode(
      "HISTFAAAAEV42pNpmSzMwMCgyAABTBDKT4GBgdnNYMcCBvsPEBEJISEuATEZMQ4uASkhIR4nrxg9v2lMaxhvMekIL"
      "GZkKmcCAEf2CsI=");
  EXPECT_EQ(java.lowest(), 20'000);
  EXPECT_EQ(java.highest(), kHour);
  EXPECT_EQ(java.digits(), 2);
  // Its line in that log gives the largest value as 2.769 ms.
  EXPECT_EQ((java.max() + 500) / 1000, 2769);
}

TEST(HistogramCode, DamagedTextsAreRefused) {
  Histogram histogram(1, kHour, 3);
  for (std::int64_t value = 1; value < kHour; value *= 3) histogram.record(value, value);
  const std::string text = encode(histogram);
  for (const std::string& bad :
       {std::string(), std::string("HIST"), std::string("????????"),
        text.substr(0, text.size() - 4), text + text, std::string(1000, 'A')})
    EXPECT_THROW((void)decode(bad), std::runtime_error) << bad;
  // zlib's sum finds any change inside; the few bytes before it are checked one by one.
  constexpr unsigned kSeed = 5;
  std::mt19937 random(kSeed);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bad = text;
    bad[random() % bad.size()] = static_cast<char>(random() % 256);
    try {
      refused += decode(bad) == histogram ? 0 : 1000;
    } catch (const std::runtime_error&) {
      refused += 1;
    }
  }
  EXPECT_GT(refused, 1900) << "seed " << kSeed;
  EXPECT_LE(refused, 2000) << "one was taken for another histogram; seed " << kSeed;
}

TEST(HistogramLog, RoundTrip) {
  std::stringstream file;
  Histogram one(1, kHour, 3), two(1, kHour, 2);
  one.record(1'500'000, 10);
  two.record(7);
  {
    HistogramLogWriter log(file, 1795000000.125, {"written by a test", "two\nlines"});
    log.write({"", 0.5, 1.0, one});
    log.write({"slow", 1.5, 2.25, two});
    EXPECT_THROW(log.write({"a,b", 0, 1, one}), std::invalid_argument);
  }
  const HistogramLog read = read_histogram_log(file);
  EXPECT_EQ(read.start_utc, 1795000000.125);
  ASSERT_EQ(read.intervals.size(), 2U);
  EXPECT_EQ(read.intervals[0].tag, "");
  EXPECT_EQ(read.intervals[0].start, 0.5);
  EXPECT_EQ(read.intervals[0].length, 1.0);
  EXPECT_EQ(read.intervals[0].histogram, one);
  EXPECT_EQ(read.intervals[1].tag, "slow");
  EXPECT_EQ(read.intervals[1].histogram, two);
}

TEST(HistogramLog, HasTheLinesOfTheFormat) {
  std::stringstream file;
  Histogram one(1, kHour, 3);
  one.record(1'500'000);
  HistogramLogWriter log(file, 0.5, {"a comment"});
  log.write({"slow", 0.5, 1.0, one});
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0], "#a comment");
  EXPECT_EQ(lines[1], "#[Histogram log format version 1.3]");
  EXPECT_TRUE(lines[2].starts_with("#[StartTime: 0.500 (seconds since epoch), 1970-")) << lines[2];
  EXPECT_EQ(lines[3],
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"");
  // 1 500 000 ns lies in parts of 1024, from 1 499 136 to 1 500 159: in ms 1.500.
  EXPECT_TRUE(lines[4].starts_with("Tag=slow,0.500,1.000,1.500,HISTF")) << lines[4];
}

TEST(HistogramLog, ABadLineIsNamed) {
  for (const std::string bad :
       {"1,2,HISTFAAA", "x,1,1,HISTF", "1.0,1.0,1.0,HISTFAAAABBB", "nonsense"}) {
    std::istringstream file("#comment\n" + bad + "\n");
    try {
      (void)read_histogram_log(file);
      ADD_FAILURE() << bad;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("line 2"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace daohil::hil
