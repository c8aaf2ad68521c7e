#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "shm/time.hpp"

/// Quantities as people write them. Exact: a decimal string becomes an integer number of the
/// grain (ns, mHz, bytes, ppb) without passing a floating-point number, or it is refused. Units
/// are mandatory and follow the number without a space; there are no signs and no exponents.
namespace daohil::hil::plan {

using shm::Duration;

/// The text is not such a quantity. what() reads "expected a rate such as 2067Hz, got 'fast'",
/// with the way out where there is one; the caller says which key of which file.
class BadValue : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// A bare decimal number exactly as written: mantissa / 10^scale, scale <= 19, no trailing zeros.
struct Decimal {
  std::uint64_t mantissa = 0;
  unsigned scale = 0;
  bool operator==(const Decimal&) const = default;
};

/// Memory and transfer sizes.
struct Bytes {
  std::uint64_t value = 0;
  bool operator==(const Bytes&) const = default;
};

/// A fraction in units of 10^-9: 1% is 10^7, 1ppm is 1000.
struct PartsPerBillion {
  std::uint64_t value = 0;
  bool operator==(const PartsPerBillion&) const = default;
};

/// "20.5ms"; units ns us ms s min h; 0 to 292 years, a whole number of nanoseconds.
/// @throws BadValue, as all below
Duration parse_duration(std::string_view text);
/// "2067Hz"; units mHz Hz kHz MHz; 1 mHz to 1 GHz, a whole number of millihertz.
shm::Rate parse_rate(std::string_view text);
/// "500frames", "1frame"; whole.
std::uint64_t parse_frames(std::string_view text);
/// "1MiB"; units B kB MB GB KiB MiB GiB; a whole number of bytes.
Bytes parse_bytes(std::string_view text);
/// "0.1%", "50ppm", "3ppb"; a whole number of ppb.
PartsPerBillion parse_fraction(std::string_view text);
/// "128": a bare whole number, no sign.
std::uint64_t parse_count(std::string_view text);
/// "1.5": a bare number of at most 19 significant digits.
Decimal parse_decimal(std::string_view text);

/// How many frames of `rate` fall due in `span`, rounded down: floor(span * rate).
[[nodiscard]] std::uint64_t frames_in(Duration span, shm::Rate rate);
/// `periods` frame periods, rounded once, to the nearest nanosecond (half up).
/// @throws BadValue if that exceeds 292 years
Duration times_period(Decimal periods, shm::Rate rate);

}  // namespace daohil::hil::plan
