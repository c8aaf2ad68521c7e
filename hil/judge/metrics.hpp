#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/judge/oracle.hpp"
#include "hil/judge/result.hpp"
#include "hil/plan/case.hpp"
#include "hil/trace.hpp"

namespace daohil::hil::judge {

/// Numbers of one reader. Counts come from the counters of the delivered frames, never from what
/// the library said of itself; where both exist they are compared (tier A).
struct ReaderFacts {
  std::uint64_t calls = 0;
  std::uint64_t delivered = 0;
  std::uint64_t overwrites = 0;
  std::uint64_t lost = 0;
  std::uint64_t evicted = 0;  ///< overwrites at exactly N unread: the slot was being rewritten
  std::uint64_t backlog = 0;
  std::uint64_t backward = 0;      ///< counter lower than the one before
  std::uint64_t duplicates = 0;    ///< counter equal to the one before
  std::uint64_t torn = 0;          ///< found torn by the library: no frame, or not intact after use
  std::uint64_t content_good = 0;  ///< delivered, and proved to be what was sent
  std::uint64_t content_bad = 0;   ///< delivered as good, and was not
  std::string identity_broken;     ///< which identity of T0/T1, with its numbers; empty: all hold
  OracleFinding oracle;
  std::vector<std::int64_t> wake_latencies;  ///< published to call, of calls that had waited; ns
  std::vector<std::int64_t> latenesses;      ///< intended to actual call, of the others; ns
  std::int64_t usual_wake = 0;               ///< 99 % of the wake-ups took no longer
  std::int64_t usual_lateness = 0;           ///< 99 % of the planned calls were no later
  std::uint64_t outliers = 0;                ///< beyond the usual, but at most half a period
  std::uint64_t pauses = 0;                  ///< more than half a period
  std::int64_t oldest = 0;                   ///< published to delivered, maximum; ns
  std::string sha256;
};

struct SourceFacts {
  std::uint64_t frames = 0;
  std::uint64_t id_gaps = 0;  ///< frames missing between the first and the last device id
  std::uint64_t skipped = 0;  ///< of those planned, never published
  std::string identity_broken;
  std::int64_t copy_p99 = 0;  ///< claim to published: the w of T6 and T7; ns
  BenchHealth health;
};

[[nodiscard]] SourceFacts examine_source(const plan::Case& planned,
                                         const drivers::CameraDescription& source,
                                         const Trace& trace);

[[nodiscard]] ReaderFacts examine_reader(const plan::Case& planned, const plan::ReaderPlan& plan,
                                         const drivers::CameraDescription& source,
                                         const std::vector<SourceEvent>& events,
                                         const ReaderTrace& reader);

/// The facts under the names that scenarios use ("fifo.wfs.slow.lost").
void name_metrics(const plan::Case& planned, const SourceFacts& source,
                  std::map<std::string, plan::Value>& metrics);
void name_metrics(const plan::Case& planned, const plan::ReaderPlan& plan,
                  const ReaderFacts& reader, std::map<std::string, plan::Value>& metrics);

}  // namespace daohil::hil::judge
