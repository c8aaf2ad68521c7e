#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/publisher.hpp"
#include "hil/run/modes.hpp"
#include "hil/run/source_faults.hpp"
#include "shm/truncation.hpp"
#include "shm/writer.hpp"

namespace daohil::hil::run {
namespace {

using shm::Duration;
using shm::MonotonicTime;

constexpr MonotonicTime kNever{Duration{std::numeric_limits<std::int64_t>::max()}};
// Wall time between two looks at the outside world.
constexpr Duration kLook = std::chrono::milliseconds(50);
// A sleeping reader looks up so often whether its stream is still the one of that name.
constexpr Duration kSlice = std::chrono::milliseconds(50);

// So many frames are handed over to the judge at once.
constexpr std::size_t kChunk = 4096;

// The writer's process has been killed: unwinds to whoever plays the process.
struct Killed {
  plan::WriterCrash crash;
};

// Where the writer stands when readers that follow its steps may call.
enum class Moment { mid_copy, after_step };

// A reader and what it waits for.
struct Performer {
  enum class State { absent, calling, blocked, holding, finished };

  explicit Performer(const plan::ReaderPlan& reader_plan) : plan(reader_plan), joins(plan.start) {}

  const plan::ReaderPlan& plan;
  EventBuffer<CallEvent> log;
  LastEvents<CallEvent> kept{kKeptEvents};
  ReaderSummary summary;
  std::optional<ReaderActor> actor;  // once it has joined
  State state = State::absent;
  MonotonicTime joins;
  MonotonicTime looks_up{};      // of a blocked reader
  bool looks_for_frame = false;  // a stopped reader was rung for: it looks when it is awake

  void join(const Stage& stage, const shm::Clock& clock, std::uint32_t epoch) {
    actor.emplace(plan, stage.stream, stage.source.rate.period(), stage.proof_for(plan),
                  stage.wanted.seed, clock, log, summary, epoch, PathWatch::is_told);
    actor->set_start(MonotonicTime{});
    state = State::calling;
  }

  [[nodiscard]] bool led_by_writer() const { return plan.looks != plan::Looks::by_lag; }
  [[nodiscard]] bool looks_at(Moment moment) const {
    return plan.looks == plan::Looks::at_each_publication_step ||
           (plan.looks == plan::Looks::mid_copy && moment == Moment::mid_copy);
  }

  // Its next event, if time alone brings it.
  [[nodiscard]] MonotonicTime next_event() const {
    switch (state) {
      case State::absent:
        return joins;
      case State::blocked:
        return looks_up;
      case State::holding:
        return actor->hold_end();
      case State::calling:
        if (led_by_writer()) return kNever;
        return actor->enough_unread() ? actor->next_call() : kNever;
      case State::finished:
        break;
    }
    return kNever;
  }

  void act(const shm::Clock& clock) {
    if (state == State::holding) {
      actor->release();
      state = State::calling;
      return;
    }
    switch (actor->attempt()) {
      case ReaderActor::Turn::delivered:
        state = State::calling;
        break;
      case ReaderActor::Turn::holding:
        state = State::holding;
        break;
      case ReaderActor::Turn::finished:
        state = State::finished;
        break;
      case ReaderActor::Turn::empty:
        // A poller has moved its next call on; a waiting reader sleeps until the next frame.
        if (plan.on_empty == plan::OnEmpty::wait) {
          state = State::blocked;
          looks_up = clock.now() + kSlice;
        } else {
          state = State::calling;
        }
        break;
    }
  }

  // The writer rang. @returns whether it can act at once
  [[nodiscard]] bool rung(MonotonicTime now) {
    if (state != State::blocked || !actor->is_woken()) return false;
    const MonotonicTime awake = actor->awake(now);
    if (awake <= now) return true;
    looks_up = awake;
    looks_for_frame = true;
    return false;
  }
};

class Scheduler {
 public:
  explicit Scheduler(const Stage& stage)
      : stage_(stage),
        stamping_clock_(clock_, stage.wanted),
        crashes_(stage.wanted),
        step_(plan::within_publications(stage.wanted) ? kVirtualStep : Duration{0}),
        recreations_(faults_of<plan::Recreate>(stage.wanted)),
        file_faults_(stage.wanted),
        reader_kills_(faults_of<plan::ReaderKill>(stage.wanted)),
        kept_source_(kKeptEvents) {
    shm::survive_truncation();
    open_source(stage.wanted.source.settings);
    writer_.emplace(shm::Writer::create(stage.stream, stage.fifo(), stamping_clock_));
    publisher_.emplace(*camera_, *writer_, clock_);
    for (const plan::ReaderPlan& reader : stage.wanted.readers) {
      performers_.push_back(std::make_unique<Performer>(reader));
      if (reader.start.count() == 0) performers_.back()->join(stage_, clock_, epoch_);
    }
    plan_next_fault();
  }

