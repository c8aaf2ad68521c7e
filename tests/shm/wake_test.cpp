// Readers that wait. No duration is asserted anywhere: only that a wait ends, and with which
// answer. The deadlines given are reached only when a wake-up is lost.

#include <semaphore.h>
#include <sys/time.h>

#include <memory>
#include <thread>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::size_t kBytes = 64;

Geometry ring(std::uint32_t depth) { return {{4, 4}, 5, 4, depth, 0}; }

/// What a child does that waits for `frames` frames in order.
int wait_for(const std::filesystem::path& path, std::uint64_t frames, Wait how, const Pipe& ready,
             const Pipe& taken) {
  Reader reader = Reader::open(path);
  ready.signal();
  Bytes into(kBytes);
  for (std::uint64_t k = 1; k <= frames; ++k) {
    if (!reader.wait(far_deadline(), how)) return 1;
    const ReadResult got = reader.next(into);
    if (got.status != ReadStatus::success || got.counter.value != k || !holds(into, k)) return 2;
    taken.signal();
  }
  return 0;
}

TEST(Wake, ASleeperInAnotherProcessIsWoken) {
  for (const std::uint32_t depth : {1U, 4U}) {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), ring(depth).options());
    const Pipe ready;
    const Pipe taken;
    Child child([&] { return wait_for(stream.path(), 20, Wait::sleep, ready, taken); });
    ready.await();
    for (int k = 0; k < 20; ++k) {
      child.wait_until_asleep();
      write_next(writer);
      taken.await();
    }
    EXPECT_EQ(child.wait(), 0);
  }
}

TEST(Wake, ASpinnerInAnotherProcessGetsEveryFrame) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(2).options());
  const Pipe ready;
  const Pipe taken;
  Child child([&] { return wait_for(stream.path(), 20, Wait::spin, ready, taken); });
  ready.await();
  for (int k = 0; k < 20; ++k) {
    write_next(writer);
    taken.await();
  }
  EXPECT_EQ(child.wait(), 0);
}

TEST(Wake, AllSleepersWake) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  const Pipe ready;
  const Pipe taken;
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 6; ++i)
    children.push_back(std::make_unique<Child>(
        [&] { return wait_for(stream.path(), 10, Wait::sleep, ready, taken); }));
  for (int i = 0; i < 6; ++i) ready.await();
  for (int k = 0; k < 10; ++k) {
    for (const auto& child : children) child->wait_until_asleep();
    write_next(writer);
    for (int i = 0; i < 6; ++i) taken.await();
  }
  for (const auto& child : children) EXPECT_EQ(child->wait(), 0);
}

TEST(Wake, AKilledSleeperDisturbsNobody) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  const Pipe ready;
  const Pipe taken;
  const auto sleeper = [&] { return wait_for(stream.path(), 10, Wait::sleep, ready, taken); };
  Child victim(sleeper);
  Child survivor(sleeper);
  ready.await();
  ready.await();
  victim.wait_until_asleep();
  victim.kill();
  for (int k = 0; k < 10; ++k) {
    survivor.wait_until_asleep();
    write_next(writer);
    taken.await();
  }
  EXPECT_EQ(survivor.wait(), 0);
}

TEST(Wake, AReaderThatMayOnlyReadGetsEveryFrame) {
  // It cannot announce that it sleeps, so no doorbell is rung for it.
  if (::getuid() != 0) GTEST_SKIP() << "needs root to become another user";
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options(0444));
  std::filesystem::permissions(stream.path(), std::filesystem::perms{0444});
  const Pipe ready;
  const Pipe taken;
  Child child([&] {
    if (!become_nobody()) return 3;
    return wait_for(stream.path(), 10, Wait::sleep, ready, taken);
  });
  ready.await();
  for (int k = 0; k < 10; ++k) {
    child.wait_until_asleep();
    write_next(writer);
    taken.await();
  }
  EXPECT_EQ(child.wait(), 0);
}

TEST(Wake, TheReferencesSemaphoresAreASecondWayToSleep) {
  // What daoShmWaitForSemaphore does in a program of the reference.
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(2).options());
  const Pipe ready;
  const Pipe taken;
  Child child([&] {
    sem_t* sem = sem_open(fmt::format("/{}_sem07", stream.base()).c_str(), 0);
    if (sem == SEM_FAILED) return 1;
    ready.signal();
    for (int k = 0; k < 5; ++k) {
      if (sem_wait(sem) != 0) return 2;
      taken.signal();
    }
    return 0;
  });
  ready.await();
  for (int k = 0; k < 5; ++k) {
    write_next(writer);
    taken.await();
  }
  EXPECT_EQ(child.wait(), 0);
}

