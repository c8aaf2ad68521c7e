// Reading beyond next and newest: history, any slot, resuming after a lap, waits that watch.

#include <algorithm>
#include <cstdlib>

#include "shm/keywords.hpp"
#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kBytes = 64;

Geometry ring(std::uint32_t depth) { return {{4, 4}, 5, 4, depth, 0}; }

std::vector<std::uint64_t> counters_of(Reader& reader, std::uint32_t frames) {
  Bytes into(frames * kBytes);
  const History got = reader.history(into, frames);
  std::vector<std::uint64_t> counters;
  for (std::uint32_t i = 0; i < got.frames; ++i) {
    const std::uint64_t counter = got.first.value + i;
    EXPECT_TRUE(holds(std::span(into).subspan(i * kBytes, kBytes), counter)) << counter;
    counters.push_back(counter);
  }
  return counters;
}

using Counters = std::vector<std::uint64_t>;

// The example of the specification: depth 4, frames 1 to 6 give 3, 4, 5, 6.
TEST(History, IsOldestFirstUpToTheNewest) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  Reader reader = Reader::open(stream.path());
  write_frames(writer, 6);
  EXPECT_EQ(counters_of(reader, 4), (Counters{3, 4, 5, 6}));
  EXPECT_EQ(counters_of(reader, 3), (Counters{4, 5, 6}));
  EXPECT_EQ(counters_of(reader, 1), (Counters{6}));
  EXPECT_EQ(reader.tail().counter.value, 0U) << "the tail stays";
}

TEST(History, NeverHoldsASlotThatWasNotWritten) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  Reader reader = Reader::open(stream.path());
  EXPECT_EQ(counters_of(reader, 4), Counters{});
  write_frames(writer, 2);
  EXPECT_EQ(counters_of(reader, 4), (Counters{1, 2}));
}

TEST(History, LeavesOutTheOldestWhoseSlotIsBeingRewritten) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  Reader reader = Reader::open(stream.path());
  write_frames(writer, 6);
  const Slot claimed = writer.begin();
  EXPECT_EQ(counters_of(reader, 4), (Counters{4, 5, 6}));
}

TEST(History, RefusesWhatCannotBe) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  Reader reader = Reader::open(stream.path());
  Bytes into(8 * kBytes);
  for (const std::uint32_t frames : {0U, 5U, 4'000'000'000U})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {std::to_string(frames), stream.path()},
                           [&] { reader.history(into, frames); }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"512"}, [&] { reader.history(into, 4); }));
}

TEST(AnySlot, IsReadAsItIs) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(3).options());
  Reader reader = Reader::open(stream.path());
  Bytes into(kBytes);
  EXPECT_EQ(reader.at(1, into).status, ReadStatus::not_ready);
  write_frames(writer, 5);
  for (const auto& [slot, counter] : {std::pair{0U, 4U}, {1U, 5U}, {2U, 3U}, {5U, 3U}}) {
    const ReadResult got = reader.at(slot, into);
    ASSERT_EQ(got.status, ReadStatus::success);
    EXPECT_EQ(got.counter.value, counter);
    EXPECT_EQ(got.slot, slot % 3);
    EXPECT_TRUE(holds(into, counter));
    EXPECT_TRUE(reader.intact(reader.at_in_place(slot)));
  }
  const Slot claimed = writer.begin();
  EXPECT_EQ(reader.at(claimed.index(), into).status, ReadStatus::torn);
}

