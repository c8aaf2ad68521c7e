#pragma once

#include <string>

#include "hil/plan/case.hpp"

/// Whether a line of `expect` holds for what was observed.
namespace daohil::hil::judge {

/// true is 1, false 0, a text NaN.
[[nodiscard]] double number(const plan::Value& value);
/// Of numbers the same number, whatever their types.
[[nodiscard]] bool same(const plan::Value& a, const plan::Value& b);

/// Of every operator but `predicted`, which takes a prediction.
[[nodiscard]] bool holds(const plan::Expectation& expectation, const plan::Value& observed);
/// It holds, and is nearer to its limit than the scenario likes.
[[nodiscard]] bool in_margin(const plan::Expectation& expectation, const plan::Value& observed);
/// ">= 5"
[[nodiscard]] std::string limit_text(const plan::Expectation& expectation);

}  // namespace daohil::hil::judge
