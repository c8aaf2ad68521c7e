#include "hil/run/foreign_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "hil/judge/judge.hpp"
#include "hil/lag_schedule.hpp"
#include "hil/run/foreign_lines.hpp"
#include "hil/run/program.hpp"
#include "hil/run/runner.hpp"

namespace daohil::hil::run {
namespace {

using shm::MonotonicTime;
using shm::ReadStatus;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MonotonicTime kArrival{seconds(1000)};

// ---- what programs print ------------------------------------------------------------------------

std::vector<ReportedCall> calls_in(std::string_view text) {
  ForeignLines lines("slow", 100);
  lines.take(text, kArrival);
  lines.end(kArrival);
  return lines.calls();
}

std::string complaint_about(std::string_view text) {
  try {
    calls_in(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

TEST(ForeignLines, AFullLineHasAllFields) {
  const auto calls = calls_in(
      "call 100 250 success 7 id=9 lost=2 content=good crc=E3069283 intended=90 waited=1\n");
  ASSERT_EQ(calls.size(), 1U);
  const CallEvent& event = calls[0].event;
  EXPECT_EQ(event.before, 100);
  EXPECT_EQ(event.after, 250);
  EXPECT_EQ(event.status, ReadStatus::success);
  EXPECT_EQ(event.counter, 7U);
  EXPECT_EQ(event.id, 9U);
  EXPECT_EQ(event.lost, 2U);
  EXPECT_EQ(event.content, Content::good);
  EXPECT_EQ(event.intended, 90);
  EXPECT_EQ(event.waited, 1);
  EXPECT_EQ(event.timing, Timing::measured);
  ASSERT_TRUE(calls[0].sum);
  EXPECT_EQ(calls[0].sum->kind, drivers::PixelSum::crc32c);
  EXPECT_EQ(calls[0].sum->value, 0xE3069283U);
}

TEST(ForeignLines, WithoutAnIntendedTimeACallWasIntendedWhenItWasMade) {
  EXPECT_EQ(calls_in("call 100 250 success 7\n").at(0).event.intended, 100);
}

TEST(ForeignLines, StatusByNameOrByDaosNumber) {
  const auto status_of = [](const std::string& word) {
    return calls_in("call 1 2 " + word + " 3\n").at(0).event.status;
  };
  for (const auto& [name, number, status] : {std::tuple{"success", "0", ReadStatus::success},
                                             std::tuple{"overwrite", "-2", ReadStatus::overwrite},
                                             std::tuple{"not_ready", "-3", ReadStatus::not_ready},
                                             std::tuple{"timeout", "-1", ReadStatus::timeout}}) {
    EXPECT_EQ(status_of(name), status);
    EXPECT_EQ(status_of(number), status);
  }
  EXPECT_EQ(status_of("torn"), ReadStatus::torn);
}

TEST(ForeignLines, LinesMayComeInPieces) {
  const std::string text = "ready 4\n# a comment\n\n5\r\ncall 1 2 0 6 crc32=cbf43926\n7";
  const auto whole = calls_in(text);
  ASSERT_EQ(whole.size(), 3U);
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    ForeignLines lines("slow", 100);
    for (std::size_t at = 0; at < text.size(); at += piece)
      lines.take(std::string_view(text).substr(at, piece), kArrival);
    lines.end(kArrival);
    ASSERT_EQ(lines.calls().size(), 3U) << piece;
    EXPECT_EQ(lines.tail_at_open(), 4U);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(lines.calls()[i].event.counter, whole[i].event.counter) << piece;
  }
}

TEST(ForeignLines, OfACounterAloneOnlyItsArrivalIsKnown) {
  ForeignLines lines("slow", 100);
  lines.take("5\n", MonotonicTime{seconds(1)});
  lines.take("6\n", MonotonicTime{seconds(3)});
  const CallEvent& event = lines.calls().at(1).event;
  EXPECT_EQ(event.timing, Timing::arrival);
  EXPECT_EQ(event.before, MonotonicTime{seconds(1)}.count());
  EXPECT_EQ(event.after, MonotonicTime{seconds(3)}.count());
}

TEST(ForeignLines, WhatIsSaidBeforeTheFirstLineOfTheProtocolIsPassedOver) {
  ForeignLines lines("slow", 100);
  lines.take("Python 3.11 greets you\n[info] opened\n", kArrival);
  EXPECT_FALSE(lines.ready());
  EXPECT_EQ(lines.preamble(), "Python 3.11 greets you");
  lines.take("ready\n", kArrival);
  EXPECT_TRUE(lines.ready());
  EXPECT_THROW(lines.take("[info] opened\n", kArrival), std::runtime_error);
}

TEST(ForeignLines, AMalformedLineIsNamedWithReaderNumberAndContent) {
  const std::string why = complaint_about("ready\n1\nnonsense\n");
  EXPECT_NE(why.find("'slow'"), std::string::npos) << why;
  EXPECT_NE(why.find("line 3"), std::string::npos) << why;
  EXPECT_NE(why.find("\"nonsense\""), std::string::npos) << why;
}

TEST(ForeignLines, WhatIsMalformed) {
  for (const std::string line : {
           "call",
           "call 1 2 success",
           "call 1 2 sucess 3",
           "call 1 2 success -3",
           "call 1 2 success 3x",
           "call -1 2 success 3",
           "call 1.5 2 success 3",
           "call 3 2 success 3",  // over before it began
           "call 1 2 success 3 id",
           "call 1 2 success 3 id=",
           "call 1 2 success 3 id=1 id=1",
           "call 1 2 success 3 colour=red",
           "call 1 2 success 3 crc=123456789",
           "call 1 2 success 3 crc=xyz",
           "call 1 2 success 3 crc=1 crc32=1",
           "call 1 2 success 3 content=fine",
           "call 1 2 success 3 waited=yes",
           "call 1 2 not_ready 0 crc=1",  // the pixels of no frame
           "call 1 99999999999999999999 success 3",
           "call 1 18446744073709551615 success 3",
           "3 4",
           "3,4",
           "18446744073709551616",
           "ready x",
           "ready 1 2",
       })
    EXPECT_FALSE(complaint_about(line + "\n").empty()) << line;
  EXPECT_FALSE(complaint_about("ready\nready\n").empty());
  EXPECT_FALSE(complaint_about("call 5 6 success 1\ncall 4 7 success 2\n").empty())
      << "calls out of order";
  // A time of CLOCK_REALTIME, which is decades ahead.
  const std::string why = complaint_about("call 1 1795000000000000000 success 3\n");
  EXPECT_NE(why.find("CLOCK_MONOTONIC"), std::string::npos) << why;
}

TEST(ForeignLines, HugeLinesAndBinaryGarbageAreRefusedOnOneShortLine) {
  const std::string huge(1 << 20, '7');
  const std::string garbage("\x00\xff\x1b[2J\n\n\x80", 10);
  for (const std::string& text : {huge, "ready\n" + garbage + "\n"}) {
    const std::string why = complaint_about(text);
    ASSERT_FALSE(why.empty());
    EXPECT_LT(why.size(), 700U);
    for (const char c : why) EXPECT_TRUE(c >= ' ' && c <= '~') << why;
  }
  // In any pieces, no more than a line is kept.
  ForeignLines lines("slow", 100);
  EXPECT_THROW(
      {
        for (int i = 0; i < 2000; ++i) lines.take("7", kArrival);
      },
      std::runtime_error);
}

TEST(ForeignLines, MoreCallsThanRoomAreRefused) {
  ForeignLines lines("slow", 3);
  lines.take("1\n2\n3\n", kArrival);
  EXPECT_THROW(lines.take("4\n", kArrival), std::runtime_error);
  EXPECT_EQ(lines.calls().size(), 3U) << "what was read before stays";
}

TEST(ForeignLines, WhoNeverComesToThePointIsRefused) {
  ForeignLines lines("slow", 3);
  const auto chatter = [&] {
    for (std::size_t i = 0; i <= ForeignLines::kPreamble; ++i) lines.take("hello\n", kArrival);
  };
  EXPECT_THROW(chatter(), std::runtime_error);
}

// Anything at all is either taken or refused with an exception.
TEST(ForeignLines, SurvivesRandomLines) {
  constexpr unsigned kSeed = 20261125;
  std::mt19937 random(kSeed);
  const std::vector<std::string> words = {"call", "ready",  "1",     "2",    "success", "-2",  "0",
                                          "id=",  "crc=ff", "lost=", "\xff", " ",       "\n",  "\t",
                                          "=",    "\r\n",   "id=3",  "torn", "#",       "9e9", ""};
  std::size_t refused = 0, taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto n = random() % 30; n > 0; --n) text += words[random() % words.size()] + " ";
    (complaint_about(text).empty() ? taken : refused) += 1;
  }
  EXPECT_GT(refused, 1000U) << "seed " << kSeed;
  EXPECT_GT(taken, 100U) << "seed " << kSeed;
}

TEST(InferStatus, FromCountersAlone) {
  auto calls = calls_in("4\n5\n9\n9\n8\n10\n");
  infer_status(calls, 3, plan::ReadMode::next);
  using enum ReadStatus;
  const std::vector<std::pair<ReadStatus, std::uint64_t>> expected = {
      {success, 0}, {success, 0}, {overwrite, 3}, {success, 0}, {success, 0}, {overwrite, 1}};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].event.status, expected[i].first) << i;
    EXPECT_EQ(calls[i].event.lost, expected[i].second) << i;
  }
}

