#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "drivers/publisher.hpp"
#include "drivers/registry.hpp"
#include "hil/run/control.hpp"
#include "hil/run/foreign_reader.hpp"
#include "hil/run/modes.hpp"
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
  SourceProcess(const Stage& stage, Control& control, EventLog<SourceEvent>& log)
      : stage_(stage), control_(control), log_(log) {}

  void run() {
    const shm::Clock& clock = shm::system_clock();
    const auto camera = drivers::make_camera(stage_.wanted.source.kind, clock);
    camera->configure(stage_.wanted.source.settings);
    shm::Writer writer = shm::Writer::create(stage_.stream, stage_.fifo(), clock);
    drivers::Publisher publisher(*camera, writer, clock);
    Control::Actor& self = control_.actors[0];
    self.scheduling.store(take_priority(kSourcePriority));
    self.state.store(ActorState::ready, std::memory_order_release);
    wait_for_go(control_, clock);

    const MonotonicTime start{Duration{control_.start_ns.load()}};
    if (!control_.stopping() && sleep_until(control_, clock, start - milliseconds(1))) {
      camera->start(start);
      const MonotonicTime last_due = publish_all(publisher, clock, start);
      camera->stop();
      control_.end_ns.store(last_due.count(), std::memory_order_release);
    }
    self.state.store(ActorState::done, std::memory_order_release);
    // The writer lock tells readers that their writer lives: hold it until they are done.
    while (!control_.stopping()) clock.sleep_until(clock.now() + milliseconds(5));
  }

 private:
  MonotonicTime publish_all(drivers::Publisher& publisher, const shm::Clock& clock,
                            MonotonicTime start) {
    MonotonicTime last_due = start;
    while (!control_.stopping()) {
      const drivers::Published published = publisher.next(clock.now() + kSlice);
      switch (published.outcome) {
        case drivers::WaitOutcome::frame:
          log_.push({published.due.count(), published.claimed.count(), published.publishing.count(),
                     published.published.count(), published.counter.value, published.id.value});
          last_due = published.due;
          // By frame id, not by count: frames the device skipped had their time too.
          if (published.id.value >= stage_.wanted.frames) return last_due;
          break;
        case drivers::WaitOutcome::ended:
          return last_due;
        case drivers::WaitOutcome::lost:
          throw std::runtime_error(
              fmt::format("source '{}': the device is gone", stage_.wanted.source.role));
        case drivers::WaitOutcome::timeout:
        case drivers::WaitOutcome::damaged:
          break;
      }
    }
    return last_due;
  }

  const Stage& stage_;
  Control& control_;
  EventLog<SourceEvent>& log_;
};

class ReaderProcess {
 public:
  ReaderProcess(const Stage& stage, const plan::ReaderPlan& plan, Control& control,
                Control::Actor& self, EventLog<CallEvent>& log, ReaderSummary& summary)
      : stage_(stage), plan_(plan), control_(control), self_(self), log_(log), summary_(summary) {}

  void run() {
    const shm::Clock& clock = shm::system_clock();
    ReaderActor actor(plan_, stage_.stream, stage_.source.rate.period(), stage_.proof_for(plan_),
                      clock, log_, summary_);
    // A reader that polls never sleeps: with priority it would keep the core from all others.
    if (plan_.on_empty == plan::OnEmpty::wait)
      self_.scheduling.store(take_priority(kReaderPriority));
    self_.state.store(ActorState::ready, std::memory_order_release);
    wait_for_go(control_, clock);
    while (turn(actor, clock)) {
    }
    actor.finish();
    self_.state.store(ActorState::done, std::memory_order_release);
  }

 private:
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
    const std::size_t i = children_.size();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork " + name);
    if (pid == 0) {
      behave_as_actor(parent);
      try {
        body(control_->actors[i]);
      } catch (const std::exception& error) {
        control_->actors[i].fail(error.what());
        ::_exit(1);
      }
      ::_exit(0);
    }
    children_.push_back({std::move(name), pid});
  }

  // Collect those that ended. @returns what went wrong, or nothing
  [[nodiscard]] std::string check() {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      Child& child = children_[i];
      int status = 0;
      if (child.pid > 0 && ::waitpid(child.pid, &status, WNOHANG) == child.pid) {
        child.pid = -1;
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
  };

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
  shm::SharedBlock summary_block;
  ReaderSummary* summary;
};

class RealTimeRun {
 public:
  explicit RealTimeRun(const Stage& stage)
      : stage_(stage),
        source_log_(stage.wanted.frames + 1),
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
      SourceProcess(stage_, *control_, source_log_).run();
    });
    if (!wait_until(recording, ActorState::ready, stage_.wanted.timeouts.setup, "set-up"))
      return false;
    for (std::size_t i = 0; i < seats_.size(); ++i) {
      const plan::ReaderPlan& reader = stage_.wanted.readers[i];
      children_.fork_actor("reader '" + reader.name + "'", [&](Control::Actor& self) {
        if (is_foreign(reader))
          return ForeignReader(stage_, reader, *control_, self, source_log_, seats_[i]->log,
                               *seats_[i]->summary)
              .run();
        ReaderProcess(stage_, reader, *control_, self, seats_[i]->log, *seats_[i]->summary).run();
      });
    }
    return wait_until(recording, ActorState::ready, stage_.wanted.timeouts.setup, "set-up");
  }

  bool perform(Recording& recording) {
    control_->start_ns.store((shm::system_clock().now() + kLead).count());
    control_->command.store(Command::go, std::memory_order_release);
    const Duration planned = stage_.source.rate.offset_of(stage_.wanted.frames);
    return wait_until(recording, ActorState::done, planned + stage_.wanted.timeouts.run, "run");
  }

  // Supervise until every actor has come to `wanted`. @returns false when the case is over.
  bool wait_until(Recording& recording, ActorState wanted, Duration timeout,
                  std::string_view what) {
    const shm::Clock& clock = shm::system_clock();
    const MonotonicTime deadline = clock.now() + timeout;
    for (;;) {
      const bool there = children_.all(wanted);
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
      clock.sleep_until(clock.now() + (wanted == ActorState::ready ? milliseconds(2) : kSlice / 2));
    }
  }

  static bool broken(Recording& recording, const std::string& why) {
    recording.ending = Ending::broken;
    recording.error = why;
    return false;
  }

  void collect(Trace& trace) const {
    trace.scheduling = children_.all_realtime() ? Scheduling::realtime : Scheduling::ordinary;
    trace.source = source_log_.copy();
    trace.source_dropped = source_log_.dropped();
    for (std::size_t i = 0; i < seats_.size(); ++i)
      trace.readers.push_back({stage_.wanted.readers[i].name, *seats_[i]->summary,
                               seats_[i]->log.copy(), seats_[i]->log.dropped()});
  }

  const Stage& stage_;
  SharedControl control_;
  EventLog<SourceEvent> source_log_;
  std::vector<std::unique_ptr<ReaderSeat>> seats_;
  Children children_;  // last: its children are gone before what they share
};

}  // namespace

Recording run_in_real_time(const Stage& stage) { return RealTimeRun(stage).play(); }

}  // namespace daohil::hil::run