TEST(Lapped, ResumesAtTheNewestUnlessToldOtherwise) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  Reader newest = Reader::open(stream.path());
  Reader oldest = Reader::open(stream.path());
  oldest.set_lapped(Lapped::to_oldest);
  write_frames(writer, 10);
  Bytes into(kBytes);
  const ReadResult fresh = newest.next(into);
  EXPECT_EQ(fresh.status, ReadStatus::overwrite);
  EXPECT_EQ(fresh.counter.value, 10U);
  EXPECT_EQ(fresh.lost, 9U);
  const ReadResult stale = oldest.next(into);
  EXPECT_EQ(stale.status, ReadStatus::overwrite);
  EXPECT_EQ(stale.counter.value, 7U);
  EXPECT_EQ(stale.lost, 6U);
  EXPECT_TRUE(holds(into, 7));
  for (const std::uint64_t counter : {8U, 9U, 10U}) {
    const ReadResult got = oldest.next(into);
    EXPECT_EQ(got.status, ReadStatus::success);
    EXPECT_EQ(got.counter.value, counter);
  }
  EXPECT_EQ(newest.lost_total(), 9U);
  EXPECT_EQ(oldest.lost_total(), 6U);
}

TEST(Lapped, TheOldestIsTheOneAfterAClaimedSlot) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(4).options());
  Reader reader = Reader::open(stream.path());
  reader.set_lapped(Lapped::to_oldest);
  write_frames(writer, 10);
  const Slot claimed = writer.begin();  // that of frame 7
  Bytes into(kBytes);
  const ReadResult got = reader.next(into);
  EXPECT_EQ(got.counter.value, 8U);
  EXPECT_EQ(got.lost, 7U);
}

// Whatever the writer does in between, delivered + lost + backlog is what was written.
TEST(Lapped, NothingGoesMissingUnderEitherPolicy) {
  for (const Lapped policy : {Lapped::to_newest, Lapped::to_oldest})
    for (const std::uint32_t depth : {1U, 2U, 3U, 8U}) {
      const TempStream stream;
      Writer writer = Writer::create(stream.path(), ring(depth).options());
      Reader reader = Reader::open(stream.path());
      reader.set_lapped(policy);
      Bytes into(kBytes);
      std::uint64_t delivered = 0;
      std::uint32_t random = 20261124 + depth;
      for (int i = 0; i < 2000; ++i) {
        random = random * 1664525 + 1013904223;
        for (std::uint32_t n = (random >> 16) % (2 * depth + 3); n > 0; --n) write_next(writer);
        for (std::uint32_t n = (random >> 24) % (depth + 2); n > 0; --n) {
          const ReadResult got = reader.next(into);
          if (!got.has_frame()) continue;
          ++delivered;
          ASSERT_TRUE(holds(into, got.counter.value));
        }
        const std::uint64_t backlog = writer.newest() - reader.tail().counter;
        ASSERT_EQ(writer.newest().value, delivered + reader.lost_total() + backlog);
      }
      EXPECT_GT(reader.lost_total(), 0U);
    }
}

// Begin, the pixels, and the steps of the publication up to and with `last`.
void publish_up_to(Writer& writer, PublishStep last) {
  Slot slot = writer.begin();
  const Bytes pixels = pixels_of(kBytes, slot.counter().value);
  std::copy(pixels.begin(), pixels.end(), slot.pixels().begin());
  for (const PublishStep step : Writer::publication_order()) {
    slot.publish(step, FrameId{slot.counter().value});
    if (step == last) return;
  }
}

// Whole, and not yet the newest by the index: who has read it in order is never sent back.
TEST(HalfPublished, TheNewestIsNoOlderThanWhatNextGave) {
  for (const std::uint32_t depth : {1U, 2U, 3U, 8U})
    for (const std::uint64_t before : {0U, 1U, 5U, 9U}) {
      const TempStream stream;
      Writer writer = Writer::create(stream.path(), ring(depth).options());
      Reader reader = Reader::open(stream.path());
      write_frames(writer, before);
      reader.reset_tail();
      publish_up_to(writer, PublishStep::clear_write);
      Bytes into(kBytes);
      ASSERT_EQ(reader.next(into).counter.value, before + 1) << depth;
      EXPECT_EQ(reader.newest_counter().value, before + 1) << depth;
      EXPECT_EQ(reader.newest(into).counter.value, before + 1) << depth;
      EXPECT_EQ(counters_of(reader, 1), (Counters{before + 1})) << depth;
      EXPECT_EQ(reader.reset_tail().counter.value, before + 1) << depth;
      EXPECT_EQ(reader.next(into).status, ReadStatus::not_ready) << "delivered twice, N " << depth;
    }
}

