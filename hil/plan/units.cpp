#include "hil/plan/units.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hil/plan/detail/wide.hpp"
#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

using detail::uint128;

constexpr unsigned kMaxDigits = 19;  // 10^19 < 2^64, and 10^19 * the largest unit < 2^128
constexpr std::uint64_t kMaxNanos = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kGrainsPerPeriod = 1'000'000'000'000;  // ns * mHz in one frame

struct Unit {
  std::string_view name;
  std::uint64_t grains;
};

// What a kind of quantity is called in messages and how it is counted.
struct Kind {
  std::string_view noun;     // "a duration"
  std::string_view example;  // "20.5ms"
  std::string_view grain;    // "nanoseconds"
  std::span<const Unit> units;
  std::uint64_t max;
  std::string_view max_text;
};

constexpr std::array<Unit, 6> kTimeUnits{{{"ns", 1},
                                          {"us", 1'000},
                                          {"ms", 1'000'000},
                                          {"s", 1'000'000'000},
                                          {"min", 60'000'000'000},
                                          {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 4> kRateUnits{
    {{"mHz", 1}, {"Hz", 1'000}, {"kHz", 1'000'000}, {"MHz", 1'000'000'000}}};
constexpr std::array<Unit, 2> kFrameUnits{{{"frames", 1}, {"frame", 1}}};
constexpr std::array<Unit, 7> kByteUnits{{{"B", 1},
                                          {"kB", 1'000},
                                          {"MB", 1'000'000},
                                          {"GB", 1'000'000'000},
                                          {"KiB", 1ULL << 10},
                                          {"MiB", 1ULL << 20},
                                          {"GiB", 1ULL << 30}}};
constexpr std::array<Unit, 3> kFractionUnits{{{"%", 10'000'000}, {"ppm", 1'000}, {"ppb", 1}}};

constexpr Kind kDuration{"a duration", "20.5ms",  "nanoseconds",
                         kTimeUnits,   kMaxNanos, "292 years (9223372036s)"};
constexpr Kind kRate{"a rate", "2067Hz", "millihertz", kRateUnits, 1'000'000'000'000, "1000MHz"};
constexpr Kind kFrames{"a number of frames", "500frames", "frames",
                       kFrameUnits,          kMaxNanos,   "2^63 - 1 frames"};
constexpr Kind kBytes{"a size", "1MiB", "bytes", kByteUnits, kMaxNanos, "2^63 - 1 bytes"};
constexpr Kind kFraction{"a fraction",   "50ppm",   "ppb (10^-9)",
                         kFractionUnits, kMaxNanos, "9223372036 times"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t power_of_ten(unsigned exponent) {
  std::uint64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

// digits[.digits] to a Decimal without trailing zeros; empty when it is none or too long.
std::optional<Decimal> read_decimal(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && fraction.empty())) return std::nullopt;
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (fraction.size() > kMaxDigits) return std::nullopt;

  Decimal value{0, static_cast<unsigned>(fraction.size())};
  const uint128 limit = power_of_ten(kMaxDigits);
  for (const auto part : {whole, fraction}) {
    for (const char c : part) {
      if (!is_digit(c)) return std::nullopt;
      const auto next = uint128{value.mantissa} * 10 + static_cast<std::uint64_t>(c - '0');
      if (next >= limit) return std::nullopt;
      value.mantissa = static_cast<std::uint64_t>(next);
    }
  }
  return value;
}

std::string expected(const Kind& kind, std::string_view text) {
  return fmt::format("expected {} such as {}, got {}", kind.noun, kind.example, show(text));
}

std::vector<std::string_view> names_of(std::span<const Unit> units) {
  std::vector<std::string_view> names;
  for (const auto& unit : units) names.push_back(unit.name);
  return names;
}

[[noreturn]] void refuse_unit(const Kind& kind, std::string_view text, std::string_view unit) {
  const auto names = names_of(kind.units);
  if (unit.empty())
    throw BadValue(fmt::format("{}; add a unit: {}", expected(kind, text), fmt::join(names, ", ")));
  if (unit.front() == ' ')
    throw BadValue(fmt::format("{}; write it without a space", expected(kind, text)));
  throw BadValue(fmt::format("{}; unknown unit {}, allowed: {}", expected(kind, text), show(unit),
                             fmt::join(names, ", ")));
}

std::uint64_t parse(const Kind& kind, std::string_view text) {
  const auto end = text.find_first_not_of("0123456789.");
  const auto digits = text.substr(0, end);
  const auto suffix = end == std::string_view::npos ? std::string_view{} : text.substr(end);
  const auto number = read_decimal(digits);
  if (digits.empty()) throw BadValue(expected(kind, text));
  if (!number)
    throw BadValue(
        fmt::format("{}; write at most {} digits, as in 0.5", expected(kind, text), kMaxDigits));

  for (const auto& unit : kind.units) {
    if (unit.name != suffix) continue;
    const uint128 scaled = static_cast<uint128>(number->mantissa) * unit.grains;
    const uint128 divisor = power_of_ten(number->scale);
    if (scaled / divisor > kind.max)
      throw BadValue(fmt::format("{} is too much; at most {}", show(text), kind.max_text));
    if (scaled % divisor != 0)
      throw BadValue(fmt::format("{} is not a whole number of {}; write fewer decimals", show(text),
                                 kind.grain));
    return static_cast<std::uint64_t>(scaled / divisor);
  }
  refuse_unit(kind, text, suffix);
}

}  // namespace

Duration parse_duration(std::string_view text) {
  return Duration{static_cast<std::int64_t>(parse(kDuration, text))};
}

shm::Rate parse_rate(std::string_view text) {
  const auto mhz = parse(kRate, text);
  if (mhz == 0) throw BadValue(fmt::format("{} is no rate; at least 1mHz", show(text)));
  return shm::Rate::millihertz(static_cast<std::int64_t>(mhz));
}

std::uint64_t parse_frames(std::string_view text) { return parse(kFrames, text); }

Bytes parse_bytes(std::string_view text) { return {parse(kBytes, text)}; }

PartsPerBillion parse_fraction(std::string_view text) { return {parse(kFraction, text)}; }

std::uint64_t parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end)
    throw BadValue(fmt::format("expected a whole number such as 64, got {}", show(text)));
  return value;
}

Decimal parse_decimal(std::string_view text) {
  const auto number = read_decimal(text);
  if (!number)
    throw BadValue(
        fmt::format("expected a bare decimal number such as 1.5 of at most {} digits, got {}",
                    kMaxDigits, show(text)));
  return *number;
}

std::uint64_t frames_in(Duration span, shm::Rate rate) {
  if (span.count() <= 0) return 0;
  const uint128 grains =
      static_cast<uint128>(span.count()) * static_cast<uint128>(rate.millihertz());
  return static_cast<std::uint64_t>(grains / kGrainsPerPeriod);
}

Duration times_period(Decimal periods, shm::Rate rate) {
  const uint128 numerator = static_cast<uint128>(periods.mantissa) * kGrainsPerPeriod;
  const uint128 denominator =
      static_cast<uint128>(power_of_ten(periods.scale)) * static_cast<uint128>(rate.millihertz());
  const uint128 nanos = (numerator + denominator / 2) / denominator;
  if (nanos > kMaxNanos)
    throw BadValue(
        fmt::format("that many periods of {} Hz exceed {}", rate.hertz(), kDuration.max_text));
  return Duration{static_cast<std::int64_t>(nanos)};
}

}  // namespace daohil::hil::plan
