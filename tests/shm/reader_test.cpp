// The reader's contract. With w the newest counter, r the one read last and N the depth:
//   w - r = 0 not ready; 1 .. N success, frame r + 1; N + 1 .. overwrite, frame w, w - r - 1 lost.

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kBytes = 64;

Geometry ring(std::uint32_t depth) { return {{4, 4}, 5, 4, depth, 0}; }

struct Bench {
  explicit Bench(std::uint32_t depth)
      : writer(Writer::create(stream.path(), ring(depth).options())),
        reader(Reader::open(stream.path())) {}

  TempStream stream;
  Writer writer;
  Reader reader;
  Bytes into = Bytes(kBytes);
};

/// One read, by copy or in place.
ReadResult next(Bench& bench, bool in_place) {
  return in_place ? bench.reader.next_in_place() : bench.reader.next(bench.into);
}

testing::AssertionResult is_frame(const ReadResult& got, ReadStatus status, std::uint64_t counter,
                                  std::uint64_t lost, std::uint32_t depth) {
  const auto fail = [&](const std::string& what) {
    return testing::AssertionFailure()
           << what << ": " << shm::name_of(got.status) << " frame " << got.counter.value << " lost "
           << got.lost << " slot " << got.slot << "; expected " << shm::name_of(status) << " frame "
           << counter << " lost " << lost;
  };
  if (got.status != status) return fail("status");
  if (got.counter.value != counter) return fail("counter");
  if (got.lost != lost) return fail("lost");
  if (got.slot != (counter - 1) % depth) return fail("slot");
  if (got.id.value != 1000 + counter) return fail("frame id");
  if (!holds(got.pixels, counter)) return fail("pixels");
  return testing::AssertionSuccess();
}

testing::AssertionResult is_nothing(const ReadResult& got, ReadStatus status) {
  if (got.status == status && !got.has_frame() && got.pixels.empty())
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << shm::name_of(got.status) << " frame " << got.counter.value
                                     << "; expected " << shm::name_of(status);
}

class NextTable : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(, NextTable, testing::Values(false, true), [](const auto& mode) {
  return mode.param ? std::string("InPlace") : std::string("Copy");
});

TEST_P(NextTable, HoldsForEveryDepthAndLag) {
  for (std::uint32_t depth = 1; depth <= 128; ++depth) {
    Bench bench(depth);
    std::vector<std::uint64_t> lags{2 * depth, 2 * depth + 1, 3 * depth + 5};
    for (std::uint64_t lag = 0; lag <= depth + 2; ++lag) lags.push_back(lag);
    for (const std::uint64_t lag : lags) {
      bench.reader.reset_tail();
      const std::uint64_t r = bench.reader.tail().counter.value;
      ASSERT_EQ(r, bench.writer.newest().value);
      write_frames(bench.writer, lag);
      SCOPED_TRACE(fmt::format("depth {} lag {} r {}", depth, lag, r));
      if (lag > depth) {
        ASSERT_TRUE(
            is_frame(next(bench, GetParam()), ReadStatus::overwrite, r + lag, lag - 1, depth));
      } else {
        for (std::uint64_t k = r + 1; k <= r + lag; ++k)
          ASSERT_TRUE(is_frame(next(bench, GetParam()), ReadStatus::success, k, 0, depth));
      }
      ASSERT_TRUE(is_nothing(next(bench, GetParam()), ReadStatus::not_ready));
      ASSERT_EQ(bench.reader.tail().counter.value, r + lag);
    }
  }
}

TEST(Reader, BeginsWithNothingNew) {
  for (const std::uint64_t written : {0U, 1U, 3U, 4U, 9U}) {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), ring(3).options());
    write_frames(writer, written);
    Reader late = Reader::open(stream.path());
    Bytes into(kBytes);
    EXPECT_TRUE(is_nothing(late.next(into), ReadStatus::not_ready)) << written;
    EXPECT_TRUE(is_nothing(late.next_in_place(), ReadStatus::not_ready)) << written;
    EXPECT_EQ(late.newest_counter().value, written);
    write_next(writer);
    EXPECT_TRUE(is_frame(late.next(into), ReadStatus::success, written + 1, 0, 3)) << written;
  }
}