// The predecessor rang no bell for its last frame; a sleeper must not wait for the one after it.
TEST(HalfPublished, AttachRingsForTheDead) {
  for (const std::uint32_t depth : {1U, 2U, 3U})
    for (const PublishStep last : {PublishStep::clear_write, PublishStep::index}) {
      const TempStream stream;
      {
        Writer writer = Writer::create(stream.path(), ring(depth).options());
        write_next(writer);
        publish_up_to(writer, last);
      }
      const RawMapping raw(stream.path());
      const Writer successor = Writer::attach(stream.path());
      EXPECT_EQ(successor.newest().value, 2U);
      EXPECT_EQ(raw.load<std::uint32_t>(108), 2U) << "the bell";
    }
}

TEST(Await, SaysWhatEndedIt) {
  const TempStream stream;
  std::optional<Writer> writer = Writer::create(stream.path(), ring(2).options());
  Reader reader = Reader::open(stream.path());
  const MonotonicTime past = system_clock().now();
  EXPECT_EQ(reader.await(past), Awaited::timeout);
  write_next(*writer);
  EXPECT_EQ(reader.writer_state(), WriterState::alive);
  for (const Wait how : {Wait::sleep, Wait::spin, Wait::hybrid})
    EXPECT_EQ(reader.await(far_deadline(), how), Awaited::frame);

  writer.reset();
  EXPECT_EQ(reader.writer_state(), WriterState::gone);
  EXPECT_EQ(reader.await(far_deadline()), Awaited::frame) << "what is there is read first";
  Bytes into(kBytes);
  ASSERT_TRUE(reader.next(into).has_frame());
  EXPECT_EQ(reader.await(far_deadline()), Awaited::writer_gone);

  Writer again = Writer::create(stream.path(), ring(5).options());
  EXPECT_EQ(reader.await(far_deadline()), Awaited::replaced);
  EXPECT_TRUE(reader.replaced());
  reader.reopen();
  EXPECT_FALSE(reader.replaced());
  EXPECT_EQ(reader.depth(), 5U);
  write_next(again);
  EXPECT_EQ(reader.next(into).counter.value, 1U);

  Segment::unlink(stream.path());
  EXPECT_EQ(reader.await(far_deadline()), Awaited::replaced) << "removed";
  EXPECT_TRUE(fails_with(Errc::not_found, {stream.path()}, [&] { reader.reopen(); }));
  EXPECT_EQ(reader.depth(), 5U) << "unchanged";
}

TEST(Await, NoticesAWriterThatIsKilled) {
  const TempStream stream;
  const Pipe written;
  const Pipe waiting;
  { const Writer first = Writer::create(stream.path(), ring(2).options()); }
  Child child([&] {
    Writer writer = Writer::attach(stream.path());
    written.signal();
    ::pause();
    return 0;
  });
  written.await();
  Reader reader = Reader::open(stream.path());
  EXPECT_EQ(reader.writer_state(), WriterState::alive);
  child.kill();
  EXPECT_EQ(reader.writer_state(), WriterState::unknown) << "it has published nothing";
  EXPECT_EQ(reader.await(system_clock().now()), Awaited::timeout);
}

TEST(Await, AFrameOfAForeignWriterLeavesItsWriterUnknown) {
  const TempStream stream;
  write_file(stream.path(), fresh_file(ring(2), stream.path().string(), 1.0));
  RawMapping raw(stream.path());
  Reader reader = Reader::open(stream.path());
  EXPECT_EQ(reader.writer_state(), WriterState::unknown);
  put<std::uint64_t>(raw.bytes(), 152, 1);
  put<std::uint32_t>(raw.bytes(), 4300, 0);
  EXPECT_EQ(reader.writer_state(), WriterState::unknown);
  EXPECT_EQ(reader.await(far_deadline()), Awaited::frame);
}

