#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/publisher.hpp"
#include "drivers/registry.hpp"
#include "hil/run/modes.hpp"
#include "shm/writer.hpp"

namespace daohil::hil::run {
namespace {

using shm::MonotonicTime;

constexpr MonotonicTime kNever{shm::Duration{std::numeric_limits<std::int64_t>::max()}};
// Wall time between two looks at the outside world.
constexpr shm::Duration kLook = std::chrono::milliseconds(50);

// A reader and what it waits for.
struct Performer {
  enum class State { calling, blocked, holding };

  Performer(const plan::ReaderPlan& reader_plan, const Stage& stage, const shm::Clock& clock)
      : plan(reader_plan),
        log(stage.calls_of(reader_plan)),
        actor(reader_plan, stage.stream, stage.source.rate.period(), stage.proof_for(reader_plan),
              clock, log, summary) {}

  const plan::ReaderPlan& plan;
  EventLog<CallEvent> log;
  ReaderSummary summary;
  ReaderActor actor;
  State state = State::calling;

  [[nodiscard]] bool by_steps() const {
    return plan.looks == plan::Looks::at_each_publication_step;
  }

  // Its next event, if time alone brings it.
  [[nodiscard]] MonotonicTime next_event() const {
    if (by_steps() || state == State::blocked) return kNever;
    if (state == State::holding) return actor.hold_end();
    return actor.enough_unread() ? actor.next_call() : kNever;
  }

  void act() {
    if (state == State::holding) {
      actor.release();
      state = State::calling;
      return;
    }
    switch (actor.attempt()) {
      case ReaderActor::Turn::delivered:
        state = State::calling;
        break;
      case ReaderActor::Turn::holding:
        state = State::holding;
        break;
      case ReaderActor::Turn::empty:
        // A poller has moved its next call on; a waiting reader sleeps until the next frame.
        state = plan.on_empty == plan::OnEmpty::wait ? State::blocked : State::calling;
        break;
    }
  }
};

class Scheduler {
 public:
  explicit Scheduler(const Stage& stage)
      : stage_(stage),
        camera_(drivers::make_camera(stage.wanted.source.kind, clock_)),
        writer_(shm::Writer::create(stage.stream, stage.fifo(), clock_)),
        source_log_(stage.wanted.frames + 1) {
    camera_->configure(stage.wanted.source.settings);
    publisher_.emplace(*camera_, writer_, clock_);
    for (const plan::ReaderPlan& reader : stage.wanted.readers)
      performers_.push_back(std::make_unique<Performer>(reader, stage, clock_));
  }

  Recording play() {
    camera_->start(clock_.now());
    due_ = camera_->next_due();
    Recording recording;
    while (step()) {
      if (!time_to_look()) continue;
      stage_.surroundings.progress({source_log_.size(), stage_.wanted.frames});
      if (stage_.surroundings.stop_requested()) {
        recording.ending = Ending::aborted;
        break;
      }
    }
    camera_->stop();
    collect(recording.trace);
    return recording;
  }

 private:
  // The earliest event; of two at one time the publication comes first (the frame is there).
  bool step() {
    Performer* next = nullptr;
    for (const auto& performer : performers_)
      if (next == nullptr || performer->next_event() < next->next_event()) next = performer.get();
    const MonotonicTime call = next == nullptr ? kNever : next->next_event();

    if (due_ && *due_ <= call) {
      publish();
      return true;
    }
    // After the last frame the calls intended up to then are made, and holds come to their end.
    const bool wanted =
        call != kNever && (due_ || call <= last_due_ || next->state == Performer::State::holding);
    if (!wanted) return false;
    clock_.sleep_until(call);
    next->act();
    return true;
  }

  void publish() {
    const auto published = publisher_->next(*due_, [this](shm::PublishStep) {
      clock_.advance(kVirtualStep);
      for (const auto& performer : performers_)
        if (performer->by_steps()) performer->act();
    });
    if (published.outcome == drivers::WaitOutcome::frame) {
      source_log_.push({published.due.count(), published.claimed.count(),
                        published.publishing.count(), published.published.count(),
                        published.counter.value, published.id.value});
      last_due_ = published.due;
      for (const auto& performer : performers_)
        if (performer->state == Performer::State::blocked) performer->act();
    }
    const bool over = published.outcome == drivers::WaitOutcome::ended ||
                      published.id.value >= stage_.wanted.frames;
    due_ = over ? std::nullopt : camera_->next_due();
  }

  [[nodiscard]] bool time_to_look() {
    // Reading the clock is cheap beside a frame, but not beside a small one.
    if (++steps_ % 256 != 0) return false;
    const MonotonicTime now = shm::system_clock().now();
    if (now - looked_ < kLook) return false;
    looked_ = now;
    return true;
  }

  void collect(Trace& trace) {
    trace.source = source_log_.copy();
    trace.source_dropped = source_log_.dropped();
    for (const auto& performer : performers_) {
      performer->actor.finish();
      trace.readers.push_back({performer->plan.name, performer->summary, performer->log.copy(),
                               performer->log.dropped()});
    }
  }

  const Stage& stage_;
  shm::VirtualClock clock_;
  std::unique_ptr<drivers::Camera> camera_;
  shm::Writer writer_;
  std::optional<drivers::Publisher> publisher_;
  EventLog<SourceEvent> source_log_;
  std::vector<std::unique_ptr<Performer>> performers_;
  std::optional<MonotonicTime> due_;
  MonotonicTime last_due_;
  std::uint64_t steps_ = 0;
  MonotonicTime looked_;
};

}  // namespace

Recording run_in_virtual_time(const Stage& stage) { return Scheduler(stage).play(); }

}  // namespace daohil::hil::run
