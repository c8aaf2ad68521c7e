#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "drivers/publisher.hpp"
#include "hil/run/control.hpp"
#include "hil/run/foreign_reader.hpp"
#include "hil/run/hogs.hpp"
#include "hil/run/modes.hpp"
#include "hil/run/source_faults.hpp"
#include "shm/truncation.hpp"
#include "shm/writer.hpp"

namespace daohil::hil::run {
namespace {

using shm::Duration;
using shm::MonotonicTime;
using std::chrono::milliseconds;

// Every sleep of an actor is cut into slices, so that it sees a stop soon.
constexpr Duration kSlice = milliseconds(50);
// From "go" to the first frame: all actors are in place and asleep by then.
constexpr Duration kLead = milliseconds(30);
// From a stop to the kill of actors that did not obey, at most: teardown stays below 2 s.
constexpr Duration kLongestGrace = milliseconds(1000);

// Clocks of two cores are compared to a microsecond; be ten times as careful.
constexpr Duration kClockDoubt = std::chrono::microseconds(10);

// Real-time priorities, taken where the system grants them: the actors are the instrument and must
// not wait for whatever else the host does. The writer above the readers, as a camera would be.
constexpr int kSourcePriority = 60;
constexpr int kReaderPriority = 50;

// ---- inside an actor's process ----------------------------------------------------------------

Scheduling take_priority(int priority) {
  const sched_param wanted{.sched_priority = priority};
  return ::sched_setscheduler(0, SCHED_FIFO, &wanted) == 0 ? Scheduling::realtime
                                                           : Scheduling::ordinary;
}

void behave_as_actor(pid_t parent) {
  // Ctrl-C, a closed terminal and a service manager reach the whole group; the parent decides what
  // that means.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died before the line above
  // The default slack of 50 us is added to every sleep of an ordinary thread (prctl(2)).
  ::prctl(PR_SET_TIMERSLACK, 1UL);
}

void wait_for_go(const Control& control, const shm::Clock& clock) {
  while (control.command.load(std::memory_order_acquire) == Command::hold)
    clock.sleep_until(clock.now() + milliseconds(1));
}

// Sleep in slices. @returns false when the run is being stopped.
bool sleep_until(const Control& control, const shm::Clock& clock, MonotonicTime deadline) {
  while (clock.now() < deadline) {
    if (control.stopping()) return false;
    clock.sleep_until(std::min(deadline, clock.now() + kSlice));
  }
  return !control.stopping();
}

class SourceProcess {
 public:
  enum class Role { first, successor };

  SourceProcess(const Stage& stage, Control& control, EventLog<SourceEvent>& log, Role role)
      : stage_(stage),
        control_(control),
        log_(log),
        role_(role),
        stamps_(shm::system_clock(), stage.wanted),
        crashes_(stage.wanted),
        recreations_(faults_of<plan::Recreate>(stage.wanted)),
        file_faults_(stage.wanted) {}

  void run() {
    open_camera(stage_.wanted.source.settings);
    if (role_ == Role::first)
      writer_.emplace(shm::Writer::create(stage_.stream, stage_.fifo(), stamps_));
    else
      writer_.emplace(shm::Writer::attach(stage_.stream, stamps_));
    publisher_.emplace(*camera_, *writer_, clock_);
    Control::Actor& self = control_.actors[0];
    self.scheduling.store(take_priority(kSourcePriority));
    self.state.store(ActorState::ready, std::memory_order_release);
    wait_for_go(control_, clock_);

    start_ = MonotonicTime{Duration{control_.start_ns.load()}};
    stamps_.set_start(start_);
    if (!control_.stopping() && sleep_until(control_, clock_, start_ - milliseconds(1))) {
      camera_->start(start_);
      const MonotonicTime last_due = publish_all();
      camera_->stop();
      control_.end_ns.store(last_due.count(), std::memory_order_release);
    }
    self.state.store(ActorState::done, std::memory_order_release);
    // The writer lock tells readers that their writer lives: hold it until they are done.
    while (!control_.stopping()) clock_.sleep_until(clock_.now() + milliseconds(5));
  }

 private:
  void open_camera(drivers::CameraSettings settings) {
    plan::Case wanted = stage_.wanted;
    // Who takes over does not deliver what fell due before.
    if (role_ == Role::successor || control_.source.epoch.load() > 0)
      settings.on_late = drivers::OnLate::skip;
    wanted.source.settings = settings;
    camera_ = make_source(wanted, clock_);
    if (crashes_.any())
      camera_->on_half_way(
          [this](shm::FrameId id) { dies_at(ordinal(id), plan::CrashPoint::after_half_copy); });
  }