TEST(Semaphore, WakesAReaderOfItsOwnNumber) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(2).options());
  Reader reader = Reader::open(stream.path());
  EXPECT_FALSE(reader.wait_semaphore(3, system_clock().now()));
  write_next(writer);
  for (const std::uint16_t number : {std::uint16_t{3}, std::uint16_t{0}, std::uint16_t{9}}) {
    EXPECT_TRUE(reader.wait_semaphore(number, far_deadline()));
    EXPECT_FALSE(reader.wait_semaphore(number, system_clock().now())) << "posted up to 1";
  }
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"10", stream.path()},
                         [&] { reader.wait_semaphore(10, far_deadline()); }));
}

TEST(Private, IsAStreamWithoutAFile) {
  Segment segment = Segment::create_private("inside", ring(3).options());
  EXPECT_TRUE(segment.is_private());
  Writer writer = Writer::over(segment.share());
  Reader reader = Reader::over(segment.share());
  write_frames(writer, 2);
  Bytes into(kBytes);
  EXPECT_EQ(reader.next(into, far_deadline()).counter.value, 1U);
  EXPECT_EQ(reader.next(into, far_deadline()).counter.value, 2U);
  EXPECT_FALSE(reader.replaced());
  EXPECT_FALSE(reader.wait(system_clock().now()));
}

TEST(Over, ASharedMappingHasOneWriterLock) {
  const TempStream stream;
  Segment segment = Segment::create(stream.path(), ring(2).options());
  segment.unlock_for_writing();
  Segment other = Segment::open(stream.path(), Access::read_write);
  EXPECT_TRUE(segment.same_stream(other));
  EXPECT_TRUE(segment.same_stream(segment.share()));
  {
    const Writer writer = Writer::over(segment.share());
    EXPECT_TRUE(fails_with(Errc::busy, {stream.path()}, [&] { Writer::over(other.share()); }));
  }
  segment.unlock_for_writing();  // the lock belongs to the mapping, not to the writer
  EXPECT_NO_THROW(Writer::over(other.share()));
  Segment read_only = Segment::open(stream.path(), Access::read);
  EXPECT_TRUE(
      fails_with(Errc::permission, {stream.path()}, [&] { Writer::over(std::move(read_only)); }));
}

TEST(Packets, AreNotedAndDoNotUnmarkTheSlot) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), ring(2).options());
  RawMapping raw(stream.path());
  Slot slot = writer.begin();
  slot.note({4, 8, 2, 5, 77});
  EXPECT_EQ(get<std::uint32_t>(raw.bytes(), 180), 4U);
  EXPECT_EQ(get<std::uint32_t>(raw.bytes(), 184), 8U);
  EXPECT_EQ(get<std::uint32_t>(raw.bytes(), 188), 2U);
  EXPECT_EQ(get<std::uint32_t>(raw.bytes(), 192), 5U);
  EXPECT_EQ(get<std::uint64_t>(raw.bytes(), 200 + 2 * 8), 77U);
  EXPECT_EQ(get<std::uint8_t>(raw.bytes(), 176), 1U);
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"512"}, [&] { slot.note({0, 0, 512, 1, 0}); }));
  slot.commit(FrameId{1});
  EXPECT_EQ(get<std::uint8_t>(raw.bytes(), 176), 0U);
}

TEST(Restamp, ChangesTheTimeOfTheNewestAlone) {
  const TempStream stream;
  const VirtualClock clock(UtcTime{Duration{1000}});
  Writer writer = Writer::create(stream.path(), ring(2).options(), clock);
  Reader reader = Reader::open(stream.path());
  writer.restamp();
  Bytes into(kBytes);
  EXPECT_EQ(reader.newest(into).status, ReadStatus::not_ready);
  write_next(writer);
  write_next(writer);
  clock.advance(Duration{5});
  writer.restamp();
  EXPECT_EQ(reader.at(0, into).time.count(), 1000);
  EXPECT_EQ(reader.at(1, into).time.count(), 1005);
  EXPECT_EQ(writer.newest().value, 2U);
}

