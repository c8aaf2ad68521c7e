// The doorbell itself. A reader sleeps at most some milliseconds at a time, because a writer of the
// reference library rings no doorbell; so a wake-up that is lost costs milliseconds and shows in no
// result. Here the futex calls of the library go through a wrapper (ld --wrap=syscall) that takes
// that safety net away: a sleep ends by a wake-up or, long after, by a time-out that is counted.

#include <linux/futex.h>
#include <sys/syscall.h>

#include <cstdarg>
#include <thread>

#include "tests/shm/stepped.hpp"

namespace {

std::atomic<std::uint64_t> waits{0};
std::atomic<std::uint64_t> wakes{0};
std::atomic<std::uint64_t> lost_wakes{0};
std::atomic<bool> net_removed{false};
// Stop a reader on its way into the kernel, for a test that decides what happens meanwhile.
std::atomic<bool> hold{false};
std::atomic<bool> held{false};

constexpr std::int64_t kVeryLongSeconds = 3;

}  // namespace

extern "C" {

// Names that the linker's --wrap prescribes.
// NOLINTBEGIN(bugprone-reserved-identifier)
// The library calls syscall(SYS_futex, word, op, value, timeout, word2, value3).
long __real_syscall(long number, ...);

long __wrap_syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  auto* word = va_arg(arguments, std::uint32_t*);
  const int op = va_arg(arguments, int);
  const auto value = va_arg(arguments, std::uint32_t);
  const auto* timeout = va_arg(arguments, const timespec*);
  auto* word2 = va_arg(arguments, std::uint32_t*);
  const auto value3 = va_arg(arguments, std::uint32_t);
  va_end(arguments);

  const int command = op & FUTEX_CMD_MASK;
  if (command == FUTEX_WAKE) ++wakes;
  if (command != FUTEX_WAIT_BITSET || !net_removed)
    return __real_syscall(number, word, op, value, timeout, word2, value3);

  ++waits;
  while (hold) {
    held = true;
    std::this_thread::yield();
  }
  held = false;
  timespec later{};
  clock_gettime(CLOCK_MONOTONIC, &later);
  later.tv_sec += kVeryLongSeconds;
  const long result = __real_syscall(number, word, op, value, &later, word2, value3);
  if (result == -1 && errno == ETIMEDOUT && std::atomic_ref<std::uint32_t>(*word).load() != value)
    ++lost_wakes;  // the doorbell was rung during the sleep, and did not end it
  return result;
}
// NOLINTEND(bugprone-reserved-identifier)
}

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kBytes = 64;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kFrames = 5'000;
#else
constexpr std::uint64_t kFrames = 40'000;
#endif

class Doorbell : public testing::Test {
 protected:
  void SetUp() override {
    waits = wakes = lost_wakes = 0;
    net_removed = true;
  }
  void TearDown() override { net_removed = false; }

  TempStream stream_;
  Writer writer_ = Writer::create(stream_.path(), Geometry{{4, 4}, 5, 4, 4, 0}.options());
};

TEST_F(Doorbell, IsSilentWhenNobodySleeps) {
  Reader reader = Reader::open(stream_.path());
  Bytes into(kBytes);
  for (int k = 0; k < 1000; ++k) {
    write_next(writer_);
    ASSERT_TRUE(reader.wait(far_deadline()));
    ASSERT_TRUE(reader.next(into).has_frame());
  }
  EXPECT_EQ(wakes, 0U) << "a system call per frame for nobody";
  EXPECT_EQ(waits, 0U);
}

// A writer that died after it had taken the announcement down and before it rang: for its reader,
// who sleeps without being announced, the successor must ring.
TEST(DoorbellOfTheDead, IsRungByTheSuccessorWhoeverIsAnnounced) {
  const TempStream stream;
  {
    Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, 4, 0}.options());
    write_next(writer);
  }
  wakes = 0;
  const Writer successor = Writer::attach(stream.path());
  EXPECT_GE(wakes, 1U);
}

