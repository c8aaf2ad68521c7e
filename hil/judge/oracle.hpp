#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hil/judge/source_window.hpp"
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
///
/// The other modes: newest delivers w; arbitrary delivers w - lag, or says torn or not_ready where
/// that was being destroyed or never was; a history of n ends with w and has min(n, w) frames, one
/// fewer if n = N and its oldest was being destroyed.
struct OracleFinding {
  std::uint64_t checked = 0;
  std::uint64_t violations = 0;
  std::uint64_t ambiguous = 0;  ///< more than one outcome was possible
  std::string first_violation;  ///< the call, what it said, what was possible; empty if none
  std::optional<std::size_t> first_violating_call;  ///< its index in ReaderTrace::calls
};

/// How well clocks read on two cores can be compared.
inline constexpr std::int64_t kClockGuardNs = 1000;

/// The oracle for one reader from one opening of its stream to the next, call by call.
class Oracle {
 public:
  /// @param source must outlive it, and have the publications up to a call before that is judged
  /// @param guard uncertainty of comparing clocks read on two cores; 0 in virtual time
  Oracle(const SourceWindow& source, const plan::ReaderPlan& plan, std::uint32_t depth,
         std::int64_t guard_ns, std::uint64_t tail);

  void judge(const CallEvent& call, std::uint64_t index, OracleFinding& finding);

 private:
  struct Said {
    shm::ReadStatus status;
    std::uint64_t counter;
    std::uint16_t frames = 0;
    auto operator<=>(const Said&) const = default;
  };
  struct Range {
    std::uint64_t lowest, highest, claimed;
  };

  [[nodiscard]] Range newest_during(const CallEvent& call);
  [[nodiscard]] std::vector<Said> possible(plan::ReadMode mode, const Range& range) const;
  void add_possible(plan::ReadMode mode, std::uint64_t newest, std::uint64_t claimed,
                    std::vector<Said>& said) const;
  [[nodiscard]] static std::string describe(const std::vector<Said>& possible);

  const plan::ReaderPlan* plan_;
  std::uint32_t depth_;
  std::int64_t guard_;
  std::uint64_t tail_;
  MomentCount published_;
  MomentCount publishing_;
  MomentCount claimed_;
};

/// All calls of a reader, however often it opened its stream.
[[nodiscard]] OracleFinding check_calls(const std::vector<SourceEvent>& source,
                                        const ReaderTrace& reader, const plan::ReaderPlan& plan,
                                        std::uint32_t depth, std::int64_t guard_ns);

}  // namespace daohil::hil::judge
