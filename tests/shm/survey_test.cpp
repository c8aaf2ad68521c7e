// What can be seen of a stream from outside, against files made byte by byte.

#include "shm/survey.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kMetaBeforeFifo = 4296;
constexpr std::size_t kMetaLater = 16400;
constexpr std::size_t kMetaLaterGpu = 16448;

/// A folder of its own, gone with this object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = "/tmp/t-survey-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

StreamReport survey_of(const std::filesystem::path& path) {
  return survey_file(path, Holders::of_host());
}

void put_frame(Bytes& file, std::uint32_t slot, std::uint64_t counter, std::int64_t time,
               std::uint8_t write = 0, std::size_t meta = kMeta) {
  put(file, slot * meta + 136, time);
  put(file, slot * meta + 152, counter);
  put(file, slot * meta + 168, counter + 1000);
  put(file, slot * meta + 176, write);
}

Bytes later_file(const Geometry& g, std::size_t meta) {
  Bytes file = fresh_file(g, "/tmp/x.im.shm", 1.7e9, meta);
  // Where this layout has its depth, the later one has its packet table.
  put(file, 4296, std::uint32_t{0});
  put(file, 4300, std::uint32_t{0});
  put(file, 16392, g.depth);
  put(file, 16396, g.depth - 1);
  return file;
}

// ------------------------------------------------------------------------------------ the layouts

