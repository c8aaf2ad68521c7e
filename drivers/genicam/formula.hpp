#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace daohil::drivers::genicam {

/// A number of a camera's description. Integers stay exact.
using Value = std::variant<std::int64_t, double>;
[[nodiscard]] double real_of(const Value& value);
/// Reals are cut towards zero. @throws FormulaError when it does not fit 64 bits
[[nodiscard]] std::int64_t integer_of(const Value& value);

/// A formula cannot be computed: syntax, unknown name, division by zero.
class FormulaError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Compute a formula of a GenICam description (GenICam Standard 2.1.1, section 2.8.13): C's
/// operators, with = and <> for comparisons, ** for powers, the functions SGN NEG ABS SQRT SIN COS
/// TAN ASIN ACOS ATAN EXP LN LG FLOOR CEIL ROUND TRUNC and the constants PI and E.
enum class Arithmetic : std::uint8_t {
  integer,  ///< IntSwissKnife, IntConverter: 64 bits, wraps around
  real,     ///< SwissKnife, Converter: doubles; bits and shifts of their integer parts
};
/// @param lookup the value of a variable @throws FormulaError, and what lookup throws
[[nodiscard]] Value evaluate(std::string_view formula, Arithmetic arithmetic,
                             const std::function<Value(std::string_view name)>& lookup);

}  // namespace daohil::drivers::genicam
