#include "hil/judge/holding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "hil/judge/result.hpp"

namespace daohil::hil::judge {

double number(const plan::Value& value) {
  if (const auto* b = std::get_if<bool>(&value)) return *b ? 1 : 0;
  if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&value)) return *d;
  return std::nan("");
}

bool same(const plan::Value& a, const plan::Value& b) {
  if (std::holds_alternative<std::string>(a) || std::holds_alternative<std::string>(b))
    return a == b;
  return number(a) == number(b);
}

bool holds(const plan::Expectation& expectation, const plan::Value& observed) {
  switch (expectation.op) {
    case plan::Operator::equals:
      return same(observed, expectation.value);
    case plan::Operator::not_equals:
      return !same(observed, expectation.value);
    case plan::Operator::min:
      return number(observed) >= number(expectation.value);
    case plan::Operator::max:
      return number(observed) <= number(expectation.value);
    case plan::Operator::in:
      return std::any_of(expectation.values.begin(), expectation.values.end(),
                         [&](const plan::Value& value) { return same(observed, value); });
    case plan::Operator::within:
      return std::abs(number(observed) - expectation.of) <= number(expectation.value);
    case plan::Operator::regex:
      return std::regex_search(to_text(observed),
                               std::regex(to_text(expectation.value), std::regex::extended));
    case plan::Operator::predicted:
      break;
  }
  return false;
}

bool in_margin(const plan::Expectation& expectation, const plan::Value& observed) {
  if (!expectation.marginal) return false;
  const double value = number(observed);
  switch (expectation.op) {
    case plan::Operator::min:
      return value < *expectation.marginal;
    case plan::Operator::max:
      return value > *expectation.marginal;
    case plan::Operator::within:
      return std::abs(value - expectation.of) > *expectation.marginal;
    default:
      return false;
  }
}

std::string limit_text(const plan::Expectation& e) {
  switch (e.op) {
    case plan::Operator::equals:
      return "= " + to_text(e.value);
    case plan::Operator::not_equals:
      return "not " + to_text(e.value);
    case plan::Operator::min:
      return ">= " + to_text(e.value);
    case plan::Operator::max:
      return "<= " + to_text(e.value);
    case plan::Operator::in: {
      std::string text = "one of";
      for (const plan::Value& value : e.values) text += " " + to_text(value);
      return text;
    }
    case plan::Operator::within:
      return fmt::format("{} +- {}", to_text(e.of), to_text(e.value));
    case plan::Operator::regex:
      return "matches " + to_text(e.value);
    case plan::Operator::predicted:
      return "predicted";
  }
  return {};
}

}  // namespace daohil::hil::judge