  Recording play() {
    camera_->start(clock_.now());
    due_ = camera_->next_due();
    Recording recording;
    while (step()) {
      if (source_log_.events().size() >= kChunk) hand_over();
      if (!time_to_look()) continue;
      stage_.surroundings.progress({frames_, stage_.wanted.frames});
      if (stage_.surroundings.stop_requested()) {
        recording.ending = Ending::aborted;
        break;
      }
    }
    if (camera_) camera_->stop();
    collect(recording.trace);
    return recording;
  }

 private:
  // The earliest event; of two at one time the fault comes first, then the publication (the frame
  // is there), then the call.
  bool step() {
    Performer* next = nullptr;
    MonotonicTime call = kNever;
    for (const auto& performer : performers_) {
      const MonotonicTime event = performer->next_event();
      if (next != nullptr && event >= call) continue;
      next = performer.get();
      call = event;
    }
    const MonotonicTime fault = next_fault_;

    if (fault != kNever && fault <= std::min(publication().value_or(kNever), call) &&
        (due_ || takeover_ || fault <= last_due_)) {
      clock_.sleep_until(fault);
      strike();
      plan_next_fault();
      return true;
    }
    if (due_ && *publication() <= call) {
      publish();
      return true;
    }
    // After the last frame the calls intended up to then are made, and holds come to their end.
    const bool more = due_ || takeover_;
    const bool wanted = call != kNever &&
                        (more || (call <= last_due_ && next->state != Performer::State::blocked) ||
                         next->state == Performer::State::holding || next->looks_for_frame);
    if (!wanted) return false;
    clock_.sleep_until(call);
    perform(*next);
    return true;
  }

  void perform(Performer& performer) {
    switch (performer.state) {
      case Performer::State::absent:
        performer.join(stage_, clock_, epoch_);
        break;
      case Performer::State::blocked:
        performer.looks_up = clock_.now() + kSlice;
        performer.actor->look_for_successor();
        performer.looks_for_frame = false;
        performer.act(clock_);
        break;
      default:
        performer.act(clock_);
    }
  }

  void look(Moment moment) {
    for (const auto& performer : performers_)
      if (performer->looks_at(moment) && performer->state == Performer::State::calling &&
          performer->actor->enough_unread())
        performer->act(clock_);
  }

  void ring_all() {
    for (const auto& performer : performers_)
      if (performer->rung(clock_.now())) performer->act(clock_);
  }

  // When the next frame will be published. No two come at one instant: a reader woken by the first
  // calls before the second is there.
  [[nodiscard]] std::optional<MonotonicTime> publication() const {
    if (!due_ || frames_ == 0) return due_;
    return std::max(*due_, last_published_ + kVirtualStep);
  }

  // ---- the source ------------------------------------------------------------------------------

  void open_source(const drivers::CameraSettings& settings) {
    plan::Case wanted = stage_.wanted;
    wanted.source.settings = settings;
    camera_ = make_source(wanted, clock_);
    const auto& readers = stage_.wanted.readers;
    const bool watched = std::any_of(readers.begin(), readers.end(), [](const auto& reader) {
      return reader.looks != plan::Looks::by_lag;
    });
    if (!crashes_.any() && !watched) return;
    camera_->on_half_way([this](shm::FrameId id) {
      if (crashes_.any()) dies_at(ordinal(id), plan::CrashPoint::after_half_copy);
      look(Moment::mid_copy);
    });
  }

  [[nodiscard]] std::uint64_t ordinal(shm::FrameId id) const {
    return stage_.wanted.source.numbering.ordinal(id);
  }
  [[nodiscard]] std::uint64_t ordinal_by_time(MonotonicTime due) const {
    return stage_.profile.frames_by(due - MonotonicTime{});
  }

  void dies_at(std::uint64_t frame, plan::CrashPoint point) {
    if (const auto crash = crashes_.due(frame, point)) throw Killed{*crash};
  }

