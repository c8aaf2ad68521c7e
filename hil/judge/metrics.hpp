#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/judge/delays.hpp"
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
  std::uint64_t backlog_max = 0;   ///< unread frames a call found, at most
  std::uint64_t backward = 0;      ///< counter lower than the one before
  std::uint64_t duplicates = 0;    ///< counter equal to the one before
  std::uint64_t skipped = 0;       ///< of mode newest: frames never seen
  std::uint64_t torn = 0;          ///< found torn by the library: no frame, or not intact after use
  std::uint64_t content_good = 0;  ///< delivered, and proved to be what was sent
  std::uint64_t content_bad = 0;   ///< delivered as good, and was not
  std::uint64_t reopened = 0;      ///< found its stream replaced, and opened the new one
  std::uint64_t history_short = 0;  ///< histories with fewer frames than asked for and published
  std::uint64_t history_gaps = 0;   ///< histories with frames missing or torn inside
  std::string identity_broken;      ///< which identity of T0/T1, with its numbers; empty: all hold
  OracleFinding oracle;
  /// Published to the end of the call that delivered it, of every frame. One that was lost counts
  /// as if the call that passed over it had delivered it: who is late for many frames at once is
  /// late many times (coordinated omission, Tene 2013).
  Delays latencies;
  Delays wake_latencies;              ///< published to call, of calls that had waited; ns
  Delays latenesses;                  ///< intended to actual call, of the others; ns
  std::int64_t usual_wake = 0;        ///< 99 % of the wake-ups took no longer
  std::int64_t usual_lateness = 0;    ///< 99 % of the planned calls were no later
  std::uint64_t outliers = 0;         ///< beyond the usual, but at most half a period
  std::uint64_t pauses = 0;           ///< more than half a period
  std::int64_t oldest = 0;            ///< published to delivered, maximum; ns
  std::int64_t age_excess = 0;        ///< success older than N periods allow, maximum; ns
  std::int64_t recovery_max = 0;      ///< behind (over one unread) to caught up, maximum; ns
  std::uint64_t stamps_backward = 0;  ///< frames stamped earlier than one before
  std::uint64_t recovery_reads = 0;   ///< and in how many reads
  std::string sha256;
};

struct SourceFacts {
  std::uint64_t frames = 0;
  std::uint64_t id_gaps = 0;     ///< frames missing between the first and the last device id
  std::uint64_t duplicates = 0;  ///< published under an id that was published before
  std::uint64_t reordered = 0;   ///< published after a frame of a later id
  std::uint64_t cnt_gaps = 0;    ///< counters that do not follow each other
  std::uint64_t skipped = 0;     ///< of those planned, never published
  std::string identity_broken;
  std::int64_t copy_p99 = 0;  ///< claim to published: the w of T6 and T7; ns
  Delays periods;             ///< publication to publication; ns
  Delays latenesses;          ///< due to published; ns
  shm::Duration span{0};      ///< first to last publication
  /// When slots were claimed and frames published, from frame 1's due time on, for predictions on
  /// what really came; empty when the run was too long to keep them.
  std::vector<std::int64_t> claimed, published;
  BenchHealth health;
};

/// Takes the publications of a case one by one.
class SourceExaminer {
 public:
  SourceExaminer(const plan::Case& planned, const drivers::CameraDescription& source);

  void add(const SourceEvent& event);
  [[nodiscard]] SourceFacts conclude(Scheduling scheduling);

  /// The publications of one stream; of an epoch that has not begun an empty window.
  [[nodiscard]] const SourceWindow& epoch(std::uint32_t n) const;
  [[nodiscard]] std::uint32_t epochs() const { return static_cast<std::uint32_t>(epochs_.size()); }
  /// Nobody will ask for these any more.
  void forget_up_to(std::uint64_t counter) { epochs_.back()->forget_up_to(counter); }

 private:
  void begin_with(const SourceEvent& event);
  void take_id(std::uint64_t id);

  const plan::Case* planned_;
  drivers::CameraDescription source_;
  std::vector<std::unique_ptr<SourceWindow>> epochs_;
  SourceFacts facts_;
  Delays copies_;
  std::optional<SourceEvent> first_;
  std::int64_t origin_ = 0;  // when frame 1 was due
  SourceEvent last_;
  std::uint64_t highest_id_ = 0;
};

/// Takes the calls of one reader one by one. The publications up to the end of a call must have
/// been given to the SourceExaminer before.
class ReaderExaminer {
 public:
  ReaderExaminer(const plan::Case& planned, const plan::ReaderPlan& plan,
                 const drivers::CameraDescription& source, const SourceExaminer& publications);

  /// @param summary of the reader, for what it had open then
  void add(const CallEvent& call, const ReaderSummary& summary);
  /// @param dropped calls that did not fit the trace
  [[nodiscard]] ReaderFacts conclude(const ReaderSummary& summary, std::uint64_t dropped);

  /// Frames up to this one will not be asked for.
  [[nodiscard]] std::uint64_t done_with() const;

 private:
  void open_part(const Attachment& attached);
  void close_part(const Attachment& attached);
  void advance_to(std::uint32_t opened, const ReaderSummary& summary);
  [[nodiscard]] Attachment attachment(std::uint32_t n, const ReaderSummary& summary) const;
  void count(const CallEvent& call);
  void time(const CallEvent& call, const SourceEvent* event);
  void time_losses(const CallEvent& call);
  void ask_oracle(const CallEvent& call);
  void follow_recovery(const CallEvent& call, std::uint64_t unread);
  void broken(std::string what);

  const plan::Case* planned_;
  const plan::ReaderPlan* plan_;
  std::int64_t period_;
  const SourceExaminer* publications_;
  ReaderFacts facts_;
  std::optional<Oracle> oracle_;
  std::optional<MomentCount> published_;
  std::optional<MomentCount> publishing_;

  bool open_ = false;
  std::uint32_t opened_ = 0;
  std::uint32_t epoch_ = 0;
  std::uint32_t depth_ = 1;
  std::uint64_t previous_ = 0;  // counter delivered last
  // Of the present part:
  std::uint64_t part_delivered_ = 0;
  std::uint64_t part_lost_ = 0;
  std::uint64_t part_reported_ = 0;
  std::optional<std::int64_t> behind_since_;
  std::uint64_t behind_reads_ = 0;
};

/// The facts under the names that scenarios use ("fifo.wfs.slow.lost").
void name_metrics(const plan::Case& planned, const SourceFacts& source,
                  std::map<std::string, plan::Value>& metrics);
void name_metrics(const plan::Case& planned, const plan::ReaderPlan& plan,
                  const ReaderFacts& reader, std::map<std::string, plan::Value>& metrics);

}  // namespace daohil::hil::judge
