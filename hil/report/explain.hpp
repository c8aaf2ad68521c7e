#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "hil/report/stored_run.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::report {

/// What happened around the event that a reader of the evidence should look at first.
struct Explanation {
  struct Frame {
    SourceEvent event;
  };
  struct Call {
    std::string reader;
    std::size_t index = 0;  ///< among the reader's calls
    CallEvent event;
  };
  struct Line {
    std::int64_t at = 0;  ///< published, or before; ns
    bool focus = false;
    std::variant<Frame, Call> what;
  };

  StoredCase stored;
  std::string focus;        ///< what is marked, one line
  std::string caution;      ///< why it may have missed something; empty: nothing to say
  bool offence = false;     ///< the marked event is wrong by itself
  std::vector<Line> lines;  ///< in the order of time
};

/// The first offence (judge/offence.hpp) of a case that did not pass, else its first overwrite,
/// else its first call; with `around` events of writer and readers before it and as many after.
/// @throws EvidenceError when the case left no trace, or a damaged one
[[nodiscard]] Explanation explain(const StoredRun& run, const StoredCase& stored,
                                  std::size_t around);

/// Times in microseconds from the first event shown.
[[nodiscard]] std::string explanation_text(const Explanation& explanation);
/// Times in nanoseconds, as they stand in the trace.
[[nodiscard]] std::string explanation_json(const Explanation& explanation);

}  // namespace daohil::hil::report