TEST(Reader, BeforeTheFirstFrameThereIsNoNewest) {
  for (const std::uint32_t depth : {1U, 2U, 5U}) {
    Bench bench(depth);
    EXPECT_TRUE(is_nothing(bench.reader.newest(bench.into), ReadStatus::not_ready));
    EXPECT_TRUE(is_nothing(bench.reader.newest_in_place(), ReadStatus::not_ready));
    const Slot claimed = bench.writer.begin();
    EXPECT_TRUE(is_nothing(bench.reader.newest(bench.into), ReadStatus::not_ready));
    EXPECT_TRUE(is_nothing(bench.reader.next(bench.into), ReadStatus::not_ready));
  }
}

TEST(Reader, SeveralAreIndependent) {
  Bench bench(4);
  Reader other = Reader::open(bench.stream.path());
  Bytes into(kBytes);
  write_frames(bench.writer, 3);
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 1, 0, 4));
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 2, 0, 4));
  EXPECT_TRUE(is_frame(other.next(into), ReadStatus::success, 1, 0, 4));
  write_frames(bench.writer, 3);  // 4 .. 6; the other is at 1, one too many behind
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 3, 0, 4));
  EXPECT_TRUE(is_frame(other.next(into), ReadStatus::overwrite, 6, 4, 4));
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 4, 0, 4));
}

TEST(Reader, WritesNothingIntoTheStream) {
  // Apart from the announcement that it sleeps, which only wait() makes.
  Bench bench(3);
  write_frames(bench.writer, 5);
  const Bytes before = read_file(bench.stream.path());
  Reader reader = Reader::open(bench.stream.path());
  for (int i = 0; i < 3; ++i) {
    bench.reader.next(bench.into);
    bench.reader.newest(bench.into);
    (void)bench.reader.next_in_place();
    (void)bench.reader.newest_in_place();
    reader.reset_tail();
    reader.wait(system_clock().now(), Wait::spin);
  }
  EXPECT_EQ(read_file(bench.stream.path()), before);
}

TEST(Reader, NewestLeavesTheTail) {
  Bench bench(4);
  write_frames(bench.writer, 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(is_frame(bench.reader.newest(bench.into), ReadStatus::success, 3, 0, 4));
    EXPECT_TRUE(is_frame(bench.reader.newest_in_place(), ReadStatus::success, 3, 0, 4));
    EXPECT_EQ(bench.reader.tail().counter.value, 0U);
  }
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 1, 0, 4));
}

TEST(Reader, ResetContinuesWithWhatComesNext) {
  Bench bench(4);
  write_frames(bench.writer, 3);
  const Tail tail = bench.reader.reset_tail();
  EXPECT_EQ(tail.counter.value, 3U);
  EXPECT_EQ(tail.slot, 2U);
  EXPECT_TRUE(is_nothing(bench.reader.next(bench.into), ReadStatus::not_ready));
  write_next(bench.writer);
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 4, 0, 4));
}

TEST(Reader, RefusesABufferOfAnotherSizeAndKeepsItsTail) {
  Bench bench(2);
  write_next(bench.writer);
  for (const std::size_t size : {0U, 63U, 65U, 1000U}) {
    Bytes wrong(size);
    const std::vector<std::string> texts{fmt::format("{} bytes", size), "64"};
    const auto refuses = [&](const std::function<void()>& read) {
      return fails_with(Errc::invalid_argument, texts, read);
    };
    EXPECT_TRUE(refuses([&] { bench.reader.next(wrong); }));
    EXPECT_TRUE(refuses([&] { bench.reader.newest(wrong); }));
    EXPECT_TRUE(refuses([&] { bench.reader.next(wrong, far_deadline()); }));
  }
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 1, 0, 2));
}