TEST(InferStatus, WhatAProgramClaimsIsLeftToTheJudge) {
  auto calls = calls_in(
      "call 1 2 success 4\ncall 3 4 success 9\ncall 5 6 overwrite 20\n"
      "call 7 8 overwrite 30 lost=1\n");
  infer_status(calls, 3, plan::ReadMode::next);
  EXPECT_EQ(calls[1].event.status, ReadStatus::success);
  EXPECT_EQ(calls[1].event.lost, 0U);
  EXPECT_EQ(calls[2].event.lost, 10U) << "not claimed, so it follows from the counters";
  EXPECT_EQ(calls[3].event.lost, 1U) << "claimed";
}

TEST(InferStatus, WhoReadsTheNewestClaimsNothingOfWhatWasSkipped) {
  auto calls = calls_in("4\n9\n9\n");
  infer_status(calls, 3, plan::ReadMode::newest);
  for (const ReportedCall& call : calls) EXPECT_EQ(call.event.status, ReadStatus::success);
}

// ---- the plan that programs get -----------------------------------------------------------------

TEST(PlanAsJson, HasTheReadersPlan) {
  plan::ReaderPlan plan;
  plan.name = "slow";
  plan.mode = plan::ReadMode::newest;
  plan.copying = plan::Copying::in_place;
  plan.hold = microseconds(20);
  plan.semaphore = 3;
  plan.on_overwrite = plan::OnOverwrite::reset;
  plan.lag = {plan::ConstantLag{.service = microseconds(5), .phase = microseconds(1)},
              plan::PeriodicLag{.every = 7, .stall = milliseconds(2)},
              plan::BurstLag{.reads = 3, .idle = milliseconds(1)},
              plan::TraceLag{{microseconds(1), microseconds(2)}}, plan::StopLag{}};
  const auto json = nlohmann::json::parse(plan_as_json(plan, milliseconds(1), 100, 42));
  const auto expected = nlohmann::json::parse(R"({
    "mode": "newest", "copy": false, "hold_ns": 20000, "wait": "semaphore", "semaphore": 3,
    "poll_ns": 0, "history": 1, "index_lag": 0, "on_overwrite": "reset", "seed": 42,
    "lag": [{"kind": "constant", "service_ns": 5000, "phase_ns": 1000},
            {"kind": "periodic", "every": 7, "stall_ns": 2000000},
            {"kind": "burst", "reads": 3, "idle_ns": 1000000},
            {"kind": "trace", "gaps_ns": [1000, 2000]}]})");
  EXPECT_EQ(json, expected);
}

