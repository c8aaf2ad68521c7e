#include "hil/run/foreign_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "hil/lag_schedule.hpp"
#include "shm/holders.hpp"

namespace daohil::hil::run {
namespace {

using nlohmann::json;
using shm::Duration;
using shm::MonotonicTime;
using std::chrono::milliseconds;

// How long one look at the program's output lasts: it bounds when a stop is seen.
constexpr Duration kSlice = milliseconds(20);
// A program that has mapped the stream and says nothing may still be taking up its tail.
constexpr Duration kSettle = milliseconds(50);
// From the last frame to SIGTERM: for the last read, and for a report of all calls.
constexpr Duration kTimeToEnd = milliseconds(500);
// From SIGTERM to the kill. Of an aborted run less, since all actors are killed a second after.
constexpr Duration kTimeToStop = std::chrono::seconds(3);
constexpr Duration kTimeToAbort = milliseconds(400);
// As the waiting readers of real_time.cpp.
constexpr int kPriority = 50;

constexpr std::string_view kStreamMark = "{stream}";

std::string with_stream(std::string word, const std::string& stream) {
  for (auto at = word.find(kStreamMark); at != std::string::npos;
       at = word.find(kStreamMark, at + stream.size()))
    word.replace(at, kStreamMark.size(), stream);
  return word;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

// Where our readers are, and what Python needs to find daoShm. Built: in <build>/hil/readers, for
// programs somewhere below <build>. Installed: <prefix>/libexec/dao_hil, of <prefix>/bin/hil.
std::filesystem::path folder_of_readers(const std::string& name) {
  if (const char* folder = std::getenv("HIL_READERS"); folder != nullptr) return folder;
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  for (auto here = self.parent_path(); here.has_relative_path(); here = here.parent_path())
    for (const char* below : {"hil/readers", DAO_HIL_READERS})
      if (is_there(here / below / name)) return here / below;
  throw std::runtime_error(fmt::format(
      "the reader program '{}' is neither beside {} nor installed with it; set HIL_READERS to its "
      "folder",
      name, self.string()));
}

std::string name_of_ours(plan::Language language) {
  return language == plan::Language::python ? "hil-reader-python" : "hil-reader-c";
}

// ---- the plan as JSON ---------------------------------------------------------------------------

std::string_view name_of(plan::ReadMode mode) {
  switch (mode) {
    case plan::ReadMode::next:
      return "next";
    case plan::ReadMode::newest:
      return "newest";
    case plan::ReadMode::arbitrary:
      return "arbitrary";
    case plan::ReadMode::history:
      return "history";
    case plan::ReadMode::mixed:
      return "mixed";
  }
  return "?";
}

std::string_view name_of(plan::OnOverwrite policy) {
  switch (policy) {
    case plan::OnOverwrite::go_on:
      return "go_on";
    case plan::OnOverwrite::oldest:
      return "oldest";
    case plan::OnOverwrite::reset:
      return "reset";
    case plan::OnOverwrite::stop:
      return "stop";
  }
  return "?";
}

std::string name_of_wait(const plan::ReaderPlan& plan) {
  if (plan.on_empty == plan::OnEmpty::poll) return "poll";
  if (plan.semaphore) return "semaphore";
  switch (plan.waiting) {
    case shm::Wait::sleep:
      return "sleep";
    case shm::Wait::spin:
      return "spin";
    case shm::Wait::hybrid:
      return "hybrid";
  }
  return "?";
}

// A lag whose gaps are drawn, as the gaps themselves: other languages need no random numbers.
json as_gaps(const plan::Lag& lag, const plan::ReaderPlan& plan, Duration period,
             std::uint64_t frames, std::uint64_t seed) {
  plan::ReaderPlan alone;
  alone.name = plan.name;
  alone.lag = {lag};
  const LagSchedule schedule(alone, period, seed);
  json gaps = json::array();
  for (std::uint64_t k = 1; k <= frames; ++k) gaps.push_back(schedule.gap_after(k).count());
  return {{"kind", "trace"}, {"gaps_ns", std::move(gaps)}};
}

struct LagAsJson {
  const plan::ReaderPlan& plan;
  Duration period;
  std::uint64_t frames, seed;

  json operator()(const plan::ConstantLag& lag) const {
    return {
        {"kind", "constant"}, {"service_ns", lag.service.count()}, {"phase_ns", lag.phase.count()}};
  }
  json operator()(const plan::PeriodicLag& lag) const {
    if (lag.phase == plan::StallPhase::sweep) return as_gaps(lag, plan, period, frames, seed);
    return {{"kind", "periodic"}, {"every", lag.every}, {"stall_ns", lag.stall.count()}};
  }
  json operator()(const plan::BurstLag& lag) const {
    return {{"kind", "burst"}, {"reads", lag.reads}, {"idle_ns", lag.idle.count()}};
  }
  json operator()(const plan::PauseLag& lag) const {
    return as_gaps(lag, plan, period, frames, seed);
  }
  json operator()(const plan::TraceLag& lag) const {
    json gaps = json::array();
    for (const Duration gap : lag.gaps) gaps.push_back(gap.count());
    return {{"kind", "trace"}, {"gaps_ns", std::move(gaps)}};
  }
  // In virtual time only; or what is done to a reader, not by it.
  json operator()(const plan::UnreadLag&) const { return nullptr; }
  json operator()(const plan::HogLag&) const { return nullptr; }
  json operator()(const plan::StopLag&) const { return nullptr; }
};

// A file without a name, gone with this process, that others open by its number here.
int nameless_file(const std::string& text) {
  const int fd = ::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  const ssize_t n = fd < 0 ? -1 : ::write(fd, text.data(), text.size());
  if (n != static_cast<ssize_t>(text.size()))
    throw std::runtime_error(fmt::format(
        "cannot write the plan of a reader program to /dev/shm: {}", std::strerror(errno)));
  return fd;
}

std::string last_lines(const std::string& text, std::size_t most) {
  std::string tail = text.substr(text.size() - std::min(text.size(), most));
  while (!tail.empty() && (tail.back() == '\n' || tail.back() == '\r')) tail.pop_back();
  std::string line;
  for (const char c : tail) line += c == '\n' ? std::string(" | ") : printable({&c, 1});
  return line;
}

}  // namespace

bool is_foreign(const plan::ReaderPlan& plan) {
  return !plan.exec.empty() || plan.language != plan::Language::cpp;
}

std::vector<std::string> program_of(const plan::ReaderPlan& plan,
                                    const std::filesystem::path& stream) {
  if (plan.exec.empty()) {
    const std::string name = name_of_ours(plan.language);
    return {folder_of_readers(name) / name, stream};
  }
  std::vector<std::string> argv;
  for (const std::string& word : plan.exec) argv.push_back(with_stream(word, stream));
  return argv;
}

std::string plan_as_json(const plan::ReaderPlan& plan, Duration period, std::uint64_t frames,
                         std::uint64_t seed) {
  json lags = json::array();
  for (const plan::Lag& lag : plan.lag)
    if (json one = std::visit(LagAsJson{plan, period, frames, seed}, lag); !one.is_null())
      lags.push_back(std::move(one));
  const json text = {
      {"mode", name_of(plan.mode)},
      {"copy", plan.copying == plan::Copying::copy},
      {"hold_ns", plan.hold.count()},
      {"wait", name_of_wait(plan)},
      {"semaphore", plan.semaphore ? json(*plan.semaphore) : json(nullptr)},
      {"poll_ns", plan.poll.count()},
      {"history", plan.history},
      {"index_lag", plan.index_lag},
      {"on_overwrite", name_of(plan.on_overwrite)},
      {"seed", seed},
      {"lag", std::move(lags)},
  };
  return text.dump();
}

// ---- the actor ----------------------------------------------------------------------------------

ForeignReader::ForeignReader(const Stage& stage, const plan::ReaderPlan& plan, Control& control,
                             Control::Actor& self, const EventLog<SourceEvent>& source,
                             EventLog<CallEvent>& log, ReaderSummary& summary)
    : stage_(stage),
      plan_(plan),
      control_(control),
      self_(self),
      source_(source),
      log_(log),
      summary_(summary),
      fifo_(shm::Reader::open(stage.stream)),
      lines_(plan.name, stage.calls_of(plan)) {}

void ForeignReader::run() {
  try {
    if (plan_.start.count() > 0) wait_to_join();
    set_up();
    follow();
    stop_program();
  } catch (...) {
    program_.reset();
    finish();
    throw;
  }
  finish();
  self_.state.store(ActorState::done, std::memory_order_release);
}

ProgramSpec ForeignReader::spec() const {
  const shm::Rate& rate = stage_.source.rate;
  const double seconds = static_cast<double>(rate.offset_of(stage_.wanted.frames).count()) * 1e-9;
  ProgramSpec spec;
  spec.argv = program_of(plan_, stage_.stream);
  spec.cpus = plan_.cpus;
  spec.environment = {
      "HIL_STREAM=" + stage_.stream.string(),
      fmt::format("HIL_FRAMES={}", stage_.wanted.frames),
      fmt::format("HIL_RATE_HZ={}", rate.hertz()),
      fmt::format("HIL_DEPTH={}", stage_.wanted.fifo.depth),
      fmt::format("HIL_DURATION_S={}", seconds),
      "HIL_READER=" + plan_.name,
      fmt::format("HIL_PLAN=/proc/{}/fd/{}", ::getpid(), plan_file_),
      fmt::format("HIL_CALLS={}", stage_.calls_of(plan_)),
  };
  // Ours is known to sleep when it waits; another's program might spin, and would keep the core.
  const bool sleeps = plan_.on_empty == plan::OnEmpty::wait && plan_.waiting == shm::Wait::sleep;
  if (plan_.exec.empty() && sleeps) spec.realtime_priority = kPriority;
  if (plan_.exec.empty() && plan_.language == plan::Language::python) {
    const std::filesystem::path folder = std::filesystem::path(spec.argv[0]).parent_path();
    for (const char* beside : {"../../shm/python", DAO_HIL_PYTHON_BESIDE_READERS})
      if (is_there(folder / beside / "daoShm.py")) {
        const char* set = std::getenv("PYTHONPATH");
        spec.environment.push_back("PYTHONPATH=" + (folder / beside).string() +
                                   (set != nullptr ? ":" + std::string(set) : ""));
        break;
      }
  }
  return spec;
}

// A program that joins later is started then; until it has opened the stream frames go by, which it
// does not miss, since its tail begins at the newest.
void ForeignReader::wait_to_join() {
  const shm::Clock& clock = shm::system_clock();
  self_.state.store(ActorState::ready, std::memory_order_release);
  const auto joined = [&] {
    return control_.command.load(std::memory_order_acquire) != Command::hold &&
           clock.now() >= MonotonicTime{Duration{control_.start_ns.load()}} + plan_.start;
  };
  while (!control_.stopping() && !joined()) clock.sleep_until(clock.now() + milliseconds(1));
}

void ForeignReader::set_up() {
  const shm::Clock& clock = shm::system_clock();
  // A little before the bench itself gives up, which would not know why.
  const MonotonicTime deadline = clock.now() + stage_.wanted.timeouts.setup * 9 / 10;
  plan_file_ = nameless_file(
      plan_as_json(plan_, stage_.source.rate.period(), stage_.wanted.frames, stage_.wanted.seed));
  newest_at_start_ = fifo_.newest_counter().value;
  program_.emplace(spec());
  while (!in_place()) {
    if (control_.stopping()) return;
    if (const auto status = program_->ended()) {
      take_output(clock.now());
      fail("ended before the run began, with " + describe_end(*status));
    }
    if (clock.now() > deadline)
      fail("has neither opened the stream nor said \"ready\" in the time for set-up");
    take_output(clock.now() + milliseconds(5));
  }
  newest_at_ready_ = fifo_.newest_counter().value;
  const bool realtime = ::sched_getscheduler(program_->pid()) == SCHED_FIFO;
  self_.scheduling.store(realtime ? Scheduling::realtime : Scheduling::ordinary);
  self_.state.store(ActorState::ready, std::memory_order_release);
}

bool ForeignReader::in_place() {
  if (lines_.ready()) return true;
  const MonotonicTime now = shm::system_clock().now();
  if (!mapped_since_) {
    struct stat file {};
    if (::stat(stage_.stream.c_str(), &file) != 0) return false;
    // Any process of the group: the program may have been started by a script.
    for (const shm::Holder& holder : shm::Holders::of_host().of({file.st_dev, file.st_ino}))
      if (::getpgid(holder.pid) == program_->pid()) mapped_since_ = now;
    return false;
  }
  return now >= *mapped_since_ + kSettle;
}

void ForeignReader::take_output(MonotonicTime deadline) {
  const Program::Output output = program_->read(deadline);
  // The summary is in shared memory, so that the words survive whatever becomes of this process.
  if (!output.err.empty()) {
    constexpr std::size_t kRoom = sizeof summary_.last_words - 1;
    errors_ += output.err;
    if (errors_.size() > kRoom) errors_.erase(0, errors_.size() - kRoom);
    std::memcpy(summary_.last_words, errors_.data(), errors_.size());
    summary_.last_words[errors_.size()] = '\0';
  }
  try {
    lines_.take(output.out, output.arrival);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(error.what() +
                             (errors_.empty() ? "" : "; it wrote: " + last_lines(errors_, 400)));
  }
}

// Until the source has ended.
void ForeignReader::follow() {
  const shm::Clock& clock = shm::system_clock();
  while (!control_.stopping() && control_.end_ns.load(std::memory_order_acquire) == 0) {
    if (program_->closed())
      clock.sleep_until(clock.now() + kSlice);
    else
      take_output(clock.now() + kSlice);
    // One that has what it wanted may go. One that fails is not waited for.
    if (const auto status = program_->ended()) check_end(*status);
  }
}

void ForeignReader::stop_program() {
  const shm::Clock& clock = shm::system_clock();
  MonotonicTime deadline = clock.now() + kTimeToEnd;
  if (!control_.stopping()) {
    program_->tell(fmt::format("end {}\n", control_.end_ns.load()));
    program_->close_input();
  } else {
    deadline = clock.now();
  }
  bool terminated = false;
  while (!program_->ended()) {
    const bool aborted = control_.stopping();
    if (!terminated && (aborted || clock.now() > deadline)) {
      program_->close_input();
      program_->signal(SIGTERM);
      terminated = told_to_stop_ = true;
      deadline = clock.now() + (aborted ? kTimeToAbort : kTimeToStop);
    }
    if (terminated && clock.now() > deadline) {
      program_->kill();
      if (!aborted)
        fail(fmt::format("did not stop within {} s of SIGTERM",
                         kTimeToStop / std::chrono::seconds(1)));
    }
    if (program_->closed())
      clock.sleep_until(clock.now() + milliseconds(5));
    else
      take_output(clock.now() + kSlice);
  }
  const int status = *program_->ended();
  // What it left in the pipes; a child of it that lives on may hold them open and is not waited
  // for.
  program_->kill();
  const MonotonicTime drained = clock.now() + (control_.stopping() ? milliseconds(50) : kTimeToEnd);
  while (!program_->closed() && clock.now() < drained) take_output(drained);
  lines_.end(clock.now());
  if (control_.stopping()) return;
  check_end(status);
  if (lines_.calls().empty() && source_.size() > 0)
    fail(lines_.preamble().empty()
             ? "reported not one call"
             : "reported not one call; its first line was \"" + lines_.preamble() + "\"");
}

void ForeignReader::check_end(int status) const {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  // Without a handler SIGTERM ends a program, which is what was asked of it.
  if (told_to_stop_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) return;
  // A shell's way of saying the same.
  if (told_to_stop_ && WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM) return;
  fail("ended with " + describe_end(status));
}

void ForeignReader::fail(const std::string& why) const {
  throw std::runtime_error(
      fmt::format("program '{}' {}{}", program_of(plan_, stage_.stream)[0], why,
                  errors_.empty() ? "" : "; it wrote: " + last_lines(errors_, 600)));
}

// Frames that came while it opened the stream: before its tail, or to be read? Its first word says.
std::uint64_t ForeignReader::tail_at_open() const {
  if (lines_.tail_at_open()) return *lines_.tail_at_open();
  if (!lines_.calls().empty()) {
    const std::uint64_t counter = lines_.calls().front().event.counter;
    if (counter > newest_at_start_ && counter <= newest_at_ready_) return counter - 1;
  }
  return newest_at_ready_;
}

void ForeignReader::finish() {
  summary_.first = tail_at_open();
  summary_.tail = summary_.first;
  summary_.newest_at_end = fifo_.newest_counter().value;
  std::vector<ReportedCall> calls = lines_.calls();
  infer_status(calls, summary_.first, plan_.mode);
  const std::vector<SourceEvent> frames = source_.copy();
  for (ReportedCall& call : calls) {
    call.event.content = content_of(call, frames);
    log_.push(call.event);
    if (call.event.status == shm::ReadStatus::success ||
        call.event.status == shm::ReadStatus::overwrite)
      summary_.tail = call.event.counter;
  }
  if (plan_file_ >= 0) ::close(std::exchange(plan_file_, -1));
}

// What it says itself, unless what it reports of the pixels or of the frame's id says worse.
Content ForeignReader::content_of(const ReportedCall& call,
                                  const std::vector<SourceEvent>& frames) const {
  const CallEvent& event = call.event;
  const auto frame = [&](std::uint64_t counter) {
    return counter >= 1 && counter <= frames.size() ? &frames[counter - 1] : nullptr;
  };
  const bool found_bad = event.content != Content::unchecked && event.content != Content::good;
  const SourceEvent* const sent = frame(event.counter);
  if (found_bad || sent == nullptr) return event.content;
  if (event.id != 0 && event.id != sent->id) return Content::wrong_frame;
  if (!call.sum || stage_.proof.content == nullptr) return event.content;
  const auto sum_of = [&](const SourceEvent& of) {
    return stage_.proof.content->sum(call.sum->kind, {of.id}, MonotonicTime{Duration{of.due}});
  };
  const auto expected = sum_of(*sent);
  if (!expected) return event.content;
  if (*expected == call.sum->value) return Content::good;
  // A whole frame, but a neighbour in the ring? So far is looked, since every look is a frame.
  constexpr std::uint64_t kNeighbours = 8;
  for (std::uint64_t away = 1; away <= kNeighbours; ++away)
    for (const std::uint64_t counter : {event.counter + away, event.counter - away})
      if (const SourceEvent* other = frame(counter); other != nullptr)
        if (sum_of(*other) == call.sum->value) return Content::wrong_frame;
  return Content::torn;
}

}  // namespace daohil::hil::run