/// `readers` readers and a writer in lock step: the next frame comes when all have taken the last,
/// about the time they fall asleep. The deadline is beyond the wrapper's time-out.
void lock_step(Writer& writer, const std::filesystem::path& path, std::uint64_t readers,
               std::uint64_t frames) {
  std::atomic<std::uint64_t> taken{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  std::vector<Reader> opened;
  for (std::uint64_t i = 0; i < readers; ++i) opened.push_back(Reader::open(path));
  for (Reader& reader : opened)
    threads.emplace_back([&] {
      Bytes into(kBytes);
      for (std::uint64_t k = 1; k <= frames && lost_wakes == 0; ++k) {
        const ReadResult got = reader.next(into, far_deadline());
        if (got.counter.value != k || !holds(into, k)) ++wrong;
        ++taken;
      }
    });
  for (std::uint64_t k = 1; k <= frames; ++k) {
    while (taken.load() < readers * (k - 1) && lost_wakes == 0) std::this_thread::yield();
    // From immediately after the last one took it to well asleep.
    for (std::uint64_t spin = 0; spin < (k % 64) * 20; ++spin) (void)taken.load();
    write_next(writer);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lost_wakes, 0U) << "wake-ups lost in " << waits << " sleeps, " << frames << " frames";
  if (lost_wakes == 0) {
    EXPECT_EQ(wrong, 0U);
  }
}

TEST_F(Doorbell, NoWakeUpOfOneReaderIsLost) {
  lock_step(writer_, stream_.path(), 1, kFrames);
  EXPECT_GT(waits, 0U) << "nobody ever slept: this tested nothing";
}

TEST_F(Doorbell, NoWakeUpOfSeveralReadersIsLost) {
  lock_step(writer_, stream_.path(), 3, kFrames / 2);
  EXPECT_GT(waits, 0U) << "nobody ever slept: this tested nothing";
  EXPECT_LE(wakes, kFrames / 2) << "one system call wakes them all";
}

TEST_F(Doorbell, AKilledSleeperCostsOneSystemCallAndNoMore) {
  const Pipe ready;
  Child victim([&] {
    Reader reader = Reader::open(stream_.path());
    ready.signal();
    reader.wait(far_deadline());
    return 0;
  });
  ready.await();
  victim.wait_until_asleep();
  ::usleep(20'000);  // from the pipe's sleep into the futex's
  victim.kill();
  for (int k = 0; k < 100; ++k) write_next(writer_);
  EXPECT_LE(wakes, 1U);
}

#ifdef DAO_HIL_CAN_STEP

TEST_F(Doorbell, NoWakeUpIsLostWhereverTheWriterIsWhenAReaderFallsAsleep) {
  // For every instruction of a commit: stop the writer there; let a reader take what there is and
  // go to sleep, up to the door of the kernel; let the writer finish; let the reader into the
  // kernel; then the next frame must wake it. Another reader announced itself before, so that the
  // writer has somebody to wake in any case.
  const std::filesystem::path path = stream_.path();
  { const Writer closed = std::move(writer_); }
  Stepped writer([&] {
    Writer stepped = Writer::attach(path);
    for (;;) {
      Slot slot = stepped.begin();
      const std::uint64_t frame = slot.counter().value;
      const Bytes pixels = pixels_of(kBytes, frame);
      std::memcpy(slot.pixels().data(), pixels.data(), kBytes);
      Stepped::pause();  // before the commit
      slot.commit(FrameId{1000 + frame});
      Stepped::pause();  // after it
    }
  });
  if (!writer.arrive()) GTEST_SKIP() << "tracing a process is not permitted here";
  const RawMapping raw(path);
  Reader reader = Reader::open(path);
  std::atomic<std::uint64_t> target{0};  // the reader reads up to this frame, then pauses
  std::atomic<std::uint64_t> reached{0};
  std::atomic<bool> end{false};
  std::thread thread([&] {
    Bytes into(kBytes);
    while (!end) {
      if (reached == target) {
        std::this_thread::yield();
        continue;
      }
      while (reached < target) {
        const ReadResult got = reader.next(into, far_deadline());
        if (!got.has_frame() || !holds(into, got.counter.value)) ADD_FAILURE() << "bad frame";
        reached = got.counter.value;
      }
    }
  });
  bool inside = true;  // the commit has not ended before as many instructions
  std::uint64_t held_at = 0;
  std::uint64_t k = 1;
  for (std::uint64_t instructions = 0; inside && lost_wakes == 0; ++instructions, k += 2) {
    SCOPED_TRACE(instructions);
    raw.store<std::uint32_t>(196, 1);
    inside = writer.step(instructions);
    hold = true;
    target = k + 1;
    // Before the doorbell is rung the reader does not go that far, it polls.
    for (int i = 0; i < 8 && !held; ++i) ::usleep(50);
    if (held) ++held_at;
    if (inside) writer.go();  // to the end of this commit
    hold = false;
    ::usleep(100);
    writer.go();  // before the next
    writer.go();  // after it
    while (reached != target) std::this_thread::yield();
    EXPECT_EQ(lost_wakes, 0U);
    writer.go();
  }
  end = true;
  thread.join();
  EXPECT_GT(held_at, 0U) << "no reader was ever on its way to sleep: this tested nothing";
}

#endif

}  // namespace
}  // namespace daohil::shm