  [[nodiscard]] std::uint64_t ordinal(shm::FrameId id) const {
    return stage_.wanted.source.numbering.ordinal(id);
  }

  MonotonicTime publish_all() {
    const MonotonicTime end = start_ + stage_.profile.offset_of(stage_.wanted.frames);
    MonotonicTime last_due{Duration{control_.source.last_due_ns.load()}};
    last_due = std::max(last_due, start_);
    bool begun = false;
    while (!control_.stopping()) {
      strike();
      const auto due = camera_->next_due();
      if (crashes_.any() && due) {
        const std::uint64_t frame = stage_.profile.frames_by(*due - start_);
        if (!begun && role_ == Role::successor) crashes_.forget_before(frame);
        if (!sleep_until(control_, clock_, *due)) break;
        dies_at(frame, plan::CrashPoint::before_write);
        frame_ = frame;
        due_ = *due;
        claimed_ = clock_.now();
      }
      begun = true;
      const drivers::Published published = next();
      switch (published.outcome) {
        case drivers::WaitOutcome::frame:
          log(published);
          last_due = published.due;
          control_.source.last_due_ns.store(last_due.count());
          // By frame id, not by count: frames the device skipped had their time too.
          if (ordinal(published.id) >= stage_.wanted.frames) return last_due;
          break;
        case drivers::WaitOutcome::ended:
          return last_due;
        case drivers::WaitOutcome::lost:
          throw std::runtime_error(
              fmt::format("source '{}': the device is gone", stage_.wanted.source.role));
        case drivers::WaitOutcome::timeout:
        case drivers::WaitOutcome::damaged:
          // The last frame may be one that never comes.
          if (clock_.now() >= end) return last_due;
          break;
      }
    }
    return last_due;
  }

  // The ordinary commit, unless this process is to die in the middle of one.
  drivers::Published next() {
    if (!crashes_.any()) return publisher_->next(clock_.now() + kSlice);
    return publisher_->next(clock_.now() + kSlice, [this](shm::PublishStep step) {
      if (step == shm::PublishStep::stamp) publishing_ = clock_.now();
      dies_at(frame_, point_after(step));
    });
  }

  void log(const drivers::Published& published) {
    push(published.due, published.claimed, published.publishing, published.published,
         published.counter.value, published.id.value);
  }

  void push(MonotonicTime due, MonotonicTime claimed, MonotonicTime publishing,
            MonotonicTime published, std::uint64_t counter, std::uint64_t id) {
    // A slot that a dead writer claimed was lost to readers from then on.
    if (control_.source.orphan.exchange(0) == counter)
      claimed =
          std::min(claimed, MonotonicTime{Duration{control_.source.orphan_claimed_ns.load()}});
    log_.push({due.count(), claimed.count(), publishing.count(), published.count(), counter, id,
               control_.source.epoch.load()});
  }

  // SIGKILL to itself: nothing is cleaned up, as when somebody else sends it.
  void dies_at(std::uint64_t frame, plan::CrashPoint point) {
    const auto crash = crashes_.due(frame, point);
    if (!crash) return;
    const std::uint64_t counter = writer_->newest().value;
    if (leaves_whole_frame(point)) {
      const bool not_newest = point == plan::CrashPoint::after_clear_write;
      push(due_, claimed_, publishing_, clock_.now(), counter + (not_newest ? 1 : 0),
           stage_.wanted.source.numbering.of(frame).value);
      control_.source.last_due_ns.store(due_.count());
    } else if (point != plan::CrashPoint::before_write) {
      control_.source.orphan_claimed_ns.store(claimed_.count());
      control_.source.orphan.store(counter + 1);
    }
    const auto all = faults_of<plan::WriterCrash>(stage_.wanted);
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].frame == crash->frame && all[i].point == crash->point)
        control_.source.dies_of.store(static_cast<std::uint32_t>(i + 1));
    ::kill(::getpid(), SIGKILL);
  }

  // Faults that come by time, between two frames.
  void strike() {
    const Duration elapsed = clock_.now() - start_;
    file_faults_.strike(elapsed, stage_.stream);
    if (!recreations_.empty() && elapsed >= recreations_.front().at) {
      recreate(recreations_.front());
      recreations_.erase(recreations_.begin());
    }
  }