TEST(Survey, AStreamIsDescribedByItsOwnFields) {
  const TempFolder folder;
  const Geometry g{{3, 5}, 9, 4, 4, 2};
  Bytes file = fresh_file(g, "/elsewhere/moved.im.shm", 1.5e9);
  // Ring of 4 after 6 frames, 250 us apart: slots hold 5, 6, 3, 4.
  const std::uint64_t counters[] = {5, 6, 3, 4};
  for (std::uint32_t slot = 0; slot < 4; ++slot)
    put_frame(file, slot, counters[slot],
              1'700'000'000'000'000'000 + static_cast<std::int64_t>(counters[slot]) * 250'000);
  put(file, 4300, std::uint32_t{1});
  const auto path = folder / "wfs.im.shm";
  write_file(path, file);
  ::chmod(path.c_str(), 0640);

  const StreamReport report = survey_of(path);
  EXPECT_TRUE(report.is_stream());
  EXPECT_EQ(report.reason, "");
  ASSERT_TRUE(report.layout);
  EXPECT_EQ(report.layout->version, LayoutVersion::fifo);
  EXPECT_EQ(report.layout->format.str(), "3x5 f32");
  EXPECT_EQ(report.layout->depth, 4U);
  EXPECT_EQ(report.layout->keywords, 2U);
  EXPECT_EQ(report.layout->metadata_bytes, 4304U);
  EXPECT_EQ(report.file_bytes, 4 * (4304U + 60) + 240);
  EXPECT_EQ(report.mode, 0640U);
  EXPECT_EQ(report.owner, ::getuid());
  EXPECT_EQ(report.name, "/elsewhere/moved.im.shm");
  EXPECT_EQ(to_iso8601(report.created), "2017-07-14T02:40:00Z");
  ASSERT_TRUE(report.newest);
  EXPECT_EQ(report.newest->counter.value, 6U);
  EXPECT_EQ(report.newest->slot, 1U);
  EXPECT_EQ(report.newest->id.value, 1006U);
  EXPECT_EQ(report.newest->time.count(), 1'700'000'000'001'500'000);
  EXPECT_DOUBLE_EQ(report.rate_hz.value(), 4000.0);
  EXPECT_EQ(report.slots.size(), 4U);
  EXPECT_EQ(report.keywords.size(), 2U);
  EXPECT_EQ(report.writer, WriterPresence::none);
  EXPECT_TRUE(report.holders.empty());
}

TEST(Survey, AnEmptyStreamHasNoNewestFrame) {
  const TempFolder folder;
  write_file(folder / "wfs.im.shm", fresh_file({}, "/tmp/wfs.im.shm", 1.7e9));
  const StreamReport report = survey_of(folder / "wfs.im.shm");
  EXPECT_TRUE(report.is_stream());
  EXPECT_FALSE(report.newest);
  EXPECT_FALSE(report.rate_hz);
}

TEST(Survey, KeywordsAreReadByTheirType) {
  const TempFolder folder;
  const Geometry g{{4, 4}, 5, 4, 2, 4};
  Bytes file = fresh_file(g, "/tmp/wfs.im.shm", 1.7e9);
  const std::size_t at = 2 * (kMeta + g.frame_bytes());
  const auto text = [&](std::size_t offset, std::string_view value) {
    std::memcpy(file.data() + offset, value.data(), value.size());
  };
  text(at, "GAIN");
  put(file, at + 16, 'L');
  put(file, at + 24, std::int64_t{-300});
  text(at + 40, "of the amplifier");
  text(at + 120, "EXPTIME");
  put(file, at + 120 + 16, 'D');
  put(file, at + 120 + 24, 0.25);
  text(at + 240, "SIXTEENLETTERS16");
  put(file, at + 240 + 16, 'S');
  text(at + 240 + 24, "sixteen letters!");
  write_file(folder / "wfs.im.shm", file);

  const auto keywords = survey_of(folder / "wfs.im.shm").keywords;
  ASSERT_EQ(keywords.size(), 4U);
  EXPECT_EQ(keywords[0].name, "GAIN");
  EXPECT_EQ(keywords[0].type, 'L');
  EXPECT_EQ(keywords[0].value, "-300");
  EXPECT_EQ(keywords[0].comment, "of the amplifier");
  EXPECT_EQ(keywords[1].value, "0.25");
  EXPECT_EQ(keywords[2].name, "SIXTEENLETTERS16");
  EXPECT_EQ(keywords[2].value, "sixteen letters!");
  EXPECT_EQ(keywords[2].comment, "");
  EXPECT_EQ(keywords[3].type, 'N');
}

TEST(Survey, AStreamFromBeforeTheFifoIsNamedAndDescribed) {
  const TempFolder folder;
  const Geometry g{{240, 240}, 3, 2, 1, 2};
  Bytes file = fresh_file(g, "/tmp/old.im.shm", 1.7e9, kMetaBeforeFifo);
  put_frame(file, 0, 77, 1'700'000'000'000'000'000, 0, kMetaBeforeFifo);
  write_file(folder / "old.im.shm", file);
  const StreamReport report = survey_of(folder / "old.im.shm");
  ASSERT_TRUE(report.layout);
  EXPECT_EQ(report.layout->version, LayoutVersion::before_fifo);
  EXPECT_FALSE(report.is_stream());
  EXPECT_NE(report.reason.find("before the FIFO"), std::string::npos) << report.reason;
  EXPECT_EQ(report.layout->format.str(), "240x240 u16");
  EXPECT_EQ(report.newest.value().counter.value, 77U);
}

TEST(Survey, AStreamOfTheLaterLibraryIsNamedAndDescribed) {
  for (const std::size_t meta : {kMetaLater, kMetaLaterGpu})
    for (const std::uint32_t depth : {1U, 2U, 7U}) {
      const TempFolder folder;
      const Geometry g{{24, 20}, 3, 2, depth, 1};
      Bytes file = later_file(g, meta);
      put_frame(file, depth - 1, depth, 1'700'000'000'000'000'000, 0, meta);
      write_file(folder / "new.im.shm", file);
      const StreamReport report = survey_of(folder / "new.im.shm");
      ASSERT_TRUE(report.layout) << meta << " " << depth << report.reason;
      EXPECT_EQ(report.layout->version, LayoutVersion::later);
      EXPECT_EQ(report.layout->metadata_bytes, meta);
      EXPECT_EQ(report.layout->depth, depth);
      EXPECT_EQ(report.layout->format.str(), "24x20 u16");
      EXPECT_EQ(report.newest.value().counter.value, depth);
      EXPECT_FALSE(report.is_stream());
      EXPECT_NE(report.reason.find("later version"), std::string::npos) << report.reason;
      EXPECT_TRUE(fails_with(Errc::bad_layout, {"later version", fmt::format("{}", meta), "4304"},
                             [&] { (void)Reader::open(folder / "new.im.shm"); }));
    }
}

TEST(Survey, WhatIsNoStreamIsSaidWithTheReason) {
  const TempFolder folder;
  const auto path = folder / "x.im.shm";
  const auto none = [&](std::span<const std::byte> bytes, std::string_view reason) {
    write_file(path, bytes);
    const StreamReport report = survey_of(path);
    EXPECT_FALSE(report.layout);
    EXPECT_FALSE(report.is_stream());
    EXPECT_NE(report.reason.find(reason), std::string::npos) << report.reason;
    EXPECT_EQ(report.reason.find('\n'), std::string::npos);
    EXPECT_EQ(report.reason.find(path.string()), std::string::npos) << report.reason;
  };
  none({}, "0 bytes");
  none(Bytes(100), "100 bytes");
  none(Bytes(20'000), "naxis is 0");
  none(Bytes(20'000, std::byte{0xFF}), "naxis is 255");
  Bytes cut = fresh_file({{16, 16}, 3, 2, 4, 0}, "/tmp/x.im.shm", 1.7e9);
  cut.pop_back();
  none(cut, "cut short");
  Bytes later = later_file({{16, 16}, 3, 2, 4, 0}, kMetaLater);
  later.pop_back();
  none(later, "fifo_size is 0");
  later.resize(later.size() + 2);  // one byte too many
  none(later, "fifo_size is 0");
}

TEST(Survey, RandomDamageNeverHarmsTheSurvey) {
  const TempFolder folder;
  const auto path = folder / "x.im.shm";
  constexpr std::uint32_t kSeed = 20261124;
  std::uint32_t state = kSeed;
  const auto random = [&] { return state = state * 1664525 + 1013904223; };
  const Holders holders;
  for (int i = 0; i < 400; ++i) {
    Bytes file = i % 2 == 0 ? fresh_file({{4, 4}, 5, 4, 3, 1}, "/tmp/x.im.shm", 1.7e9)
                            : later_file({{4, 4}, 5, 4, 3, 1}, kMetaLater);
    constexpr std::size_t kFields[] = {80, 84, 88, 96, 104, 148, 178, 4296, 4300, 16392, 16396};
    for (int k = 0; k < 2; ++k)
      put(file, kFields[(random() >> 16) % 11] % (file.size() - 4), random());
    if (i % 5 == 0) file.resize((random() >> 8) % file.size());
    write_file(path, file);
    const StreamReport report = survey_file(path, holders);
    EXPECT_EQ(report.file_bytes, file.size()) << "seed " << kSeed;
    EXPECT_TRUE(report.is_stream() || !report.reason.empty());
  }
}

TEST(Survey, AHugeClaimedDepthIsNotBelieved) {
  const TempFolder folder;
  const auto path = folder / "x.im.shm";
  const Geometry g{{1}, 1, 1, 1, 0};
  Bytes head = fresh_file(g, "/tmp/x.im.shm", 1.7e9);
  put(head, 4296, std::uint32_t{1'000'000});
  write_file(path, head);
  std::filesystem::resize_file(path, 1'000'000 * std::uintmax_t{4305});  // sparse
  const StreamReport report = survey_of(path);
  EXPECT_FALSE(report.layout);
  EXPECT_NE(report.reason.find("4304000000 bytes"), std::string::npos) << report.reason;
}

// ----------------------------------------------------------------------------------------- rates

SlotReport slot(std::uint64_t counter, std::int64_t time_us,
                SlotReport::State state = SlotReport::State::whole) {
  return {.slot = 0,
          .counter = Counter{counter},
          .id = {},
          .time = UtcTime{std::chrono::microseconds(time_us)},
          .state = state};
}

TEST(RateOfARing, IsThatOfItsOldestAndNewestFrame) {
  const std::vector<SlotReport> ring{slot(5, 1500), slot(3, 600), slot(4, 1000)};
  EXPECT_DOUBLE_EQ(rate_of(ring).value(), 2 / 900e-6);
}

TEST(RateOfARing, NeedsTwoFramesAndATimeThatPasses) {
  EXPECT_FALSE(rate_of({}));
  EXPECT_FALSE(rate_of(std::vector{slot(5, 1500)}));
  EXPECT_FALSE(rate_of(std::vector{slot(0, 0), slot(1, 1500)}));  // 0: never written
  EXPECT_FALSE(rate_of(std::vector{slot(1, 1500), slot(2, 1500)}));
  EXPECT_FALSE(rate_of(std::vector{slot(1, 1500), slot(2, 1400)}));
}

TEST(RateOfARing, LeavesOutWhatIsBeingWrittenAndWhatIsOlderThanAGap) {
  const std::vector<SlotReport> ring{slot(9, 9000, SlotReport::State::being_written), slot(8, 800),
                                     slot(7, 700), slot(2, 0)};
  EXPECT_DOUBLE_EQ(rate_of(ring).value(), 10'000.0);
}

// --------------------------------------------------------------------------------- who and where

TEST(Survey, TheWriterAndWhoMapsTheStreamAreSeen) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), Geometry{}.options());
  EXPECT_EQ(survey_of(stream.path()).writer, WriterPresence::alive);
  const auto holders = survey_of(stream.path()).holders;
  ASSERT_EQ(holders.size(), 1U);
  EXPECT_EQ(holders[0].pid, ::getpid());
  EXPECT_EQ(holders[0].role, Holder::Role::writes);
  EXPECT_EQ(holders[0].command, std::string("shm_test"));
}

TEST(Survey, AReaderIsNoWriter) {
  const TempStream stream;
  { const Writer writer = Writer::create(stream.path(), Geometry{}.options()); }
  EXPECT_EQ(survey_of(stream.path()).writer, WriterPresence::none);
  const Reader reader = Reader::open(stream.path());
  const StreamReport report = survey_of(stream.path());
  EXPECT_EQ(report.writer, WriterPresence::unknown);
  ASSERT_EQ(report.holders.size(), 1U);
  EXPECT_EQ(report.holders[0].role, Holder::Role::maps);
}

TEST(Survey, AKilledWriterIsSeenAsGone) {
  const TempStream stream;
  const Pipe ready;
  Child child([&] {
    Writer writer = Writer::create(stream.path(), Geometry{}.options());
    write_frames(writer, 3);
    ready.signal();
    ::pause();
    return 0;
  });
  ready.await();
  const StreamReport alive = survey_of(stream.path());
  EXPECT_EQ(alive.writer, WriterPresence::alive);
  ASSERT_EQ(alive.holders.size(), 1U);
  EXPECT_EQ(alive.holders[0].pid, child.pid());
  child.kill();
  const StreamReport dead = survey_of(stream.path());
  EXPECT_EQ(dead.writer, WriterPresence::none);
  EXPECT_TRUE(dead.holders.empty());
  EXPECT_EQ(dead.newest->counter.value, 3U);
}

TEST(Survey, SemaphoresAreCounted) {
  const TempStream stream;
  { const Writer writer = Writer::create(stream.path(), Geometry{}.options()); }
  const SemaphoreReport sound = survey_of(stream.path()).semaphores;
  EXPECT_EQ(sound.present, 10U);
  EXPECT_EQ(sound.surplus, 0U);
  EXPECT_EQ(sound.log, SemaphoreReport::Log::present);
  const auto semaphore = [&](std::string_view end) {
    return fmt::format("/dev/shm/sem.{}_sem{}", stream.base(), end);
  };
  std::filesystem::copy_file(semaphore("00"), semaphore("10"));
  std::filesystem::remove(semaphore("03"));
  std::filesystem::remove(semaphore("log"));
  const SemaphoreReport odd = survey_of(stream.path()).semaphores;
  std::filesystem::remove(semaphore("10"));  // no part of a stream: nobody else removes it
  EXPECT_EQ(odd.present, 9U);
  EXPECT_EQ(odd.surplus, 1U);
  EXPECT_EQ(odd.log, SemaphoreReport::Log::absent);
}

TEST(Survey, StreamsOfOneBaseShareSemaphores) {
  const TempStream stream;
  const TempFolder folder;
  const std::filesystem::path twin = folder / (stream.base() + ".right.im.shm");
  const std::filesystem::path alias = folder / (stream.base() + ".im.shm");
  const std::filesystem::path unrelated = folder / (stream.base() + "2.im.shm");
  { const Writer writer = Writer::create(stream.path(), Geometry{}.options()); }
  EXPECT_TRUE(survey_of(stream.path()).shares_semaphores_with.empty());
  {
    const Writer writer = Writer::create(twin, Geometry{}.options());
    std::filesystem::create_symlink(stream.path(), alias);  // another name, not another stream
    write_file(unrelated, {});
    // In a folder that nobody would look into, but mapped.
    EXPECT_EQ(survey_of(stream.path()).shares_semaphores_with, std::vector{twin});
  }
  EXPECT_EQ(survey_of(twin).shares_semaphores_with, std::vector{stream.path()});
  const auto warning = shared_semaphores_warning(twin, std::vector{stream.path()});
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find(stream.path().string()), std::string::npos);
  EXPECT_FALSE(shared_semaphores_warning(twin, {}));
}

TEST(Survey, FoldersAreListedByNameWithoutWhatIsInside) {
  const TempFolder folder;
  const Bytes file = fresh_file({}, "/tmp/x.im.shm", 1.7e9);
  for (const auto* name : {"b.im.shm", "a.im.shm", "c.shm", ".im.shm", "a.im.shm.new-1-0"})
    write_file(folder / name, file);
  std::filesystem::create_directory(folder / "d.im.shm");
  std::filesystem::create_directory(folder / "inside");
  write_file(folder / "inside/e.im.shm", file);
  std::filesystem::create_symlink("nowhere", folder / "f.im.shm");
  const std::filesystem::path folders[] = {folder.path(), folder / "inside/.."};
  std::vector<std::string> names;
  for (const auto& report : survey(folders, Holders::of_host()))
    names.push_back(report.path.filename().string() + (report.is_stream() ? "" : " no"));
  EXPECT_EQ(names, (std::vector<std::string>{"a.im.shm", "b.im.shm", "d.im.shm no"}));
}

TEST(Survey, AMissingFolderOrFileIsAnError) {
  const TempFolder folder;
  const std::filesystem::path missing[] = {folder / "missing"};
  EXPECT_TRUE(
      fails_with(Errc::not_found, {"missing"}, [&] { (void)survey(missing, Holders::of_host()); }));
  EXPECT_TRUE(
      fails_with(Errc::not_found, {"x.im.shm"}, [&] { (void)survey_of(folder / "x.im.shm"); }));
}

TEST(Survey, LeavesNoTraceInTheFile) {
  const TempStream stream;
  {
    Writer writer = Writer::create(stream.path(), Geometry{}.options());
    write_frames(writer, 2);
  }
  const Bytes before = read_file(stream.path());
  (void)survey_of(stream.path());
  EXPECT_EQ(read_file(stream.path()), before);
}

}  // namespace
}  // namespace daohil::shm
