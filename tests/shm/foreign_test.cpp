// Streams and writers that are not ours: a file assembled byte by byte, and the reference library's
// writer emulated by raw stores in its measured order (write = 1, pixels, write = 0, index, time,
// cnt0, no doorbell). Its index is ahead of its counter for a moment; a reader that believed both
// would think it was lapped.

#include <map>
#include <thread>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

/// The reference's writer, step by step, in a mapping of its own.
class ReferenceWriter {
 public:
  ReferenceWriter(const std::filesystem::path& path, Geometry geometry)
      : g_(std::move(geometry)), raw_(path) {}

  static constexpr int kSteps = 7;
  static constexpr const char* kNames[kSteps] = {
      "write=1", "half the pixels", "all pixels", "write=0", "index", "time", "cnt0"};
  enum Step { mark, half, all, unmark, index, time, counter };

  void step(int which) {
    const std::size_t md = slot_at(slot_);
    const Bytes pixels = pixels_of(g_.frame_bytes(), frame_);
    std::byte* to = raw_.bytes().data() + pixels_at(g_, slot_);
    switch (static_cast<Step>(which)) {
      case mark:
        raw_.store<std::uint8_t>(md + 176, 1);
        break;
      case half:
        std::memcpy(to, pixels.data(), pixels.size() / 2);
        break;
      case all:
        std::memcpy(to, pixels.data(), pixels.size());
        break;
      case unmark:
        raw_.store<std::uint8_t>(md + 176, 0);
        break;
      case index:
        raw_.store<std::uint32_t>(4300, slot_);
        break;
      case time:
        raw_.store<std::int64_t>(md + 136, 1'700'000'000'000'000'000);
        break;
      case counter:
        raw_.store<std::uint64_t>(md + 152, frame_);
        ++frame_;
        slot_ = (slot_ + 1) % g_.depth;
        break;
    }
  }
  void write() {
    for (int i = 0; i < kSteps; ++i) step(i);
  }
  /// The frame whose steps come next.
  [[nodiscard]] std::uint64_t frame() const { return frame_; }

 private:
  Geometry g_;
  RawMapping raw_;
  std::uint64_t frame_ = 1;
  std::uint32_t slot_ = 0;
};

void assemble(const TempStream& stream, const Geometry& g) {
  write_file(stream.path(), fresh_file(g, stream.path().string(), 1.7e9));
}

TEST(ForeignFile, AssembledByteByByteOpensAndReads) {
  const Geometry g{{3, 5}, 3, 2, 4, 2};
  const TempStream stream;
  // Frames 1 .. 6: slot 0 holds 5, slot 1 holds 6, slot 2 holds 3, slot 3 holds 4.
  Bytes file = fresh_file(g, stream.path().string(), 1.7e9);
  for (std::uint64_t k = 3; k <= 6; ++k) {
    const auto slot = static_cast<std::uint32_t>((k - 1) % 4);
    put(file, slot_at(slot) + 136, std::int64_t{1'700'000'000'000'000'000} + static_cast<int>(k));
    put(file, slot_at(slot) + 152, k);
    put(file, slot_at(slot) + 168, 500 + k);
    const Bytes pixels = pixels_of(30, k);
    std::memcpy(file.data() + 4 * 4304 + slot * 30, pixels.data(), 30);
  }
  put(file, 4300, std::uint32_t{1});
  write_file(stream.path(), file);

  Reader reader = Reader::open(stream.path());
  EXPECT_EQ(reader.depth(), 4U);
  EXPECT_EQ(reader.format().str(), "3x5 u16");
  EXPECT_EQ(reader.segment().layout().keywords(), 2);
  EXPECT_EQ(reader.newest_counter().value, 6U);
  EXPECT_EQ(reader.tail().slot, 1U);
  EXPECT_EQ(reader.tail().counter.value, 6U);

  Bytes into(30);
  EXPECT_EQ(reader.next(into).status, ReadStatus::not_ready) << "a late reader has nothing new";
  const ReadResult newest = reader.newest(into);
  EXPECT_EQ(newest.status, ReadStatus::success);
  EXPECT_EQ(newest.counter.value, 6U);
  EXPECT_EQ(newest.slot, 1U);
  EXPECT_EQ(newest.id.value, 506U);
  EXPECT_EQ(newest.time.count(), 1'700'000'000'000'000'006);
  EXPECT_TRUE(holds(into, 6));

  reader.set_tail({1, Counter{2}});
  for (std::uint64_t k = 3; k <= 6; ++k) {
    const ReadResult frame = reader.next(into);
    ASSERT_EQ(frame.status, ReadStatus::success) << k;
    EXPECT_EQ(frame.counter.value, k);
    EXPECT_EQ(frame.id.value, 500 + k);
    EXPECT_TRUE(holds(into, k));
  }
  EXPECT_EQ(reader.next(into).status, ReadStatus::not_ready);
}