  void recreate(const plan::Recreate& wanted) {
    control_.source.epoch.fetch_add(1);
    drivers::CameraSettings settings = stage_.wanted.source.settings;
    if (wanted.shape) settings.shape = wanted.shape;
    publisher_.reset();
    writer_.reset();
    open_camera(settings);
    shm::CreateOptions options = stage_.fifo();
    options.format = camera_->describe().format;
    options.depth = wanted.depth.value_or(options.depth);
    writer_.emplace(shm::Writer::create(stage_.stream, options, stamps_));
    publisher_.emplace(*camera_, *writer_, clock_);
    camera_->start(start_);
  }

  const Stage& stage_;
  Control& control_;
  EventLog<SourceEvent>& log_;
  Role role_;
  const shm::Clock& clock_ = shm::system_clock();
  SteppedClock stamps_;
  Crashes crashes_;
  std::vector<plan::Recreate> recreations_;
  FileFaults file_faults_;
  std::unique_ptr<drivers::FaultyCamera> camera_;
  std::optional<shm::Writer> writer_;
  std::optional<drivers::Publisher> publisher_;
  MonotonicTime start_{};
  // Of the frame being published, while this process may die in it:
  std::uint64_t frame_ = 0;
  MonotonicTime due_{};
  MonotonicTime claimed_{};
  MonotonicTime publishing_{};
};

class ReaderProcess {
 public:
  ReaderProcess(const Stage& stage, const plan::ReaderPlan& plan, Control& control,
                Control::Actor& self, EventLog<CallEvent>& log, ReaderSummary& summary)
      : stage_(stage), plan_(plan), control_(control), self_(self), log_(log), summary_(summary) {}

  void run() {
    const shm::Clock& clock = shm::system_clock();
    bind_to_cores();
    std::optional<ReaderActor> actor;
    // Who joins late opens the stream late.
    if (plan_.start.count() == 0) join(actor, clock);
    // A reader that never sleeps would with priority keep its core from all others.
    if (plan_.on_empty == plan::OnEmpty::wait && plan_.waiting == shm::Wait::sleep)
      self_.scheduling.store(take_priority(kReaderPriority));
    self_.state.store(ActorState::ready, std::memory_order_release);
    wait_for_go(control_, clock);
    const MonotonicTime start{Duration{control_.start_ns.load()}};
    if (!actor) {
      if (!sleep_until(control_, clock, start + plan_.start)) return done();
      join(actor, clock);
    }
    actor->set_start(start);
    while (turn(*actor, clock)) {
    }
    actor->finish();
    done();
  }

 private:
  void join(std::optional<ReaderActor>& actor, const shm::Clock& clock) {
    actor.emplace(plan_, stage_.stream, stage_.source.rate.period(), stage_.proof_for(plan_),
                  stage_.wanted.seed, clock, log_, summary_, control_.source.epoch.load());
  }

  void done() { self_.state.store(ActorState::done, std::memory_order_release); }

  void bind_to_cores() const {
    if (plan_.cpus.empty()) return;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (const int core : plan_.cpus) CPU_SET(static_cast<std::size_t>(core), &cores);
    if (::sched_setaffinity(0, sizeof cores, &cores) != 0)
      throw std::system_error(errno, std::generic_category(), "cpu: affinity");
  }

  [[nodiscard]] bool over(MonotonicTime call) const {
    const std::int64_t end = control_.end_ns.load(std::memory_order_acquire);
    return end != 0 && call.count() > end;
  }

  // One call, on time. @returns false when this was the last.
  bool turn(ReaderActor& actor, const shm::Clock& clock) {
    while (clock.now() < actor.next_call()) {
      if (control_.stopping() || over(actor.next_call())) return false;
      clock.sleep_until(std::min(actor.next_call(), clock.now() + kSlice));
    }
    if (control_.stopping() || over(actor.next_call())) return false;

    // Read before the attempt: once the source has ended, "nothing new" is final.
    const bool source_ended = control_.end_ns.load(std::memory_order_acquire) != 0;
    switch (actor.attempt()) {
      case ReaderActor::Turn::delivered:
        break;
      case ReaderActor::Turn::holding:
        clock.sleep_until(actor.hold_end());
        actor.release();
        break;
      case ReaderActor::Turn::finished:
        return false;
      case ReaderActor::Turn::empty:
        if (source_ended) return false;
        if (plan_.on_empty == plan::OnEmpty::wait) actor.wait(clock.now() + kSlice);
        break;
    }
    return true;
  }

