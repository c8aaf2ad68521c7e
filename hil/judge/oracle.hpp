#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// Tier B: for every call, was the outcome one that the frames published around it allow? Uses
/// the observed previous tail, so that no error adds up; needs no assumption on timing, so that a
/// violation is a bug and nothing else.
///
/// A call that began at a and ended at b saw a newest counter w with
///   (frames fully published by a) <= w <= (frames whose publication had begun by b)
/// and must report outcome(w - tail) for one of them. At w - tail = N it may also say overwrite
/// with the newest frame w if the writer had claimed the slot of frame tail + 1 by b: that frame
/// was being destroyed (a verifying reader's right; see shm::Reader).
struct OracleFinding {
  std::uint64_t checked = 0;
  std::uint64_t violations = 0;
  std::uint64_t ambiguous = 0;  ///< more than one outcome was possible
  std::string first_violation;  ///< the call, what it said, what was possible; empty if none
  std::optional<std::size_t> first_violating_call;  ///< its index in ReaderTrace::calls
};

/// How well clocks read on two cores can be compared.
inline constexpr std::int64_t kClockGuardNs = 1000;

/// @param guard uncertainty of comparing clocks read on two cores; 0 in virtual time
[[nodiscard]] OracleFinding check_calls(const std::vector<SourceEvent>& source,
                                        const ReaderTrace& reader, const plan::ReaderPlan& plan,
                                        std::uint32_t depth, std::int64_t guard_ns);

}  // namespace daohil::hil::judge