  void publish() try {
    clock_.sleep_until(*publication());
    if (crashes_.any()) dies_at(ordinal_by_time(*due_), plan::CrashPoint::before_write);
    claimed_ = clock_.now();
    const auto published = publisher_->next(*due_, [this](shm::PublishStep step) {
      clock_.advance(step_);
      look(Moment::after_step);
      if (crashes_.any()) between(step);
    });
    if (published.outcome == drivers::WaitOutcome::frame) {
      log(published.due, published.claimed, published.publishing, published.published,
          published.counter, published.id);
      last_published_ = published.published;
      ring_all();
    } else {
      last_due_ = std::max(last_due_, *due_);
    }
    const bool over = published.outcome == drivers::WaitOutcome::ended ||
                      (published.outcome == drivers::WaitOutcome::frame &&
                       ordinal(published.id) >= stage_.wanted.frames);
    due_ = over ? std::nullopt : camera_->next_due();
    // A frame that was dropped may have been the last.
    if (due_ && published.outcome != drivers::WaitOutcome::frame &&
        ordinal_by_time(*due_) > stage_.wanted.frames)
      due_.reset();
  } catch (const Killed& killed) {
    die(killed.crash);
  }

  void between(shm::PublishStep step) {
    const Duration since_due = *due_ - MonotonicTime{};
    const std::uint64_t frame = stage_.profile.frames_by(since_due);
    const plan::CrashPoint point = point_after(step);
    if (step == shm::PublishStep::stamp) before_first_step_ = clock_.now() - step_;
    if (const auto crash = crashes_.due(frame, point)) {
      if (leaves_whole_frame(point))
        log(*due_, claimed_, before_first_step_, clock_.now(),
            writer_->newest() + (point == plan::CrashPoint::after_clear_write ? 1 : 0),
            stage_.wanted.source.numbering.of(frame));
      throw Killed{*crash};
    }
  }

  void log(MonotonicTime due, MonotonicTime claimed, MonotonicTime publishing,
           MonotonicTime published, shm::Counter counter, shm::FrameId id) {
    // A slot that a dead writer claimed was lost to readers from then on.
    if (orphan_ && orphan_->counter == counter) claimed = std::min(claimed, orphan_->claimed);
    orphan_.reset();
    source_log_.push({due.count(), claimed.count(), publishing.count(), published.count(),
                      counter.value, id.value, epoch_});
    last_due_ = std::max(last_due_, due);
    frames_ += 1;
  }

  void die(const plan::WriterCrash& crash) {
    const bool claimed = crash.point != plan::CrashPoint::before_write;
    if (claimed && !leaves_whole_frame(crash.point)) orphan_ = {writer_->newest() + 1, claimed_};
    publisher_.reset();
    writer_.reset();
    camera_.reset();
    last_due_ = std::max(last_due_, *due_);
    due_.reset();
    takeover_ = clock_.now() + crash.down;
    plan_next_fault();
  }

  // Another process takes the stream over. The device has gone on meanwhile.
  void take_over() {
    takeover_.reset();
    drivers::CameraSettings settings = stage_.wanted.source.settings;
    settings.on_late = drivers::OnLate::skip;
    open_source(settings);
    writer_.emplace(shm::Writer::attach(stage_.stream, stamping_clock_));
    publisher_.emplace(*camera_, *writer_, clock_);
    camera_->start(MonotonicTime{});
    due_ = camera_->next_due();
    if (due_ && ordinal_by_time(*due_) > stage_.wanted.frames) due_.reset();
    if (due_) crashes_.forget_before(ordinal_by_time(*due_));
    // It rings for its predecessor.
    ring_all();
  }

  // ---- faults by time --------------------------------------------------------------------------

  // Whenever what is to come has changed, not whenever it is asked for.
  void plan_next_fault() {
    MonotonicTime next = takeover_.value_or(kNever);
    const auto consider = [&](const auto& faults) {
      if (!faults.empty()) next = std::min(next, MonotonicTime{faults.front().at});
    };
    if (!takeover_) consider(recreations_);
    if (const auto file_fault = file_faults_.next())
      next = std::min(next, MonotonicTime{*file_fault});
    consider(reader_kills_);
    next_fault_ = next;
  }