  const Stage& stage_;
  const plan::ReaderPlan& plan_;
  Control& control_;
  Control::Actor& self_;
  EventLog<CallEvent>& log_;
  ReaderSummary& summary_;
};

// ---- in the parent ------------------------------------------------------------------------------

// The children of one case. Whatever happens, none outlives this object.
class Children {
 public:
  Children(SharedControl& control, Duration grace) : control_(control), grace_(grace) {}
  Children(const Children&) = delete;
  ~Children() { stop(); }

  // Fork an actor. `body` runs in the child; an exception there is its failure message.
  template <typename Body>
  void fork_actor(std::string name, Body body) {
    const pid_t pid = fork_process(children_.size(), name, std::move(body));
    children_.push_back({std::move(name), pid});
  }

  // Fork the body of actor `i` anew, after its process has been killed as planned.
  template <typename Body>
  void replace(std::size_t i, Body body) {
    control_->actors[i].state.store(ActorState::starting);
    children_[i].pid = fork_process(i, children_[i].name, std::move(body));
    children_[i].expected_to_die = false;
  }
  /// Its death by SIGKILL will be no mishap, but part of the plan.
  void expect_death(std::size_t i) { children_[i].expected_to_die = true; }
  void signal(std::size_t i, int number) {
    if (children_[i].pid > 0) ::kill(children_[i].pid, number);
  }
  [[nodiscard]] bool lives(std::size_t i) const { return children_[i].pid > 0; }