TEST(Keywords, AreWhatWasWritten) {
  const TempStream stream;
  CreateOptions options = ring(2).options();
  options.keywords = 3;
  Segment segment = Segment::create(stream.path(), options);
  write_keyword(segment, 0, {"EXPTIME", 1.5e-3, "s"});
  write_keyword(segment, 1, {"GAIN", std::int64_t{-7}, ""});
  write_keyword(segment, 2, {"FIFTEEN_BYTES_X", std::string("sixteen bytes !!"), "text"});
  const auto keywords = read_keywords(Segment::open(stream.path(), Access::read));
  ASSERT_EQ(keywords.size(), 3U);
  EXPECT_EQ(keywords[0].name, "EXPTIME");
  EXPECT_EQ(std::get<double>(keywords[0].value), 1.5e-3);
  EXPECT_EQ(keywords[0].comment, "s");
  EXPECT_EQ(std::get<std::int64_t>(keywords[1].value), -7);
  EXPECT_EQ(std::get<std::string>(keywords[2].value), "sixteen bytes !!");
  EXPECT_EQ(find_keyword(segment, "GAIN"), 1U);
  EXPECT_EQ(find_keyword(segment, "gain"), 3U);

  // As bytes: the records of 120 bytes that the specification gives.
  const RawMapping raw(stream.path());
  const std::size_t at = 2 * (4304 + kBytes);
  EXPECT_EQ(std::memcmp(raw.bytes().data() + at, "EXPTIME\0", 8), 0);
  EXPECT_EQ(get<char>(raw.bytes(), at + 16), 'D');
  EXPECT_EQ(get<double>(raw.bytes(), at + 24), 1.5e-3);
  EXPECT_EQ(get<char>(raw.bytes(), at + 40), 's');
  EXPECT_EQ(get<char>(raw.bytes(), at + 120 + 16), 'L');
  EXPECT_EQ(get<char>(raw.bytes(), at + 240 + 16), 'S');

  write_keyword(segment, 1, {});
  EXPECT_TRUE(std::holds_alternative<std::monostate>(read_keywords(segment)[1].value));
  EXPECT_EQ(get<char>(raw.bytes(), at + 120 + 16), 'N');
}

TEST(Keywords, RefuseWhatDoesNotFit) {
  const TempStream stream;
  CreateOptions options = ring(1).options();
  options.keywords = 1;
  Segment segment = Segment::create(stream.path(), options);
  const std::string long_name(16, 'n');
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {long_name, "16", "15"},
                         [&] { write_keyword(segment, 0, {long_name}); }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"17", "16"}, [&] {
    write_keyword(segment, 0, {"A", std::string(17, 'v')});
  }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"80", "79"}, [&] {
    write_keyword(segment, 0, {"A", std::monostate{}, std::string(80, 'c')});
  }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"1", stream.path()},
                         [&] { write_keyword(segment, 1, {"A"}); }));
  Segment read_only = Segment::open(stream.path(), Access::read);
  EXPECT_TRUE(
      fails_with(Errc::permission, {stream.path()}, [&] { write_keyword(read_only, 0, {"A"}); }));
}

// Bytes of another program: unterminated texts are cut at their record, types unknown are unused.
TEST(Keywords, HostileBytesAreCut) {
  const TempStream stream;
  Geometry geometry = ring(1);
  Bytes file = fresh_file(geometry, stream.path().string(), 1.0);
  file.resize(file.size() + 120, std::byte{'x'});
  put<std::uint16_t>(file, 178, 1);
  write_file(stream.path(), file);
  const auto keywords = read_keywords(Segment::open(stream.path(), Access::read));
  ASSERT_EQ(keywords.size(), 1U);
  EXPECT_EQ(keywords[0].name, std::string(16, 'x'));
  EXPECT_EQ(keywords[0].comment, std::string(80, 'x'));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(keywords[0].value));
}

}  // namespace
}  // namespace daohil::shm
