// Writers that are killed, between any two stores, and their successors. The kernel frees the
// writer lock of a dead process; counters go on, no counter names two frames, no reader sees part
// of one.

#include <cstdlib>
#include <map>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kBytes = 64;

// How often a writer is killed at a random moment, for each depth; more for a deeper look
// (tests/deep).
int rounds() {
  const char* text = std::getenv("DAO_HIL_KILLS");
  return text == nullptr ? 25 : std::atoi(text);
}

Geometry ring(std::uint32_t depth) { return {{4, 4}, 5, 4, depth, 0}; }

TEST(Killed, AWriterIsSucceededAndCountersGoOn) {
  for (const std::uint64_t frames : {0U, 1U, 3U, 7U}) {
    const TempStream stream;
    const Pipe written;
    Child child([&] {
      Writer writer = Writer::create(stream.path(), ring(3).options());
      write_frames(writer, frames);
      written.signal();
      ::pause();
      return 0;
    });
    written.await();
    Reader reader = Reader::open(stream.path());
    EXPECT_TRUE(reader.segment().has_writer());
    child.kill();
    EXPECT_FALSE(reader.segment().has_writer());
    EXPECT_FALSE(reader.segment().replaced());

    Writer writer = Writer::attach(stream.path());
    EXPECT_TRUE(reader.segment().has_writer());
    EXPECT_EQ(writer.newest().value, frames);
    EXPECT_EQ(write_next(writer).value, frames + 1);
    Bytes into(kBytes);
    const ReadResult got = reader.next(into);
    EXPECT_EQ(got.status, ReadStatus::success);
    EXPECT_EQ(got.counter.value, frames + 1);
    EXPECT_TRUE(holds(into, frames + 1));
  }
}

TEST(Killed, FlatOutAtAnyMomentLeavesAStreamThatCanBeContinued) {
  for (const std::uint32_t depth : {1U, 2U, 5U}) {
    const TempStream stream;
    { const Writer first = Writer::create(stream.path(), ring(depth).options()); }
    std::uint64_t newest = 0;
    for (int round = 0; round < rounds(); ++round) {
      const Pipe started;
      Child child([&] {
        Writer writer = Writer::attach(stream.path());
        write_next(writer);
        started.signal();
        for (;;) write_next(writer);
        return 0;
      });
      started.await();
      ::usleep(static_cast<useconds_t>(37 * round % 2000));
      child.kill();
      Reader reader = Reader::open(stream.path());
      Writer writer = Writer::attach(stream.path());
      ASSERT_GT(writer.newest().value, newest);
      Bytes into(kBytes);
      const Counter mine = write_next(writer);
      const ReadResult got = reader.newest(into);
      ASSERT_EQ(got.counter, mine);
      ASSERT_TRUE(holds(into, mine.value));
      newest = mine.value;
    }
  }
}

// How far the writer that dies gets: begin, half the pixels, all of them, then the named steps.
constexpr int kBegin = 1;
constexpr int kHalf = 2;
constexpr int kPixels = 3;

void die_after(Writer& writer, int stage, std::uint32_t salt) {
  if (stage < kBegin) return;
  Slot slot = writer.begin();
  const std::uint64_t k = slot.counter().value;
  const Bytes pixels = pixels_of(kBytes, k, salt);
  if (stage >= kHalf) std::memcpy(slot.pixels().data(), pixels.data(), kBytes / 2);
  if (stage >= kPixels) std::memcpy(slot.pixels().data(), pixels.data(), kBytes);
  int done = kPixels;
  for (const PublishStep step : Writer::publication_order())
    if (done++ < stage) slot.publish(step, FrameId{1000 + k});
}

/// All that readers have seen of a stream: which frame each counter named.
class Witness {
 public:
  /// Read all that is there.
  void drain(Reader& reader) {
    Bytes into(kBytes);
    for (int i = 0; i < 100; ++i) {
      const std::uint64_t before = reader.tail().counter.value;
      const ReadResult got = reader.next(into);
      ASSERT_GE(reader.tail().counter.value, before) << "counter went back";
      if (!got.has_frame()) return;
      ASSERT_EQ(got.counter.value, before + got.lost + 1);
      see(into, got.counter.value);
    }
  }
  void look_at_newest(Reader& reader) {
    Bytes into(kBytes);
    const ReadResult got = reader.newest(into);
    if (got.has_frame()) see(into, got.counter.value);
  }

 private:
  void see(std::span<const std::byte> pixels, std::uint64_t counter) {
    // Salt 0 is the writer before, 1 the one that dies, 2 its successor.
    for (std::uint32_t salt = 0; salt < 3; ++salt) {
      if (!holds(pixels, counter, salt)) continue;
      const auto [seen, is_new] = seen_.emplace(counter, salt);
      ASSERT_EQ(seen->second, salt) << "counter " << counter << " names two frames";
      return;
    }
    FAIL() << "part of a frame as frame " << counter;
  }

  std::map<std::uint64_t, std::uint32_t> seen_;
};

