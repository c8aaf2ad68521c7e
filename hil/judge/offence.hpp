#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// Where to look first: an event that is wrong by itself, whatever came before it.
struct Offence {
  std::size_t index = 0;  ///< of the call, or of the frame
  std::string what;       ///< one line
};

/// What the rules say of a reader, as far as they are known.
struct Rulebook {
  const plan::ReaderPlan* reader = nullptr;  ///< null: unknown
  std::uint32_t depth = 1;
  bool oracle = true;  ///< ask it; needs `reader`
  std::int64_t guard_ns = 0;
};

/// The first call that the oracle refuses, that delivered bad pixels, whose counter goes back or
/// stands still, or whose count of lost frames does not fit its counters; empty: none.
/// Pure, like the judge, and stricter than a verdict: it needs no expectation to have asked.
[[nodiscard]] std::optional<Offence> first_offence(const std::vector<SourceEvent>& source,
                                                   const ReaderTrace& reader,
                                                   const Rulebook& rules);

/// The first frame published out of turn; empty: none.
[[nodiscard]] std::optional<Offence> first_offence(const std::vector<SourceEvent>& source);

}  // namespace daohil::hil::judge