TEST(Wake, OneBaseInTwoFoldersIsTwoStreams) {
  // To the reference's semaphores they are one; readers of ours do not wait for those.
  const TempStream stream;
  const std::filesystem::path twin = "/tmp" / stream.path().filename();
  Writer writer = Writer::create(stream.path(), ring(2).options());
  const Pipe ready;
  const Pipe taken;
  Child child([&] { return wait_for(stream.path(), 1, Wait::sleep, ready, taken); });
  ready.await();
  {
    Writer other = Writer::create(twin, ring(2).options());
    for (int k = 0; k < 5; ++k) {
      child.wait_until_asleep();
      write_next(other, 1);  // the salt tells its frames apart
    }
  }
  write_next(writer);
  EXPECT_EQ(child.wait(), 0);
  std::filesystem::remove(twin);
}

// ------------------------------------------------------------------------------------- deadlines

class Deadline : public testing::TestWithParam<Wait> {};
INSTANTIATE_TEST_SUITE_P(, Deadline, testing::Values(Wait::sleep, Wait::spin), [](const auto& how) {
  return how.param == Wait::sleep ? std::string("Sleep") : std::string("Spin");
});

TEST_P(Deadline, EndsTheWaitWithFalseAndNotBefore) {
  for (const std::uint64_t written : {0U, 1U, 5U}) {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), ring(3).options());
    write_frames(writer, written);
    Reader reader = Reader::open(stream.path());
    Bytes into(kBytes);
    for (const Duration ahead : {Duration{-1s}, Duration{0}, Duration{100us}, Duration{12ms}}) {
      const MonotonicTime deadline = system_clock().now() + ahead;
      EXPECT_FALSE(reader.wait(deadline, GetParam()));
      EXPECT_GE(system_clock().now(), deadline);
      const ReadResult got = reader.next(into, deadline, GetParam());
      EXPECT_EQ(got.status, ReadStatus::timeout);
      EXPECT_FALSE(got.has_frame());
      EXPECT_EQ(reader.tail().counter.value, written);
    }
    EXPECT_FALSE(reader.wait(MonotonicTime{}, GetParam())) << "the beginning of time";
  }
}

TEST_P(Deadline, AFrameThatIsThereIsDeliveredThoughItHasPassed) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(3).options());
  Reader reader = Reader::open(stream.path());
  write_next(writer);
  Bytes into(kBytes);
  EXPECT_TRUE(reader.wait(MonotonicTime{}, GetParam()));
  EXPECT_EQ(reader.next(into, MonotonicTime{}, GetParam()).counter.value, 1U);
}

TEST_P(Deadline, AClaimedSlotIsNothingNew) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(2).options());
  write_next(writer);
  Reader reader = Reader::open(stream.path());
  Slot slot = writer.begin();
  EXPECT_FALSE(reader.wait(system_clock().now() + 1ms, GetParam()));
  slot.commit(FrameId{});
  EXPECT_TRUE(reader.wait(far_deadline(), GetParam()));
}

TEST_P(Deadline, ALappedReaderHasSomethingToRead) {
  for (const std::uint32_t depth : {1U, 2U, 3U}) {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), ring(depth).options());
    Reader reader = Reader::open(stream.path());
    write_frames(writer, 3 * depth);
    EXPECT_TRUE(reader.wait(MonotonicTime{}, GetParam()));
    Bytes into(kBytes);
    EXPECT_EQ(reader.next(into, MonotonicTime{}, GetParam()).status, ReadStatus::overwrite);
    EXPECT_FALSE(reader.wait(MonotonicTime{}, GetParam()));
  }
}

TEST_P(Deadline, SignalsNeitherEndAWaitEarlyNorKeepItFromEnding) {
  struct sigaction action {};
  struct sigaction saved {};
  action.sa_handler = [](int) {};  // without SA_RESTART: system calls end with EINTR
  ASSERT_EQ(::sigaction(SIGALRM, &action, &saved), 0);
  const itimerval often{{0, 500}, {0, 500}};
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), ring(2).options());
    Reader reader = Reader::open(stream.path());
    const MonotonicTime deadline = system_clock().now() + 20ms;
    EXPECT_FALSE(reader.wait(deadline, GetParam()));
    EXPECT_GE(system_clock().now(), deadline);
    std::thread thread([&] {
      system_clock().sleep_until(system_clock().now() + 10ms);
      write_next(writer);
    });
    EXPECT_TRUE(reader.wait(far_deadline(), GetParam()));
    thread.join();
  }
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &saved, nullptr);
}

}  // namespace
}  // namespace daohil::shm
