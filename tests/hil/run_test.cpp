#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "hil/judge/judge.hpp"
#include "hil/judge/theory.hpp"
#include "hil/lag_schedule.hpp"
#include "hil/run/runner.hpp"

namespace daohil::hil::run {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

plan::Case small_case(plan::Mode mode, std::uint32_t depth, shm::Duration service) {
  plan::Case planned;
  planned.id = "test";
  planned.mode = mode;
  planned.source.role = "wfs";
  planned.source.kind = "stamped";
  planned.source.settings.shape = shm::Shape{12, 20};
  planned.source.settings.type = shm::PixelType::u16;
  planned.source.settings.rate = shm::Rate::hertz(2000);
  planned.fifo = {.name = "wfs", .depth = depth};
  plan::ReaderPlan reader;
  reader.name = "slow";
  reader.lag = {plan::ConstantLag{service}};
  planned.readers = {reader};
  planned.frames = 400;
  planned.timeouts.run = std::chrono::seconds(60);
  return planned;
}

// Streams and semaphores of this process, and nothing else.
std::size_t leftovers() {
  const std::string mine = fmt::format("hil-{}-", ::getpid());
  const auto in_shm = std::filesystem::directory_iterator("/dev/shm");
  return static_cast<std::size_t>(std::count_if(begin(in_shm), end(in_shm), [&](const auto& e) {
    return e.path().filename().string().find(mine) != std::string::npos;
  }));
}

std::int64_t count(const judge::CaseResult& result, const std::string& metric) {
  return std::get<std::int64_t>(result.metrics.at(metric));
}

judge::Totals totals_of(const judge::CaseResult& result) {
  const auto number = [&](const std::string& name) {
    return static_cast<std::uint64_t>(count(result, "fifo.wfs.slow." + name));
  };
  return {.delivered = number("delivered"),
          .overwrites = number("overwrites"),
          .lost = number("lost"),
          .backlog = number("backlog")};
}

// The real FIFO under the virtual clock does exactly what the recursion says, for any lag.
TEST(VirtualTime, EqualsTheRecursionExactly) {
  Runner runner({});
  for (const std::uint32_t depth : {1U, 2U, 5U, 8U})
    for (const int service_us : {0, 200, 499, 500, 501, 750, 1000, 1250, 4321}) {
      const plan::Case planned =
          small_case(plan::Mode::virtual_time, depth, microseconds(service_us));
      const Recording recording = runner.run(planned);
      ASSERT_EQ(recording.ending, Ending::completed) << recording.error;
      const auto result = judge::judge(planned, *recording.source, recording.trace);
      const LagSchedule lag(planned.readers[0], recording.source->rate.period());
      EXPECT_EQ(totals_of(result),
                judge::recursion(lag, depth, planned.frames, {.rate = recording.source->rate}))
          << "N " << depth << " service " << service_us << " us";
      EXPECT_EQ(count(result, "fifo.wfs.slow.content_bad"), 0);
      EXPECT_EQ(count(result, "fifo.wfs.slow.oracle.violations"), 0);
    }
  EXPECT_EQ(leftovers(), 0U);
}

bool same_bytes(const Trace& a, const Trace& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(x[0])) == 0;
  };
  return equal(a.source, b.source) && a.readers.size() == b.readers.size() &&
         equal(a.readers[0].calls, b.readers[0].calls);
}

TEST(VirtualTime, TwoRunsAreBitIdentical) {
  Runner runner({});
  const plan::Case planned = small_case(plan::Mode::virtual_time, 4, microseconds(800));
  EXPECT_TRUE(same_bytes(runner.run(planned).trace, runner.run(planned).trace));
}

// A reader in the middle of publications, by the reference's rules: never misled.
TEST(VirtualTime, TheWitnessIsNeverMisled) {
  Runner runner({});
  for (const std::uint32_t depth : {1U, 2U, 3U, 16U}) {
    plan::Case planned = small_case(plan::Mode::virtual_time, depth, shm::Duration{0});
    plan::ReaderPlan& witness = planned.readers[0];
    witness.rules = plan::Rules::reference;
    witness.looks = plan::Looks::at_each_publication_step;
    witness.on_empty = plan::OnEmpty::poll;
    const Recording recording = runner.run(planned);
    const auto result = judge::judge(planned, *recording.source, recording.trace);
    EXPECT_EQ(count(result, "fifo.wfs.slow.delivered"), 400);
    EXPECT_EQ(count(result, "fifo.wfs.slow.calls"), 400 * 6);
    EXPECT_EQ(count(result, "fifo.wfs.slow.overwrites"), 0);
    EXPECT_EQ(count(result, "fifo.wfs.slow.backward"), 0);
  }
}