TEST(Reader, ATailFromOutsideIsTakenModuloTheDepth) {
  Bench bench(3);
  write_frames(bench.writer, 3);
  bench.reader.set_tail({300, Counter{1}});
  EXPECT_EQ(bench.reader.tail().slot, 0U);
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, 2, 0, 3));
}

TEST(Reader, TimesOfFramesDoNotGoBack) {
  Bench bench(8);
  write_frames(bench.writer, 8);
  UtcTime last{};
  for (int i = 0; i < 8; ++i) {
    const ReadResult frame = bench.reader.next(bench.into);
    EXPECT_GE(frame.time, last);
    last = frame.time;
  }
  EXPECT_LE(last, system_clock().utc_now());
}

// ------------------------------------------------------------------------------------- in place

TEST(InPlace, StaysIntactUntilTheWriterClaimsTheSlot) {
  for (std::uint32_t depth = 1; depth <= 9; ++depth) {
    Bench bench(depth);
    write_next(bench.writer);
    const ReadResult frame = bench.reader.next_in_place();
    ASSERT_TRUE(is_frame(frame, ReadStatus::success, 1, 0, depth));
    for (std::uint32_t i = 1; i < depth; ++i) {
      write_next(bench.writer);
      EXPECT_TRUE(bench.reader.intact(frame)) << depth << " after " << i;
      EXPECT_TRUE(holds(frame.pixels, 1));
    }
    {
      Slot claimed = bench.writer.begin();
      EXPECT_FALSE(bench.reader.intact(frame)) << depth << ": claimed";
      claimed.commit(FrameId{});
    }
    EXPECT_FALSE(bench.reader.intact(frame)) << depth << ": overwritten";
  }
}

TEST(InPlace, PointsIntoTheSlotAndACopyIntoTheBuffer) {
  Bench bench(2);
  write_next(bench.writer);
  const ReadResult in_place = bench.reader.newest_in_place();
  const auto slot = bench.reader.segment().pixels(0);
  EXPECT_EQ(in_place.pixels.data(), slot.data());
  EXPECT_EQ(in_place.pixels.size(), slot.size());
  EXPECT_EQ(bench.reader.newest(bench.into).pixels.data(), bench.into.data());
}

TEST(InPlace, NoStepOfALaterPublicationMakesItIntactAgain) {
  for (const std::uint32_t depth : {1U, 2U, 3U}) {
    Bench bench(depth);
    write_frames(bench.writer, depth);
    const ReadResult frame = [&] {
      if (depth == 1) return bench.reader.newest_in_place();
      bench.reader.set_tail({depth - 1, Counter{0}});
      return bench.reader.next_in_place();
    }();
    ASSERT_EQ(frame.counter.value, 1U);
    Slot slot = bench.writer.begin();
    EXPECT_FALSE(bench.reader.intact(frame));
    for (const PublishStep step : Writer::publication_order()) {
      slot.publish(step, FrameId{});
      EXPECT_FALSE(bench.reader.intact(frame)) << depth << " " << shm::name_of(step);
    }
  }
}

// ------------------------------------------------------------------------------------- eviction

TEST(Eviction, AClaimedSlotCostsALaggingReaderItsFrameAtOnce) {
  for (std::uint32_t depth = 2; depth <= 20; ++depth)
    for (const bool in_place : {false, true}) {
      Bench bench(depth);
      write_frames(bench.writer, depth);  // lag N: frame 1 lies in the slot claimed next
      Slot claimed = bench.writer.begin();
      std::memset(claimed.pixels().data(), 0xEE, kBytes / 2);
      ASSERT_TRUE(is_frame(next(bench, in_place), ReadStatus::overwrite, depth, depth - 1, depth));
      ASSERT_TRUE(is_nothing(next(bench, in_place), ReadStatus::not_ready));
    }
}

