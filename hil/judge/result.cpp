#include "hil/judge/result.hpp"

#include <fmt/format.h>

namespace daohil::hil::judge {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::skip:
      return "SKIP";
    case Verdict::pass:
      return "PASS";
    case Verdict::marginal:
      return "MARGINAL";
    case Verdict::inconclusive:
      return "INCONCLUSIVE";
    case Verdict::flaky:
      return "FLAKY";
    case Verdict::fail:
      return "FAIL";
    case Verdict::error:
      return "ERROR";
    case Verdict::aborted:
      return "ABORTED";
  }
  return "?";
}

int exit_code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::skip:
    case Verdict::pass:
    case Verdict::marginal:
      return 0;
    case Verdict::flaky:
    case Verdict::fail:
      return 1;
    case Verdict::inconclusive:
      return 3;
    case Verdict::error:
      return 4;
    case Verdict::aborted:
      return 130;
  }
  return 4;
}

std::string to_text(const plan::Value& value) {
  return std::visit(
      [](const auto& v) -> std::string {
        using V = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<V, bool>)
          return v ? "true" : "false";
        else if constexpr (std::is_same_v<V, double>)
          return fmt::format("{:.6g}", v);
        else
          return fmt::format("{}", v);
      },
      value);
}

}  // namespace daohil::hil::judge