  void strike() {
    const MonotonicTime now = clock_.now();
    const auto is_due = [&](const auto& faults) {
      return !faults.empty() && MonotonicTime{faults.front().at} <= now;
    };
    if (takeover_ && *takeover_ <= now) {
      take_over();
    } else if (const auto struck = file_faults_.strike(now - MonotonicTime{}, stage_.stream);
               struck != FileFaults::Struck::nothing) {
      if (struck != FileFaults::Struck::mode) path_changed();
    } else if (!takeover_ && is_due(recreations_)) {
      recreate(recreations_.front());
      recreations_.erase(recreations_.begin());
    } else if (is_due(reader_kills_)) {
      kill_reader(reader_kills_.front());
      reader_kills_.erase(reader_kills_.begin());
    }
  }

  void recreate(const plan::Recreate& wanted) {
    drivers::CameraSettings settings = stage_.wanted.source.settings;
    settings.on_late = drivers::OnLate::skip;
    if (wanted.shape) settings.shape = wanted.shape;
    publisher_.reset();
    writer_.reset();
    open_source(settings);
    shm::CreateOptions options = stage_.fifo();
    options.format = camera_->describe().format;
    options.depth = wanted.depth.value_or(options.depth);
    writer_.emplace(shm::Writer::create(stage_.stream, options, stamping_clock_));
    publisher_.emplace(*camera_, *writer_, clock_);
    camera_->start(MonotonicTime{});
    due_ = camera_->next_due();
    epoch_ += 1;
    path_changed();
  }

  void path_changed() {
    for (const auto& performer : performers_)
      if (performer->actor) performer->actor->path_changed();
  }

  void kill_reader(const plan::ReaderKill& kill) {
    for (const auto& performer : performers_) {
      if (performer->plan.name != kill.reader || !performer->actor) continue;
      if (performer->state == Performer::State::finished) continue;
      performer->actor->start_over();
      performer->state = Performer::State::calling;
    }
  }

  [[nodiscard]] bool time_to_look() {
    // Reading the clock is cheap beside a frame, but not beside a small one.
    if (++steps_ % 256 != 0) return false;
    const MonotonicTime now = shm::system_clock().now();
    if (now - looked_ < kLook) return false;
    looked_ = now;
    return true;
  }

  // Give what happened to who follows, and keep the last of it.
  void hand_over() {
    stage_.observer.published(source_log_.events());
    kept_source_.add(source_log_.events());
    source_log_.clear();
    for (std::size_t i = 0; i < performers_.size(); ++i) {
      Performer& performer = *performers_[i];
      stage_.observer.called(i, performer.log.events(), performer.summary);
      performer.kept.add(performer.log.events());
      performer.log.clear();
    }
  }

  void collect(Trace& trace) {
    for (const auto& performer : performers_)
      if (performer->actor) performer->actor->finish();
    hand_over();
    trace.source_left_out = kept_source_.left_out();
    trace.source = kept_source_.take();
    for (const auto& performer : performers_) {
      ReaderTrace reader{performer->plan.name, performer->summary, {}};
      reader.left_out = performer->kept.left_out();
      reader.calls = performer->kept.take();
      trace.readers.push_back(std::move(reader));
    }
  }

  struct Orphan {
    shm::Counter counter;
    MonotonicTime claimed;
  };

  const Stage& stage_;
  shm::VirtualClock clock_;
  SteppedClock stamping_clock_;
  Crashes crashes_;
  Duration step_;  // of a publication
  std::vector<plan::Recreate> recreations_;
  FileFaults file_faults_;
  std::vector<plan::ReaderKill> reader_kills_;
  std::unique_ptr<drivers::FaultyCamera> camera_;
  std::optional<shm::Writer> writer_;
  std::optional<drivers::Publisher> publisher_;
  EventBuffer<SourceEvent> source_log_;
  LastEvents<SourceEvent> kept_source_;
  std::uint64_t frames_ = 0;
  std::vector<std::unique_ptr<Performer>> performers_;
  std::optional<MonotonicTime> due_;
  std::optional<MonotonicTime> takeover_;  // while no writer lives
  MonotonicTime next_fault_ = kNever;
  std::optional<Orphan> orphan_;  // a frame claimed by a writer that died
  MonotonicTime claimed_{};
  MonotonicTime before_first_step_{};
  MonotonicTime last_due_{};
  MonotonicTime last_published_{};
  std::uint32_t epoch_ = 0;
  std::uint64_t steps_ = 0;
  MonotonicTime looked_{};
};

}  // namespace

Recording run_in_virtual_time(const Stage& stage) { return Scheduler(stage).play(); }

}  // namespace daohil::hil::run