TEST(Eviction, AClaimedSlotDisturbsNoReaderThatIsLessBehind) {
  for (std::uint32_t depth = 2; depth <= 12; ++depth)
    for (std::uint64_t lag = 0; lag < depth; ++lag) {
      Bench bench(depth);
      write_frames(bench.writer, depth);
      bench.reader.reset_tail();
      write_frames(bench.writer, lag);
      const Slot claimed = bench.writer.begin();
      for (std::uint64_t k = depth + 1; k <= depth + lag; ++k)
        ASSERT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, k, 0, depth));
      ASSERT_TRUE(is_nothing(bench.reader.next(bench.into), ReadStatus::not_ready));
    }
}

TEST(Eviction, ADroppedSlotIsNoFrameAndIsClaimedAgain) {
  for (std::uint32_t depth = 1; depth <= 6; ++depth) {
    Bench bench(depth);
    write_frames(bench.writer, depth);
    bench.reader.reset_tail();
    std::uint32_t index = 0;
    {
      Slot dropped = bench.writer.begin();
      index = dropped.index();
      std::memset(dropped.pixels().data(), 0xEE, kBytes);
    }
    EXPECT_TRUE(is_nothing(bench.reader.next(bench.into), ReadStatus::not_ready));
    EXPECT_EQ(bench.writer.newest().value, depth);
    EXPECT_EQ(bench.reader.newest_counter().value, depth);
    {
      const Slot again = bench.writer.begin();
      EXPECT_EQ(again.index(), index);
      EXPECT_EQ(again.counter().value, depth + 1);
    }
    EXPECT_EQ(write_next(bench.writer).value, depth + 1);
    EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, depth + 1, 0, depth));
  }
}

TEST(Eviction, NewestIsReadableWhileTheNextIsWritten) {
  for (std::uint32_t depth = 2; depth <= 6; ++depth) {
    Bench bench(depth);
    for (std::uint64_t k = 1; k <= 2 * depth; ++k) {
      write_next(bench.writer);
      const Slot claimed = bench.writer.begin();
      ASSERT_TRUE(is_frame(bench.reader.newest(bench.into), ReadStatus::success, k, 0, depth));
    }
  }
}

// -------------------------------------------------------------------------------------- depth 1

TEST(DepthOne, TheSlotBeingRewrittenIsNeverDelivered) {
  Bench bench(1);
  write_next(bench.writer);
  Slot claimed = bench.writer.begin();  // frame 1 is destroyed, frame 2 not there yet
  std::memset(claimed.pixels().data(), 0xEE, kBytes / 2);
  EXPECT_TRUE(is_nothing(bench.reader.next(bench.into), ReadStatus::not_ready));
  EXPECT_FALSE(bench.reader.newest(bench.into).has_frame());
  EXPECT_FALSE(bench.reader.newest_in_place().has_frame());
  EXPECT_FALSE(bench.reader.wait(system_clock().now()));
  const Bytes second = pixels_of(kBytes, 2);
  std::memcpy(claimed.pixels().data(), second.data(), kBytes);
  claimed.commit(FrameId{1002});
  EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::overwrite, 2, 1, 1));
}

TEST(DepthOne, ReadInTimeNothingIsLost) {
  Bench bench(1);
  for (std::uint64_t k = 1; k <= 20; ++k) {
    write_next(bench.writer);
    EXPECT_TRUE(is_frame(bench.reader.newest(bench.into), ReadStatus::success, k, 0, 1));
    EXPECT_TRUE(is_frame(bench.reader.next(bench.into), ReadStatus::success, k, 0, 1));
    EXPECT_TRUE(is_nothing(bench.reader.next(bench.into), ReadStatus::not_ready));
  }
}

// ------------------------------------------------- between any two steps of our own publication

