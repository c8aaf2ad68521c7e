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

/// A reader that lags as planned, call by call. It never sleeps by itself: whoever drives it (a
/// process in real time, the scheduler in virtual time) brings it to the right moment.
class ReaderActor {
 public:
  /// Opens the stream. @throws shm::Error
  ReaderActor(const plan::ReaderPlan& plan, const std::filesystem::path& stream,
              shm::Duration period, Proof proof, const shm::Clock& clock, EventLog<CallEvent>& log,
              ReaderSummary& summary);

  /// When its lag lets it call next.
  [[nodiscard]] shm::MonotonicTime next_call() const { return intended_; }
  /// With lag counted in frames: whether enough are unread. True for lag in time.
  [[nodiscard]] bool enough_unread() const;

  enum class Turn {
    delivered,  ///< or reported lapped-and-torn; the next call is at next_call()
    empty,      ///< nothing new: wait(), or poll again at next_call()
    holding,    ///< has the pixels in place; release() is due at hold_end()
  };
  /// One call of the library.
  Turn attempt();

  [[nodiscard]] shm::MonotonicTime hold_end() const { return hold_end_; }
  void release();

  /// Sleep until there may be something, at most until the deadline (real time only).
  void wait(shm::MonotonicTime deadline) { reader_.wait(deadline); }

  /// Note tail and newest counter. Call once, at the end.
  void finish();

 private:
  shm::ReadResult call_library();
  void record(const shm::ReadResult& result, Content content);
  [[nodiscard]] Content look_at(const shm::ReadResult& frame) const;
  void plan_next_call();

  plan::ReaderPlan plan_;
  LagSchedule lag_;
  Proof proof_;
  const shm::Clock* clock_;
  EventLog<CallEvent>* log_;
  ReaderSummary* summary_;

  shm::Reader reader_;
  std::optional<shm::ReferenceReader> witness_;  // for Rules::reference, instead of reader_
  std::vector<std::byte> buffer_;
  Digest digest_;

  shm::MonotonicTime intended_;
  shm::MonotonicTime hold_end_;
  shm::ReadResult held_;
  CallEvent event_;
  bool waiting_ = false;  // found nothing at the intended time
  std::uint64_t calls_ = 0;
  std::uint64_t delivered_ = 0;
};

}  // namespace daohil::hil::run