// Pauses are drawn here, so that every language has the same ones.
TEST(PlanAsJson, DrawnGapsComeAsAList) {
  plan::ReaderPlan plan;
  plan.name = "slow";
  plan.lag = {
      plan::PauseLag{.rate_hz = 100, .median = milliseconds(3), .sigma = 0.5, .cap = seconds(1)}};
  const auto json = nlohmann::json::parse(plan_as_json(plan, milliseconds(1), 500, 42));
  const auto& gaps = json.at("lag").at(0).at("gaps_ns");
  const LagSchedule schedule(plan, milliseconds(1), 42);
  ASSERT_EQ(gaps.size(), 500U);
  for (std::uint64_t k = 1; k <= 500; ++k)
    EXPECT_EQ(gaps.at(k - 1).get<std::int64_t>(), schedule.gap_after(k).count()) << k;
}

TEST(ProgramOf, TheStreamsPathStandsWhereItIsAskedFor) {
  plan::ReaderPlan plan;
  plan.exec = {"reader", "--in={stream}", "{stream}{stream}", "plain"};
  EXPECT_EQ(program_of(plan, "/dev/shm/a.im.shm"),
            (std::vector<std::string>{"reader", "--in=/dev/shm/a.im.shm",
                                      "/dev/shm/a.im.shm/dev/shm/a.im.shm", "plain"}));
}