/// Is this the answer of a reader with that tail while frame `writing` is between two steps?
testing::AssertionResult allowed_between(const ReadResult& got, std::uint64_t r,
                                         std::uint64_t writing, bool whole, std::uint32_t depth) {
  const std::uint64_t newest = writing - 1;
  const std::uint64_t lag = newest - r;
  const auto fail = [&](const char* why) {
    return testing::AssertionFailure()
           << why << ": " << shm::name_of(got.status) << " frame " << got.counter.value << " lost "
           << got.lost << ", tail " << r << ", newest " << newest;
  };
  if (got.has_frame()) {
    if (!holds(got.pixels, got.counter.value)) return fail("pixels");
    if (got.id.value != 1000 + got.counter.value) return fail("frame id");
    if (got.lost != got.counter.value - r - 1) return fail("lost");
    // A frame may be taken once it is whole, before it becomes the newest.
    if (got.counter.value > (whole ? writing : newest)) return fail("from the future");
    if (got.counter.value < newest && got.status == ReadStatus::overwrite) return fail("too old");
  }
  switch (got.status) {
    case ReadStatus::success:
      return got.lost == 0 ? testing::AssertionSuccess() : fail("success with a gap");
    case ReadStatus::overwrite:
      return lag >= depth ? testing::AssertionSuccess() : fail("false overwrite");
    case ReadStatus::not_ready:
      return lag == 0 || depth == 1 ? testing::AssertionSuccess() : fail("a frame was there");
    default:
      return fail("no answer");
  }
}

TEST(Publication, BetweenAnyTwoStepsEveryReadIsRight) {
  for (std::uint32_t depth = 1; depth <= 16; ++depth) {
    Bench bench(depth);
    const Tail start = bench.reader.tail();
    const auto tail_after = [&](std::uint64_t r) {
      return r == 0 ? start : Tail{static_cast<std::uint32_t>((r - 1) % depth), Counter{r}};
    };
    const auto look = [&](std::uint64_t writing, bool whole, std::string_view after) {
      SCOPED_TRACE(fmt::format("depth {}, frame {}, after {}", depth, writing, after));
      for (std::uint64_t lag = 0; lag <= depth + 1 && lag < writing; ++lag) {
        const std::uint64_t r = writing - 1 - lag;
        for (const bool in_place : {false, true}) {
          bench.reader.set_tail(tail_after(r));
          const ReadResult got = next(bench, in_place);
          ASSERT_TRUE(allowed_between(got, r, writing, whole, depth));
        }
      }
      if (writing == 1 || depth == 1) return;
      const ReadResult newest = bench.reader.newest(bench.into);
      ASSERT_TRUE(newest.has_frame()) << "newest: " << shm::name_of(newest.status);
      ASSERT_TRUE(holds(bench.into, newest.counter.value));
      ASSERT_GE(newest.counter.value, writing - 1);
      ASSERT_LE(newest.counter.value, whole ? writing : writing - 1);
      const Tail reset = bench.reader.reset_tail();
      ASSERT_GE(reset.counter.value, writing - 1);
      ASSERT_LE(reset.counter.value, whole ? writing : writing - 1)
          << "a tail ahead of what was published skips a frame unnoticed";
      ASSERT_EQ(reset.slot, (reset.counter.value - 1) % depth);
    };
    for (std::uint64_t k = 1; k <= 2 * depth + 2; ++k) {
      Slot slot = bench.writer.begin();
      look(k, false, "begin");
      const Bytes pixels = pixels_of(kBytes, k);
      std::memcpy(slot.pixels().data(), pixels.data(), kBytes / 2);
      look(k, false, "half the pixels");
      std::memcpy(slot.pixels().data(), pixels.data(), kBytes);
      look(k, false, "the pixels");
      bool whole = false;
      for (const PublishStep step : Writer::publication_order()) {
        slot.publish(step, FrameId{1000 + k});
        whole = whole || step == PublishStep::clear_write;
        if (step == PublishStep::index) break;  // from here on it is published: the table holds
        look(k, whole, shm::name_of(step));
        if (testing::Test::HasFatalFailure()) return;
      }
      slot.publish(PublishStep::wake, FrameId{1000 + k});
    }
  }
}

}  // namespace
}  // namespace daohil::shm