TEST(ForeignFile, AWriterOfOursContinuesIt) {
  const Geometry g{{4, 4}, 5, 4, 3, 0};
  const TempStream stream;
  assemble(stream, g);
  ReferenceWriter theirs(stream.path(), g);
  for (int i = 0; i < 5; ++i) theirs.write();
  Reader reader = Reader::open(stream.path());
  Writer ours = Writer::attach(stream.path());
  EXPECT_EQ(ours.newest().value, 5U);
  Bytes into(64);
  for (std::uint64_t k = 6; k <= 12; ++k) {
    EXPECT_EQ(write_next(ours).value, k);
    const ReadResult frame = reader.next(into);
    ASSERT_EQ(frame.status, ReadStatus::success);
    EXPECT_EQ(frame.counter.value, k);
    EXPECT_TRUE(holds(into, k));
  }
}

/// What must hold of any answer to `next` given while frame `writing` is being written by the
/// reference's steps, `done` of which are done.
testing::AssertionResult allowed(const ReadResult& got, const Tail& before, std::uint64_t writing,
                                 int done, std::uint32_t depth) {
  const std::uint64_t r = before.counter.value;
  const std::uint64_t newest = writing - 1;  // cnt0 is the last step
  const std::uint64_t lag = newest - r;
  const auto fail = [&](const std::string& why) {
    return testing::AssertionFailure()
           << why << ": " << shm::name_of(got.status) << " frame " << got.counter.value << " lost "
           << got.lost << ", tail " << r << ", newest " << newest << ", depth " << depth;
  };
  switch (got.status) {
    case ReadStatus::success:
      if (got.counter.value != r + 1 || got.lost != 0) return fail("not the next frame");
      if (r + 1 > newest) return fail("from the future");
      if (holds(got.pixels, r + 1)) return testing::AssertionSuccess();
      // Between its write = 0 and its cnt0 the reference leaves the new pixels under the old
      // counter, and nothing in the file tells it. Only the slot it writes next is concerned (lag
      // N), and what is there is at least one whole frame.
      if (lag == depth && done > ReferenceWriter::unmark && holds(got.pixels, writing))
        return testing::AssertionSuccess();
      return fail("wrong pixels");
    case ReadStatus::overwrite:
      if (lag < depth || (lag == depth && done == 0)) return fail("false overwrite");
      if (got.counter.value != newest) return fail("not the newest");
      if (got.lost != newest - r - 1) return fail("lost");
      if (holds(got.pixels, newest)) return testing::AssertionSuccess();
      if (depth == 1 && done > ReferenceWriter::unmark && holds(got.pixels, writing))
        return testing::AssertionSuccess();  // as above
      return fail("wrong pixels");
    case ReadStatus::not_ready:
      if (lag == 0 || (depth == 1 && done > 0)) return testing::AssertionSuccess();
      return fail("a frame was there");
    case ReadStatus::torn:
      if (depth == 1 && done > 0) return testing::AssertionSuccess();
      return fail("nothing overtakes this read");
    case ReadStatus::timeout:
      return fail("not asked for");
  }
  return fail("unknown");
}

TEST(ReferenceWriter, BetweenEachTwoOfItsStoresNoReadIsMisled) {
  for (const std::uint32_t depth : {1U, 2U, 3U, 4U, 8U}) {
    const Geometry g{{4, 4}, 5, 4, depth, 0};
    const TempStream stream;
    assemble(stream, g);
    ReferenceWriter writer(stream.path(), g);
    Reader reader = Reader::open(stream.path());
    Bytes into(64);
    std::map<std::uint64_t, Tail> tails{{0, reader.tail()}};  // as a reader had after frame r
    for (std::uint64_t k = 1; k <= 3 * depth + 2; ++k) {
      for (int done = 0; done < ReferenceWriter::kSteps; ++done) {
        for (const auto& [r, tail] : tails) {
          if (k - 1 - r > depth + 1) continue;
          for (const bool in_place : {false, true}) {
            reader.set_tail(tail);
            const ReadResult got = in_place ? reader.next_in_place() : reader.next(into);
            ASSERT_TRUE(allowed(got, tail, k, done, depth))
                << "frame " << k << " being written, before " << ReferenceWriter::kNames[done];
            ASSERT_GE(reader.tail().counter, tail.counter);
          }
        }
        ASSERT_EQ(reader.newest_counter().value, k - 1)
            << "depth " << depth << ", before " << ReferenceWriter::kNames[done];
        const ReadResult newest = reader.newest(into);
        if (depth > 1 && k > 1) {
          ASSERT_EQ(newest.counter.value, k - 1) << "before " << ReferenceWriter::kNames[done];
          ASSERT_TRUE(holds(into, k - 1)) << "before " << ReferenceWriter::kNames[done];
        }
        writer.step(done);
      }
      tails[k] = {static_cast<std::uint32_t>((k - 1) % depth), Counter{k}};
    }
  }
}