// ---- starting and ending programs ---------------------------------------------------------------

ProgramSpec shell(const std::string& script) { return {.argv = {"/bin/sh", "-c", script}}; }

// All that it writes, up to its end.
Program::Output everything(Program& program) {
  Program::Output all;
  const MonotonicTime deadline = shm::system_clock().now() + seconds(20);
  while (!program.closed() && shm::system_clock().now() < deadline) {
    const Program::Output some = program.read(deadline);
    all.out += some.out;
    all.err += some.err;
  }
  return all;
}

int end_of(Program& program) {
  const MonotonicTime deadline = shm::system_clock().now() + seconds(20);
  while (!program.ended() && shm::system_clock().now() < deadline) ::usleep(1000);
  EXPECT_TRUE(program.ended());
  return program.ended().value_or(-1);
}

TEST(Program, GetsItsEnvironmentAndBothOutputsAreRead) {
  ProgramSpec spec = shell("echo $A $HOME; echo trouble >&2; exit 3");
  spec.environment = {"A=one", "HOME=replaced"};
  Program program(spec);
  const auto output = everything(program);
  EXPECT_EQ(output.out, "one replaced\n");
  EXPECT_EQ(output.err, "trouble\n");
  EXPECT_EQ(describe_end(end_of(program)), "exit status 3");
}

TEST(Program, InheritsNoOpenFile) {
  constexpr int kNumber = 50;  // that no shell uses by itself
  const int fd = ::fcntl(1, F_DUPFD, kNumber);
  Program program(shell(fmt::format("if [ -e /proc/$$/fd/{} ]; then echo inherited; fi", fd)));
  ::close(fd);
  EXPECT_EQ(everything(program).out, "");
}