struct CrashCase {
  std::uint32_t depth;
  std::uint64_t before;  // frames written by the first writer
  int stage;
};

void run(const CrashCase& c) {
  const TempStream stream;
  std::vector<Reader> readers;  // reader i has read i frames
  Witness witness;
  {
    Writer first = Writer::create(stream.path(), ring(c.depth).options());
    readers.push_back(Reader::open(stream.path()));
    for (std::uint64_t i = 0; i < c.before; ++i) {
      write_next(first);
      readers.push_back(Reader::open(stream.path()));
    }
  }
  Child child([&] {
    Writer second = Writer::attach(stream.path());
    die_after(second, c.stage, 1);
    return 0;  // without destructors: the slot stays as it is
  });
  ASSERT_EQ(child.wait(), 0);

  // Every other reader looks between the crash and the takeover.
  for (std::size_t i = 0; i < readers.size(); i += 2) {
    witness.drain(readers[i]);
    witness.look_at_newest(readers[i]);
    if (testing::Test::HasFatalFailure()) return;
  }
  Writer third = Writer::attach(stream.path());
  ASSERT_GE(third.newest().value, c.before);
  ASSERT_LE(third.newest().value, c.before + 1);
  readers.push_back(Reader::open(stream.path()));
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t expected = third.newest().value + 1;
    ASSERT_EQ(write_next(third, 2).value, expected);
    for (auto& reader : readers) {
      witness.drain(reader);
      witness.look_at_newest(reader);
      ASSERT_EQ(reader.tail().counter, third.newest()) << "all of it was delivered";
      if (testing::Test::HasFatalFailure()) return;
    }
    const Tail newest = readers[0].newest_published();
    ASSERT_EQ(newest.counter, third.newest());
    ASSERT_EQ(newest.slot, (newest.counter.value - 1) % c.depth) << "counter and slot agree";
  }
}

class TakeOver : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Stage, TakeOver, testing::Range(0, 9));

TEST_P(TakeOver, FromAWriterThatStoppedThere) {
  for (std::uint32_t depth = 1; depth <= 4; ++depth)
    for (std::uint64_t before = 0; before <= 2 * depth + 1; ++before) {
      SCOPED_TRACE(fmt::format("depth {}, {} frames before, stage {}", depth, before, GetParam()));
      run({depth, before, GetParam()});
      if (HasFatalFailure()) return;
    }
}

TEST(TakeOver, AFrameThatIsWholeButNotTheNewestIsKept) {
  // Dead between write = 0 and the index: an in-order reader may have taken that frame, so the
  // successor must not give its counter to another one.
  for (std::uint32_t depth = 2; depth <= 4; ++depth) {
    const TempStream stream;
    Reader reader = [&] {
      Writer writer = Writer::create(stream.path(), ring(depth).options());
      write_frames(writer, 2 * depth);
      Reader opened = Reader::open(stream.path());
      die_after(writer, kPixels + 3, 1);
      return opened;
    }();
    Bytes into(kBytes);
    const ReadResult taken = reader.next(into);
    ASSERT_EQ(taken.status, ReadStatus::success);
    ASSERT_EQ(taken.counter.value, 2 * depth + 1);
    Writer successor = Writer::attach(stream.path());
    EXPECT_EQ(successor.newest(), taken.counter);
    EXPECT_EQ(reader.newest(into).counter, taken.counter);
    EXPECT_TRUE(holds(into, taken.counter.value, 1));
    EXPECT_EQ(write_next(successor).value, taken.counter.value + 1);
  }
}

TEST(TakeOver, AFrameThatWasNeverWholeIsWrittenAgain) {
  for (int stage = kBegin; stage <= kPixels + 2; ++stage)
    for (std::uint32_t depth = 2; depth <= 4; ++depth) {
      SCOPED_TRACE(fmt::format("depth {} stage {}", depth, stage));
      const TempStream stream;
      Reader reader = [&] {
        Writer writer = Writer::create(stream.path(), ring(depth).options());
        write_frames(writer, 2 * depth);
        Reader opened = Reader::open(stream.path());
        die_after(writer, stage, 1);
        return opened;
      }();
      Bytes into(kBytes);
      EXPECT_EQ(reader.next(into).status, ReadStatus::not_ready);
      Reader late = Reader::open(stream.path());
      EXPECT_EQ(late.tail().counter.value, 2 * depth);
      Writer successor = Writer::attach(stream.path());
      EXPECT_EQ(successor.newest().value, 2 * depth);
      EXPECT_EQ(write_next(successor, 2).value, 2 * depth + 1);
      for (Reader* each : {&reader, &late}) {
        const ReadResult got = each->next(into);
        EXPECT_EQ(got.status, ReadStatus::success);
        EXPECT_EQ(got.counter.value, 2 * depth + 1);
        EXPECT_TRUE(holds(into, 2 * depth + 1, 2));
      }
    }
}

}  // namespace
}  // namespace daohil::shm