  // Collect those that ended. @returns what went wrong, or nothing
  [[nodiscard]] std::string check() {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      Child& child = children_[i];
      int status = 0;
      if (child.pid > 0 && ::waitpid(child.pid, &status, WNOHANG) == child.pid) {
        child.pid = -1;
        const bool planned =
            child.expected_to_die || (i == 0 && control_->source.dies_of.load() != 0);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && planned) continue;
        if (WIFSIGNALED(status))
          return fmt::format("{} was killed by signal {}", child.name, WTERMSIG(status));
        if (state(i) != ActorState::done && state(i) != ActorState::failed)
          return fmt::format("{} ended too early, with status {}", child.name, WEXITSTATUS(status));
      }
      if (state(i) == ActorState::failed)
        return fmt::format("{}: {}", child.name, control_->actors[i].message.data());
    }
    return {};
  }

  [[nodiscard]] bool all(ActorState wanted) const {
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (state(i) != wanted) return false;
    return true;
  }
  [[nodiscard]] bool all_realtime() const {
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (control_->actors[i].scheduling.load() != Scheduling::realtime) return false;
    return true;
  }
  [[nodiscard]] std::string those_not(ActorState wanted) const {
    std::string names;
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (state(i) != wanted) names += (names.empty() ? "" : ", ") + children_[i].name;
    return names;
  }

  void stop() {
    control_->command.store(Command::stop, std::memory_order_release);
    const MonotonicTime deadline = shm::system_clock().now() + grace_;
    while (running() && shm::system_clock().now() < deadline) {
      reap(WNOHANG);
      ::usleep(1000);
    }
    for (const Child& child : children_)
      if (child.pid > 0) ::kill(child.pid, SIGKILL);
    reap(0);
  }

 private:
  struct Child {
    std::string name;
    pid_t pid;
    bool expected_to_die = false;
  };

  template <typename Body>
  pid_t fork_process(std::size_t i, const std::string& name, Body body) {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork " + name);
    if (pid > 0) return pid;
    behave_as_actor(parent);
    try {
      shm::survive_truncation();  // a fault of a scenario, or of somebody else
      body(control_->actors[i]);
    } catch (const std::exception& error) {
      control_->actors[i].fail(error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }

  [[nodiscard]] ActorState state(std::size_t i) const {
    return control_->actors[i].state.load(std::memory_order_acquire);
  }
  [[nodiscard]] bool running() const {
    return std::any_of(children_.begin(), children_.end(), [](auto& c) { return c.pid > 0; });
  }
  void reap(int options) {
    for (Child& child : children_)
      if (child.pid > 0 && ::waitpid(child.pid, nullptr, options) == child.pid) child.pid = -1;
  }

  SharedControl& control_;
  Duration grace_;
  std::vector<Child> children_;
};

struct ReaderSeat {
  explicit ReaderSeat(std::size_t calls)
      : log(calls),
        summary_block(sizeof(ReaderSummary)),
        summary(new (summary_block.data()) ReaderSummary) {}

  EventLog<CallEvent> log;
  std::vector<CallEvent> fresh;  // taken out, not handed over yet
  LastEvents<CallEvent> kept{kKeptEvents};
  shm::SharedBlock summary_block;
  ReaderSummary* summary;
};

class RealTimeRun {
 public:
  explicit RealTimeRun(const Stage& stage)
      : stage_(stage),
        has_foreign_(
            std::any_of(stage.wanted.readers.begin(), stage.wanted.readers.end(), is_foreign)),
        source_log_(has_foreign_ ? stage.source_events()
                                 : std::min(stage.source_events(), kMostUntaken)),
        children_(control_, std::min(stage.wanted.timeouts.teardown, kLongestGrace)) {
    if (stage.wanted.readers.size() >= Control::kMaxActors)
      throw std::invalid_argument(fmt::format("{} readers, at most {} can be run",
                                              stage.wanted.readers.size(),
                                              Control::kMaxActors - 1));
    for (const plan::ReaderPlan& reader : stage.wanted.readers)
      seats_.push_back(std::make_unique<ReaderSeat>(stage.calls_of(reader)));
  }

  Recording play() {
    Recording recording;
    if (set_up(recording) && perform(recording)) recording.ending = Ending::completed;
    children_.stop();
    collect(recording.trace);
    return recording;
  }

 private:
  bool set_up(Recording& recording) {
    children_.fork_actor("source '" + stage_.wanted.source.role + "'", [&](Control::Actor&) {
      SourceProcess(stage_, *control_, source_log_, SourceProcess::Role::first).run();
    });
    if (!wait_until(recording, ActorState::ready, stage_.wanted.timeouts.setup, "set-up"))
      return false;
    for (std::size_t i = 0; i < seats_.size(); ++i)
      children_.fork_actor("reader '" + stage_.wanted.readers[i].name + "'", reader_body(i));
    return wait_until(recording, ActorState::ready, stage_.wanted.timeouts.setup, "set-up");
  }

  [[nodiscard]] std::function<void(Control::Actor&)> reader_body(std::size_t i) {
    return [this, i](Control::Actor& self) {
      if (is_foreign(stage_.wanted.readers[i]))
        return ForeignReader(stage_, stage_.wanted.readers[i], *control_, self, source_log_,
                             seats_[i]->log, *seats_[i]->summary)
            .run();
      ReaderProcess(stage_, stage_.wanted.readers[i], *control_, self, seats_[i]->log,
                    *seats_[i]->summary)
          .run();
    };
  }

  bool perform(Recording& recording) {
    start_ = shm::system_clock().now() + kLead;
    control_->start_ns.store(start_.count());
    plan_interventions();
    hogs_.begin(stage_.wanted, start_);
    control_->command.store(Command::go, std::memory_order_release);
    const Duration planned = stage_.profile.offset_of(stage_.wanted.frames);
    const bool completed =
        wait_until(recording, ActorState::done, planned + stage_.wanted.timeouts.run, "run");
    hogs_.end();
    return completed;
  }

  // ---- what the parent does to its children, by time

  struct Intervention {
    MonotonicTime at;
    std::function<void()> act;
  };

  void at(Duration offset, std::function<void()> act) {
    interventions_.push_back({start_ + offset, std::move(act)});
  }

  void plan_interventions() {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      const plan::ReaderPlan& reader = stage_.wanted.readers[i];
      for (const plan::Lag& lag : reader.lag)
        if (const auto* stop = std::get_if<plan::StopLag>(&lag)) {
          at(stop->at, [this, i] { children_.signal(i + 1, SIGSTOP); });
          at(stop->at + stop->span, [this, i] { children_.signal(i + 1, SIGCONT); });
        }
      for (const plan::ReaderKill& kill : faults_of<plan::ReaderKill>(stage_.wanted))
        if (kill.reader == reader.name) {
          at(kill.at, [this, i] {
            children_.expect_death(i + 1);
            children_.signal(i + 1, SIGKILL);
          });
          at(kill.at + kill.down, [this, i] { children_.replace(i + 1, reader_body(i)); });
        }
    }
    std::stable_sort(interventions_.begin(), interventions_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  void intervene() {
    const MonotonicTime now = shm::system_clock().now();
    while (!interventions_.empty() && interventions_.front().at <= now) {
      const auto act = std::move(interventions_.front().act);
      interventions_.erase(interventions_.begin());
      act();
    }
    // The source's process has killed itself, as planned: another takes over.
    const std::uint32_t cause = control_->source.dies_of.load();
    if (cause == 0 || children_.lives(0)) return;
    const auto crash = faults_of<plan::WriterCrash>(stage_.wanted).at(cause - 1);
    if (!takeover_) takeover_ = now + crash.down;
    if (now < *takeover_) return;
    takeover_.reset();
    control_->source.dies_of.store(0);
    children_.replace(0, [this](Control::Actor&) {
      SourceProcess(stage_, *control_, source_log_, SourceProcess::Role::successor).run();
    });
  }

  // Often enough that what is planned happens on time.
  [[nodiscard]] MonotonicTime next_look(MonotonicTime usual) const {
    if (control_->source.dies_of.load() != 0) return std::min(usual, takeover_.value_or(usual));
    return interventions_.empty() ? usual : std::min(usual, interventions_.front().at);
  }

  // Supervise until every actor has come to `wanted`. @returns false when the case is over.
  bool wait_until(Recording& recording, ActorState wanted, Duration timeout,
                  std::string_view what) {
    const shm::Clock& clock = shm::system_clock();
    const MonotonicTime deadline = clock.now() + timeout;
    for (;;) {
      intervene();
      const bool there = children_.all(wanted) && interventions_.empty() && !takeover_ &&
                         control_->source.dies_of.load() == 0;
      if (const std::string trouble = children_.check(); !trouble.empty())
        return broken(recording, trouble);
      if (there) return true;
      if (stage_.surroundings.stop_requested()) {
        recording.ending = Ending::aborted;
        return false;
      }
      if (clock.now() > deadline)
        return broken(recording,
                      fmt::format("{} did not end within {} s: {} still busy", what,
                                  timeout.count() / 1'000'000'000, children_.those_not(wanted)));
      stage_.surroundings.progress({source_log_.size(), stage_.wanted.frames});
      if (wanted == ActorState::done && !has_foreign_) hand_over(false);
      const Duration pause = wanted == ActorState::ready ? milliseconds(2) : kSlice / 2;
      clock.sleep_until(next_look(clock.now() + pause));
    }
  }

  static bool broken(Recording& recording, const std::string& why) {
    recording.ending = Ending::broken;
    recording.error = why;
    return false;
  }

  // Give what happened to who follows: publications first, and of the calls those that were over
  // when the last of them was.
  void hand_over(bool all) {
    fresh_source_.clear();
    source_log_.drain(fresh_source_);
    if (!fresh_source_.empty()) seen_until_ = fresh_source_.back().published;
    stage_.observer.published(fresh_source_);
    kept_source_.add(fresh_source_);
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      ReaderSeat& seat = *seats_[i];
      seat.log.drain(seat.fresh);
      const auto end =
          all ? seat.fresh.end()
              : std::find_if(seat.fresh.begin(), seat.fresh.end(), [&](const auto& call) {
                  return call.after >= seen_until_ - kClockDoubt.count();
                });
      const std::span<const CallEvent> over(seat.fresh.begin(), end);
      stage_.observer.called(i, over, *seat.summary);
      seat.kept.add(over);
      seat.fresh.erase(seat.fresh.begin(), end);
    }
  }

  void collect(Trace& trace) {
    hand_over(true);
    trace.scheduling = children_.all_realtime() ? Scheduling::realtime : Scheduling::ordinary;
    trace.source_left_out = kept_source_.left_out();
    trace.source = kept_source_.take();
    trace.source_dropped = source_log_.dropped();
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      ReaderTrace reader{stage_.wanted.readers[i].name, *seats_[i]->summary, {}};
      reader.dropped = seats_[i]->log.dropped();
      reader.left_out = seats_[i]->kept.left_out();
      reader.calls = seats_[i]->kept.take();
      trace.readers.push_back(std::move(reader));
    }
  }

  const Stage& stage_;
  SharedControl control_;
  // A program's pixels are compared with what was sent when the run is over: till then nothing is
  // taken out of the source's log.
  bool has_foreign_;
  EventLog<SourceEvent> source_log_;
  std::vector<SourceEvent> fresh_source_;
  LastEvents<SourceEvent> kept_source_{kKeptEvents};
  std::int64_t seen_until_ = 0;
  std::vector<std::unique_ptr<ReaderSeat>> seats_;
  MonotonicTime start_{};
  std::vector<Intervention> interventions_;
  std::optional<MonotonicTime> takeover_;
  Hogs hogs_;
  Children children_;  // last: its children are gone before what they share
};

}  // namespace

Recording run_in_real_time(const Stage& stage) { return RealTimeRun(stage).play(); }

}  // namespace daohil::hil::run
