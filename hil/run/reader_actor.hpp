#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/camera.hpp"
#include "hil/digest.hpp"
#include "hil/lag_schedule.hpp"
#include "hil/plan/case.hpp"
#include "hil/trace.hpp"
#include "shm/reader.hpp"
#include "shm/reference_reader.hpp"
#include "shm/time.hpp"

namespace daohil::hil::run {

/// How a reader can judge what it gets.
struct Proof {
  std::shared_ptr<const drivers::ContentCheck> content;  ///< nullptr: none
  std::uint64_t digest_frames = 0;  ///< sha256 over frames with ids 1 .. this; 0: none
};

/// Who tells a reader that its path may name another stream now.
enum class PathWatch {
  asks_system,  ///< it asks the system now and then: anybody may create or remove streams
  is_told,      ///< whoever drives it calls path_changed(): in virtual time nobody else does
};

/// A reader that lags as planned, call by call. It never sleeps by itself: whoever drives it (a
/// process in real time, the scheduler in virtual time) brings it to the right moment.
class ReaderActor {
 public:
  /// Opens the stream.
  /// @param seed of the case @param summary goes on where a reader that was killed left it
  /// @param epoch how often the stream had been created anew by then
  /// @throws shm::Error
  ReaderActor(const plan::ReaderPlan& plan, const std::filesystem::path& stream,
              shm::Duration period, Proof proof, std::uint64_t seed, const shm::Clock& clock,
              EventSink<CallEvent>& log, ReaderSummary& summary, std::uint32_t epoch = 0,
              PathWatch watch = PathWatch::asks_system);

  /// When frame 1 is due, from which the stops of its lag are counted.
  void set_start(shm::MonotonicTime start) {
    start_ = start;
    intended_ = awake(intended_);
  }

  /// When its lag lets it call next.
  [[nodiscard]] shm::MonotonicTime next_call() const { return intended_; }
  /// With lag counted in frames: whether enough are unread. True for lag in time.
  [[nodiscard]] bool enough_unread() const;

  enum class Turn {
    delivered,  ///< or reported lapped-and-torn; the next call is at next_call()
    empty,      ///< nothing new: wait(), or poll again at next_call()
    holding,    ///< has the pixels in place; release() is due at hold_end()
    finished,   ///< it was lapped, and stops then
  };
  /// One call of the library.
  Turn attempt();

  [[nodiscard]] shm::MonotonicTime hold_end() const { return hold_end_; }
  void release();

  /// Sleep until there may be something, at most until the deadline (real time only).
  void wait(shm::MonotonicTime deadline);
  /// In virtual time, where nobody sleeps: does the writer's ringing end its wait? Who waits on a
  /// semaphore needs a post of it, and takes it; the others look for themselves in attempt().
  [[nodiscard]] bool is_woken();
  /// A stopped process cannot act: when it can again. Not before `now`.
  [[nodiscard]] shm::MonotonicTime awake(shm::MonotonicTime now) const;

  /// The stream's path may name another stream from now on: what a reader asks the system, sooner
  /// or later, when nothing comes.
  void path_changed() { path_changed_ = true; }
  /// Open the stream again if its path has been given to another since.
  void look_for_successor();
  /// As if the process had been killed and a new one begun: what it knew is lost.
  void start_over();

  /// Note tail and newest counter. Call once, at the end.
  void finish();

 private:
  /// Does the library's own wait, by which a reader in order is led to a frame, see none?
  [[nodiscard]] bool waits_in_vain();
  shm::ReadResult call_library();
  shm::ReadResult call_history();
  void record(const shm::ReadResult& result, Content content);
  [[nodiscard]] Content look_at(const shm::ReadResult& frame) const;
  [[nodiscard]] Content look_at_history(std::uint32_t frames) const;
  void plan_next_call();
  [[nodiscard]] bool asks_newest() const {
    return plan_.mode == plan::ReadMode::mixed && calls_ % 2 == 0;
  }
  /// Not frame by frame in order: there is nearly always something to get.
  [[nodiscard]] bool takes_what_there_is() const {
    return plan_.mode != plan::ReadMode::next && plan_.mode != plan::ReadMode::mixed;
  }
  void open_attachment();
  void close_attachment();

  plan::ReaderPlan plan_;
  LagSchedule lag_;
  Proof proof_;
  const shm::Clock* clock_;
  EventSink<CallEvent>* log_;
  ReaderSummary* summary_;

  shm::Reader reader_;
  PathWatch watch_;
  bool path_changed_ = false;                    // and not yet looked
  std::optional<shm::ReferenceReader> witness_;  // for Rules::reference, instead of reader_
  std::vector<std::byte> buffer_;
  Digest digest_;

  shm::MonotonicTime start_{};
  shm::MonotonicTime intended_;
  shm::MonotonicTime looked_{};
  shm::MonotonicTime hold_end_;
  shm::ReadResult held_;
  CallEvent event_;
  bool waiting_ = false;  // found nothing at the intended time
  std::uint64_t calls_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint32_t opened_ = 0;
  std::uint32_t history_frames_ = 0;
  shm::UtcTime newest_stamp_{};
};

}  // namespace daohil::hil::run