TEST(ReferenceWriter, AReaderOpenedBetweenAnyTwoStoresMissesNothingAfterwards) {
  for (const std::uint32_t depth : {1U, 2U, 3U, 8U})
    for (std::uint64_t before = 0; before <= 2 * depth; ++before)
      for (int stop = 0; stop < ReferenceWriter::kSteps; ++stop) {
        SCOPED_TRACE(fmt::format("depth {}, after {} frames, before {}", depth, before,
                                 ReferenceWriter::kNames[stop]));
        const Geometry g{{4, 4}, 5, 4, depth, 0};
        const TempStream stream;
        assemble(stream, g);
        ReferenceWriter writer(stream.path(), g);
        for (std::uint64_t i = 0; i < before; ++i) writer.write();
        for (int i = 0; i < stop; ++i) writer.step(i);
        Reader reader = Reader::open(stream.path());
        EXPECT_EQ(reader.tail().counter.value, before);
        Bytes into(64);
        EXPECT_EQ(reader.next(into).status, ReadStatus::not_ready);
        for (int i = stop; i < ReferenceWriter::kSteps; ++i) writer.step(i);
        for (std::uint64_t k = before + 1; k <= before + 3; ++k) {
          const ReadResult frame = reader.next(into);
          ASSERT_EQ(frame.status, ReadStatus::success) << shm::name_of(frame.status);
          EXPECT_EQ(frame.counter.value, k);
          EXPECT_TRUE(holds(into, k));
          writer.write();
        }
      }
}

TEST(ReferenceWriter, KilledBetweenAnyTwoStoresIsSucceededWithoutACounterGoingBack) {
  for (const std::uint32_t depth : {1U, 2U, 3U, 8U})
    for (std::uint64_t before = 0; before <= 2 * depth; ++before)
      for (int stop = 0; stop <= ReferenceWriter::kSteps; ++stop) {
        SCOPED_TRACE(fmt::format("depth {}, after {} frames and {} stores", depth, before, stop));
        const Geometry g{{4, 4}, 5, 4, depth, 0};
        const TempStream stream;
        assemble(stream, g);
        ReferenceWriter theirs(stream.path(), g);
        for (std::uint64_t i = 0; i < before; ++i) theirs.write();
        Reader reader = Reader::open(stream.path());
        for (int i = 0; i < stop; ++i) theirs.step(i);

        Writer ours = Writer::attach(stream.path());
        ASSERT_GE(ours.newest().value, before);
        ASSERT_LE(ours.newest().value, before + 1);
        const Counter first = write_next(ours);
        ASSERT_EQ(first.value, ours.newest().value);
        write_next(ours);
        // Each frame lies in the slot of its counter, whoever wrote it.
        const Tail newest = reader.newest_published();
        EXPECT_EQ(newest.counter, ours.newest());
        EXPECT_EQ(newest.slot, (ours.newest().value - 1) % depth);
        Bytes into(64);
        Counter last = reader.tail().counter;
        for (ReadResult frame = reader.next(into); frame.has_frame(); frame = reader.next(into)) {
          EXPECT_EQ(frame.counter.value, last.value + frame.lost + 1);
          EXPECT_TRUE(holds(into, frame.counter.value)) << frame.counter.value;
          last = frame.counter;
        }
        EXPECT_EQ(last, ours.newest());
      }
}

TEST(ReferenceWriter, RingsNoDoorbellAndStillWakesOurReaders) {
  for (const std::uint32_t depth : {1U, 3U})
    for (const Wait how : {Wait::sleep, Wait::spin}) {
      const Geometry g{{4, 4}, 5, 4, depth, 0};
      const TempStream stream;
      assemble(stream, g);
      Reader reader = Reader::open(stream.path());
      ReferenceWriter writer(stream.path(), g);
      std::atomic<std::uint64_t> seen{0};
      std::thread thread([&] {
        for (std::uint64_t k = 1; k <= 40; ++k) {
          while (seen.load() + 1 < k) std::this_thread::yield();
          if (k % 10 == 0) ::usleep(8000);  // longer than any polling slice: fully asleep
          writer.write();
        }
      });
      Bytes into(64);
      for (std::uint64_t k = 1; k <= 40; ++k) {
        const bool woken = reader.wait(far_deadline(), how);
        EXPECT_TRUE(woken) << k;
        const ReadResult frame = reader.next(into);
        EXPECT_EQ(frame.status, ReadStatus::success);
        EXPECT_EQ(frame.counter.value, k);
        EXPECT_TRUE(holds(into, k));
        seen.store(k);
      }
      thread.join();
    }
}

TEST(ReferenceWriter, TakingOverFromOneOfOursStillWakesASleeper) {
  // Our writer left its doorbell at its last counter; the reference's does not touch it.
  const Geometry g{{4, 4}, 5, 4, 2, 0};
  const TempStream stream;
  {
    Writer ours = Writer::create(stream.path(), g.options());
    write_frames(ours, 4);
  }
  Reader reader = Reader::open(stream.path());
  ReferenceWriter theirs(stream.path(), g);
  for (int i = 0; i < 4; ++i) theirs.write();  // 1 .. 4 once more: the same bytes
  Bytes into(64);
  for (std::uint64_t k = 5; k <= 8; ++k) {
    std::thread thread([&] {
      ::usleep(8000);
      theirs.write();
    });
    EXPECT_TRUE(reader.wait(far_deadline()));
    thread.join();
    EXPECT_EQ(reader.next(into).counter.value, k);
  }
}

}  // namespace
}  // namespace daohil::shm