// At exactly N unread frames, while the writer destroys the one that would be next: never
// delivered, and found to be gone at once. At depth 1 there is nothing left to deliver.
TEST(VirtualTime, AReaderInTheMiddleOfTheCopyMeetsTheSlotBeingRewritten) {
  Runner runner({});
  for (const std::uint32_t depth : {2U, 3U, 16U}) {
    plan::Case planned = small_case(plan::Mode::virtual_time, depth, shm::Duration{0});
    plan::ReaderPlan& reader = planned.readers[0];
    reader.looks = plan::Looks::mid_copy;
    reader.on_empty = plan::OnEmpty::poll;
    reader.lag = {plan::UnreadLag{{depth}}};
    const Recording recording = runner.run(planned);
    const auto result = judge::judge(planned, *recording.source, recording.trace);
    // Each call takes it from tail t to t + N, the newest, with N - 1 lost; 400 frames.
    const std::int64_t calls = 399 / depth;
    EXPECT_EQ(count(result, "fifo.wfs.slow.calls"), calls) << depth;
    EXPECT_EQ(count(result, "fifo.wfs.slow.evicted"), calls) << depth;
    EXPECT_EQ(count(result, "fifo.wfs.slow.lost"), calls * (depth - 1)) << depth;
    EXPECT_EQ(count(result, "fifo.wfs.slow.content_bad"), 0) << depth;
  }
}

// In place with a hold longer than the ring lasts: torn frames are found, never called good.
TEST(VirtualTime, AHoldTooLongIsNoticed) {
  Runner runner({});
  plan::Case planned = small_case(plan::Mode::virtual_time, 2, shm::Duration{0});
  planned.readers[0].copying = plan::Copying::in_place;
  planned.readers[0].hold = milliseconds(2);  // 4 periods at depth 2
  const Recording recording = runner.run(planned);
  const auto result = judge::judge(planned, *recording.source, recording.trace);
  EXPECT_EQ(count(result, "fifo.wfs.slow.torn"), count(result, "fifo.wfs.slow.delivered"));
  EXPECT_EQ(count(result, "fifo.wfs.slow.content_bad"), 0);

  planned.readers[0].hold = microseconds(300);
  const Recording short_hold = runner.run(planned);
  const auto good = judge::judge(planned, *short_hold.source, short_hold.trace);
  EXPECT_EQ(count(good, "fifo.wfs.slow.torn"), 0);
  EXPECT_EQ(count(good, "fifo.wfs.slow.delivered"), 400);
}

// Separate processes, real clock: only what holds on any host.
TEST(RealTime, IdentitiesHoldAndNothingIsLeft) {
  Runner runner({});
  for (const int service_us : {0, 750, 1250}) {
    plan::Case planned = small_case(plan::Mode::sim, 4, microseconds(service_us));
    const Recording recording = runner.run(planned);
    ASSERT_EQ(recording.ending, Ending::completed) << recording.error;
    const auto result = judge::judge(planned, *recording.source, recording.trace);
    EXPECT_TRUE(std::get<bool>(result.metrics.at("fifo.wfs.slow.identity"))) << service_us;
    EXPECT_EQ(count(result, "fifo.wfs.slow.content_bad"), 0);
    EXPECT_EQ(count(result, "fifo.wfs.slow.backward"), 0);
    EXPECT_EQ(count(result, "fifo.wfs.slow.oracle.violations"), 0);
    EXPECT_EQ(leftovers(), 0U);
  }
}

TEST(RealTime, AReaderThatCannotStartIsAnErrorWithItsReason) {
  Runner runner({});
  plan::Case planned = small_case(plan::Mode::sim, 4, shm::Duration{0});
  planned.fifo.depth = 0;
  const Recording recording = runner.run(planned);
  EXPECT_EQ(recording.ending, Ending::broken);
  EXPECT_NE(recording.error.find("depth 0"), std::string::npos) << recording.error;
  EXPECT_EQ(leftovers(), 0U);
}

TEST(RealTime, StoppingTearsDown) {
  int looks = 0;
  Runner runner(
      {.progress = [](const Progress&) {}, .stop_requested = [&] { return ++looks > 20; }});
  plan::Case planned = small_case(plan::Mode::sim, 4, shm::Duration{0});
  planned.frames = 1'000'000;
  const Recording recording = runner.run(planned);
  EXPECT_EQ(recording.ending, Ending::aborted);
  EXPECT_EQ(leftovers(), 0U);
}

// The children of this process, from /proc: the test has no other way to know them.
std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  std::ifstream in(fmt::format("/proc/self/task/{}/children", ::getpid()));
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}

TEST(RealTime, AKilledActorIsAnErrorThatNamesIt) {
  int looks = 0;
  std::vector<pid_t> before;
  Runner runner({.progress = [](const Progress&) {},
                 .stop_requested =
                     [&] {
                       // The janitor comes first, then the source, then the reader.
                       const auto all = children();
                       if (++looks > 20 && all.size() >= 3) ::kill(all.back(), SIGKILL);
                       return false;
                     }});
  plan::Case planned = small_case(plan::Mode::sim, 4, shm::Duration{0});
  planned.frames = 1'000'000;
  const Recording recording = runner.run(planned);
  EXPECT_EQ(recording.ending, Ending::broken);
  EXPECT_NE(recording.error.find("killed by signal 9"), std::string::npos) << recording.error;
  EXPECT_EQ(leftovers(), 0U);
}

}  // namespace
}  // namespace daohil::hil::run