TEST(Program, WhatCannotBeStartedIsNamedWithTheReason) {
  const auto complaint = [](std::vector<std::string> argv) -> std::string {
    try {
      Program program({.argv = std::move(argv)});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return {};
  };
  const std::string missing = complaint({"no-such-program-anywhere"});
  EXPECT_NE(missing.find("no-such-program-anywhere"), std::string::npos) << missing;
  EXPECT_NE(missing.find("No such file"), std::string::npos) << missing;
  EXPECT_NE(complaint({"/"}).find("Permission denied"), std::string::npos);
  EXPECT_FALSE(complaint({}).empty());
  EXPECT_FALSE(complaint({""}).empty());
}

TEST(Program, TellsWhichSignalEndedIt) {
  Program program(shell("kill -SEGV $$"));
  EXPECT_NE(describe_end(end_of(program)).find("signal 11"), std::string::npos);
}

TEST(Program, KillsWhoeverBelongsToIt) {
  pid_t grandchild = 0;
  {
    Program program(shell("trap '' TERM; sleep 1000 & echo $!; wait"));
    std::string out;
    const MonotonicTime deadline = shm::system_clock().now() + seconds(20);
    while (out.find('\n') == std::string::npos && shm::system_clock().now() < deadline)
      out += program.read(deadline).out;
    grandchild = std::stoi(out);
    program.signal(SIGTERM);
    EXPECT_FALSE(program.ended()) << "it heeds no SIGTERM";
  }
  // An orphan; whoever adopts it may take a moment to collect it.
  const MonotonicTime deadline = shm::system_clock().now() + seconds(20);
  const auto runs = [&] {
    std::ifstream stat(fmt::format("/proc/{}/stat", grandchild));
    std::string pid, name, state;
    return stat >> pid >> name >> state && state != "Z" && state != "X";
  };
  while (runs() && shm::system_clock().now() < deadline) ::usleep(1000);
  EXPECT_FALSE(runs());
}

TEST(Program, HearsWhatItIsTold) {
  Program program(shell("read word; echo got $word; cat; echo closed"));
  program.tell("end 5\n");
  program.close_input();
  EXPECT_EQ(everything(program).out, "got end 5\nclosed\n");
  program.tell("nobody hears\n");  // and nothing happens
}

// ---- readers of other languages, and bad ones ---------------------------------------------------

plan::Case small_case(std::uint32_t depth, shm::Duration service) {
  plan::Case planned;
  planned.id = "test";
  planned.mode = plan::Mode::sim;
  planned.source.role = "wfs";
  planned.source.kind = "stamped";
  planned.source.settings.shape = shm::Shape{12, 20};
  planned.source.settings.type = shm::PixelType::u16;
  planned.source.settings.rate = shm::Rate::hertz(1000);
  planned.fifo = {.name = "wfs", .depth = depth};
  plan::ReaderPlan reader;
  reader.name = "slow";
  reader.lag = {plan::ConstantLag{service}};
  planned.readers = {reader};
  planned.frames = 300;
  planned.timeouts.run = seconds(60);
  return planned;
}

struct Played {
  Recording recording;
  judge::CaseResult result;

  [[nodiscard]] std::int64_t count(const std::string& metric) const {
    return std::get<std::int64_t>(result.metrics.at("fifo.wfs.slow." + metric));
  }
  [[nodiscard]] bool identity() const {
    return std::get<bool>(result.metrics.at("fifo.wfs.slow.identity"));
  }
};

Played play(const plan::Case& planned) {
  Runner runner({});
  Played played{runner.run(planned), {}};
  if (played.recording.ending == Ending::completed)
    played.result = judge::judge(planned, *played.recording.source, played.recording.trace);
  return played;
}

void expect_sound(const Played& played) {
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_TRUE(played.identity());
  EXPECT_EQ(played.count("oracle.violations"), 0);
  EXPECT_EQ(played.count("content_bad"), 0);
  EXPECT_EQ(played.count("backward"), 0);
  EXPECT_GT(played.count("delivered"), 0);
  EXPECT_EQ(played.count("content_good"), played.count("delivered") - played.count("torn"));
}

struct Way {
  std::string name;
  plan::Language language;
  void (*change)(plan::ReaderPlan&);
};

void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

class OurReader : public testing::TestWithParam<Way> {};

TEST_P(OurReader, IsSound) {
  for (const int service_us : {0, 1500}) {
    plan::Case planned = small_case(8, microseconds(service_us));
    planned.readers[0].language = GetParam().language;
    GetParam().change(planned.readers[0]);
    const Played played = play(planned);
    expect_sound(played);
    if (HasFatalFailure()) return;
    // The schedule is absolute: with a call every 1.5 periods about a third of the frames is lost,
    // in rings of 8 (T2: 99 of 299 in 200 calls); half of that is more than any pause makes.
    if (service_us > 0) {
      EXPECT_GT(played.count("overwrites"), 5);
      EXPECT_LT(played.count("delivered"), 250);
    }
  }
}

const std::vector<Way> kWays = {
    {"CCopies", plan::Language::c, [](plan::ReaderPlan&) {}},
    {"CInPlace", plan::Language::c,
     [](plan::ReaderPlan& plan) {
       plan.copying = plan::Copying::in_place;
       plan.hold = microseconds(100);
     }},
    {"CSemaphore", plan::Language::c, [](plan::ReaderPlan& plan) { plan.semaphore = 4; }},
    {"CSpins", plan::Language::c, [](plan::ReaderPlan& plan) { plan.waiting = shm::Wait::spin; }},
    {"CHybrid", plan::Language::c,
     [](plan::ReaderPlan& plan) { plan.waiting = shm::Wait::hybrid; }},
    {"CPolls", plan::Language::c,
     [](plan::ReaderPlan& plan) {
       plan.on_empty = plan::OnEmpty::poll;
       plan.poll = microseconds(200);
     }},
    {"PythonCopies", plan::Language::python, [](plan::ReaderPlan&) {}},
    {"PythonSemaphore", plan::Language::python, [](plan::ReaderPlan& plan) { plan.semaphore = 5; }},
    {"PythonSpins", plan::Language::python,
     [](plan::ReaderPlan& plan) { plan.waiting = shm::Wait::spin; }},
    {"PythonPolls", plan::Language::python,
     [](plan::ReaderPlan& plan) {
       plan.on_empty = plan::OnEmpty::poll;
       plan.poll = microseconds(300);
     }},
};

std::vector<Way> ways_of_this_build() {
  std::vector<Way> ways;
  for (const Way& way : kWays)
    if (way.language != plan::Language::python || DAO_HIL_TEST_PYTHON) ways.push_back(way);
  return ways;
}

INSTANTIATE_TEST_SUITE_P(Ways, OurReader, testing::ValuesIn(ways_of_this_build()),
                         [](const auto& way) { return way.param.name; });

// Programs of users, as shell and Python scripts. The stamp in the pixels and the counter that a
// script reports are what ours report, changed by a sed script: so a bad program is one fault away
// from a good one.
plan::ReaderPlan filtered(const plan::ReaderPlan& ours, const std::string& filter) {
  plan::ReaderPlan plan = ours;
  plan.language = plan::Language::c;
  const std::string program = program_of(plan, "")[0];
  // The reader is told of the end through the shell's standard input and comes to it by itself.
  plan.exec = {"/bin/sh", "-c", fmt::format("exec 3<&0; '{}' \"$0\" <&3 | {}", program, filter),
               "{stream}"};
  plan.language = plan::Language::cpp;
  return plan;
}

Played play_filtered(const std::string& filter, shm::Duration service = shm::Duration{0}) {
  // A ring that takes the whole run, unless it is to be lapped: every frame is then delivered on
  // any host, the one that is tampered with too.
  plan::Case planned = small_case(service.count() > 0 ? 8 : 512, service);
  planned.readers[0] = filtered(planned.readers[0], filter);
  return play(planned);
}

TEST(UsersProgram, AGoodOneIsSound) { expect_sound(play_filtered("cat")); }

TEST(UsersProgram, AGoodOneThatPrintsCountersAloneIsSound) {
  const Played played = play_filtered("awk '/^ready/{print} /^call/{print $5}'");
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_TRUE(played.identity());
  EXPECT_EQ(played.count("delivered") + played.count("backlog"), 300);
  for (const CallEvent& call : played.recording.trace.readers[0].calls)
    ASSERT_EQ(call.timing, Timing::arrival);
}

// A frame dropped without a word, and the next called a success.
TEST(UsersProgram, OneThatSkipsAFrameSilentlyIsCaught) {
  const Played played = play_filtered("sed '/^call [0-9]* [0-9]* 0 150 /d'");
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_FALSE(played.identity());
  EXPECT_GT(played.count("oracle.violations"), 0);
}

TEST(UsersProgram, OneThatDeliversAFrameTwiceIsCaught) {
  const Played played = play_filtered("sed '/^call [0-9]* [0-9]* 0 150 /p'");
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_FALSE(played.identity());
  EXPECT_EQ(played.count("duplicates"), 1);
  EXPECT_GT(played.count("oracle.violations"), 0);
}

TEST(UsersProgram, OneThatCallsAnOverwriteASuccessIsCaught) {
  // Every 2.5 periods a call: a ring of 8 is lapped after 6 calls.
  const Played played =
      play_filtered("sed 's/^\\(call [0-9]* [0-9]*\\) -2 /\\1 0 /'", microseconds(2500));
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_EQ(played.count("overwrites"), 0);
  EXPECT_FALSE(played.identity());
  EXPECT_GT(played.count("oracle.violations"), 0);
}

TEST(UsersProgram, OneWhosePixelsAreNotWhatWasSentIsCaught) {
  const Played played = play_filtered("sed '/^call [0-9]* [0-9]* 0 150 /s/crc=[0-9a-f]*/crc=0/'");
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_EQ(played.count("content_bad"), 1);
  EXPECT_EQ(played.count("content_good"), played.count("delivered") - 1);
  EXPECT_TRUE(played.identity()) << "the counters are right";
}

// The sum of the frame before, under this one's counter: whole pixels, of another frame.
TEST(UsersProgram, OneThatDeliversOldPixelsUnderANewCounterIsCaught) {
  const Played played =
      play_filtered("awk '{now = $NF} /^call [0-9]+ [0-9]+ 0 150 /{$NF = old} {old = now; print}'");
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  EXPECT_EQ(played.count("content_bad"), 1);
  for (const CallEvent& call : played.recording.trace.readers[0].calls)
    EXPECT_EQ(call.content == Content::wrong_frame, call.counter == 150) << call.counter;
}

TEST(UsersProgram, OneThatNamesAnotherDeviceFrameIsCaught) {
  const Played played = play_filtered("sed '/^call [0-9]* [0-9]* 0 150 /s/ id=150/ id=151/'");
  EXPECT_EQ(played.count("content_bad"), 1);
}

std::string error_of(const std::vector<std::string>& exec,
                     shm::Duration setup = std::chrono::seconds(10)) {
  plan::Case planned = small_case(8, shm::Duration{0});
  planned.frames = 50;
  planned.timeouts.setup = setup;
  planned.readers[0].exec = exec;
  const Played played = play(planned);
  EXPECT_EQ(played.recording.ending, Ending::broken);
  EXPECT_NE(played.recording.error.find("reader 'slow'"), std::string::npos);
  return played.recording.error;
}

TEST(UsersProgram, WhatIsAnError) {
  const auto script = [](const std::string& text, shm::Duration setup = std::chrono::seconds(10)) {
    return error_of({"/bin/sh", "-c", text}, setup);
  };
  const auto expect_in = [](const std::string& error, const std::string& part) {
    EXPECT_NE(error.find(part), std::string::npos) << error;
  };
  expect_in(error_of({"no-such-program-anywhere"}), "No such file");
  expect_in(script("echo trouble ahead >&2; exit 7"), "exit status 7");
  expect_in(script("echo trouble ahead >&2; exit 7"), "trouble ahead");
  expect_in(script("exit 0"), "before the run");
  expect_in(script("echo ready; kill -SEGV $$"), "signal 11");
  expect_in(script("echo ready; sleep 0.02; echo went wrong >&2; exit 9"), "went wrong");
  expect_in(script("sleep 100", milliseconds(300)), "ready");
  expect_in(script("echo ready; echo 1; echo what?; sleep 100"), "line 3");
  expect_in(script("echo ready; echo 1; echo what?; sleep 100"), "what?");
  expect_in(script("echo ready; yes 1"), "more calls");
  expect_in(script("echo ready; yes | tr -d '\\n'"), "longer than");
  expect_in(script("yes"), "none of a reader");
  expect_in(script("echo ready; exec cat > /dev/null"), "not one call");
  expect_in(script("trap '' TERM; echo ready; echo 1; while :; do sleep 0.1; done"),
            "did not stop");
}

// The last words are kept for the evidence, however many there were.
TEST(UsersProgram, ItsLastWordsAreKept) {
  plan::Case planned = small_case(8, shm::Duration{0});
  planned.frames = 50;
  planned.readers[0] =
      filtered(planned.readers[0],
               "(cat; i=0; while [ $i -lt 2000 ]; do echo word $i >&2; i=$((i+1)); done)");
  const Played played = play(planned);
  ASSERT_EQ(played.recording.ending, Ending::completed) << played.recording.error;
  const std::string words = played.recording.trace.readers[0].summary.last_words;
  EXPECT_TRUE(words.ends_with("word 1998\nword 1999\n")) << words;
  EXPECT_LT(words.size(), sizeof(ReaderSummary::last_words));
}

TEST(UsersProgram, AnAbortedRunLeavesNoProgram) {
  int looks = 0;
  Runner runner(
      {.progress = [](const Progress&) {}, .stop_requested = [&] { return ++looks > 60; }});
  plan::Case planned = small_case(8, shm::Duration{0});
  planned.frames = 1'000'000;
  planned.readers[0].exec = {"/bin/sh", "-c",
                             "trap '' TERM; echo ready; while :; do sleep 0.05; done"};
  const Recording recording = runner.run(planned);
  EXPECT_EQ(recording.ending, Ending::aborted) << recording.error;
  // Groups of the programs end with them: nothing of this session still sleeps for the script.
  EXPECT_LT(recording.elapsed, std::chrono::seconds(30));
}

}  // namespace
}  // namespace daohil::hil::run
