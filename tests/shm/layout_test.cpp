// The bytes of a stream, against offsets measured on the reference library and written down by
// hand: whoever changes one breaks every reader and writer of the reference.

#include <semaphore.h>
#include <sys/stat.h>

#include <array>
#include <ctime>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

struct TypeRow {
  PixelType type;
  std::uint8_t code;
  std::size_t bytes;
};

// DAO's codes 1 .. 12.
constexpr std::array<TypeRow, 12> kTypes{{{PixelType::u8, 1, 1},
                                          {PixelType::i8, 2, 1},
                                          {PixelType::u16, 3, 2},
                                          {PixelType::i16, 4, 2},
                                          {PixelType::u32, 5, 4},
                                          {PixelType::i32, 6, 4},
                                          {PixelType::u64, 7, 8},
                                          {PixelType::i64, 8, 8},
                                          {PixelType::f32, 9, 4},
                                          {PixelType::f64, 10, 8},
                                          {PixelType::c64, 11, 8},
                                          {PixelType::c128, 12, 16}}};

const std::vector<std::vector<std::uint32_t>> kShapes{{7}, {3, 5}, {2, 3, 4}};

std::int64_t realtime_ns() {
  timespec ts{};
  clock_gettime(CLOCK_REALTIME, &ts);
  return ts.tv_sec * 1'000'000'000L + ts.tv_nsec;
}

/// Where the first difference lies, in words; empty when there is none. The eight bytes 108 .. 111
/// and 196 .. 199 of slot 0 are padding of the reference and our doorbell.
std::string difference(Bytes expected, Bytes found, const Geometry& g) {
  if (expected.size() != found.size())
    return fmt::format("{} bytes instead of {}", found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == found[i]) continue;
    const auto what = i < g.depth * kMeta
                          ? fmt::format("slot {} metadata byte {}", i / kMeta, i % kMeta)
                          : fmt::format("byte {} after the metadata", i - g.depth * kMeta);
    return fmt::format("{}: {} instead of {}", what, std::to_integer<int>(found[i]),
                       std::to_integer<int>(expected[i]));
  }
  return "";
}

void forget_doorbell(Bytes& file) {
  put(file, 108, std::uint32_t{0});
  put(file, 196, std::uint32_t{0});
}

std::string describe(const Geometry& g) {
  return fmt::format("atype {} axes {} depth {} keywords {}", g.atype, g.axes.size(), g.depth,
                     g.keywords);
}

TEST(Layout, FreshStreamHasTheReferencesBytes) {
  const TempStream stream;
  for (const TypeRow& type : kTypes)
    for (const auto& axes : kShapes)
      for (const std::uint32_t depth : {1U, 2U, 3U, 8U, 100U})
        for (const std::uint16_t keywords : {std::uint16_t{0}, std::uint16_t{3}}) {
          const Geometry g{axes, type.code, type.bytes, depth, keywords};
          ASSERT_EQ(g.format().type(), type.type);
          const double before = static_cast<double>(realtime_ns()) / 1e9;
          const Segment segment = Segment::create(stream.path(), g.options());
          const double after = static_cast<double>(realtime_ns()) / 1e9;
          const Bytes found = read_file(stream.path());
          ASSERT_EQ(found.size(),
                    depth * (4304 + g.elements() * type.bytes) + keywords * std::size_t{120})
              << describe(g);
          const auto created = get<double>(found, 112);
          EXPECT_LE(before, created) << describe(g);
          EXPECT_LE(created, after) << describe(g);
          ASSERT_EQ(difference(fresh_file(g, stream.path().string(), created), found, g), "")
              << describe(g);
        }
}

TEST(Layout, FreshStreamEqualsNumbersReadOffAReferenceFile) {
  // The same facts once more as bare numbers, so that an error in the helper above cannot cancel
  // an error in the library: float 240 x 320, depth 3, 2 keywords.
  const TempStream stream;
  const Segment segment = Segment::create(
      stream.path(),
      {.format = {Shape{240, 320}, PixelType::f32}, .depth = 3, .keywords = 2, .mode = 0600});
  const Bytes file = read_file(stream.path());
  ASSERT_EQ(file.size(), 934752U);  // 3 * (4304 + 307200) + 240
  for (const std::size_t at : {0U, 4304U, 8608U}) {
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.data() + at)), stream.path().string());
    EXPECT_EQ(get<std::uint8_t>(file, at + 80), 2);
    EXPECT_EQ(get<std::uint32_t>(file, at + 84), 240U);
    EXPECT_EQ(get<std::uint32_t>(file, at + 88), 320U);
    EXPECT_EQ(get<std::uint32_t>(file, at + 92), 0U);
    EXPECT_EQ(get<std::uint64_t>(file, at + 96), 76800U);
    EXPECT_EQ(get<std::uint8_t>(file, at + 104), 9);
    EXPECT_EQ(get<std::uint8_t>(file, at + 144), 1);
    EXPECT_EQ(get<std::uint16_t>(file, at + 148), at == 0 ? 10 : 0);
    EXPECT_EQ(get<std::uint64_t>(file, at + 152), 0U);
    EXPECT_EQ(get<std::uint8_t>(file, at + 176), 0);
    EXPECT_EQ(get<std::uint16_t>(file, at + 178), 2);
    EXPECT_EQ(get<std::uint32_t>(file, at + 4296), at == 0 ? 3U : 0U);
    EXPECT_EQ(get<std::uint32_t>(file, at + 4300), at == 0 ? 2U : 0U);
  }
  EXPECT_EQ(get<char>(file, 934512 + 16), 'N');
  EXPECT_EQ(get<char>(file, 934632 + 16), 'N');
}

TEST(Layout, EveryFrameLiesWhereTheReferenceLooksForIt) {
  for (const std::uint32_t depth : {1U, 2U, 3U, 8U}) {
    const Geometry g{{3, 5}, 3, 2, depth, 3};
    const TempStream stream;
    const std::int64_t before = realtime_ns();
    Writer writer = Writer::create(stream.path(), g.options());
    Bytes expected = read_file(stream.path());
    for (std::uint64_t k = 1; k <= 2 * depth + 1; ++k) {
      const auto slot = static_cast<std::uint32_t>((k - 1) % depth);
      const Bytes pixels = pixels_of(g.frame_bytes(), k);
      ASSERT_EQ(writer.write(pixels, FrameId{7000 + 13 * k}).value, k);
      const std::int64_t after = realtime_ns();

      Bytes found = read_file(stream.path());
      const auto stamp = get<std::int64_t>(found, slot_at(slot) + 136);
      EXPECT_LE(before, stamp);
      EXPECT_LE(stamp, after);
      // Everything else is as it was: cnt1, lastPos .. lastNbArray, the keywords, other slots.
      put(expected, slot_at(slot) + 136, stamp);
      put(expected, slot_at(slot) + 152, k);
      put(expected, slot_at(slot) + 168, std::uint64_t{7000 + 13 * k});
      put(expected, 4300, slot);
      std::memcpy(expected.data() + depth * 4304 + slot * 30, pixels.data(), 30);
      forget_doorbell(expected);
      forget_doorbell(found);
      ASSERT_EQ(difference(expected, found, g), "") << "depth " << depth << " frame " << k;
    }
  }
}

TEST(Layout, ASlotIsMarkedFromBeginToCommit) {
  const TempStream stream;
  const Geometry g{{4, 4}, 5, 4, 3, 0};
  Writer writer = Writer::create(stream.path(), g.options());
  const RawMapping raw(stream.path());
  for (std::uint64_t k = 1; k <= 7; ++k) {
    const auto slot = static_cast<std::uint32_t>((k - 1) % 3);
    const auto last = raw.load<std::uint32_t>(4300);
    Slot claimed = writer.begin();
    EXPECT_EQ(claimed.index(), slot);
    EXPECT_EQ(claimed.counter().value, k);
    EXPECT_EQ(raw.load<std::uint8_t>(slot_at(slot) + 176), 1);
    EXPECT_EQ(raw.load<std::uint32_t>(4300), last) << "not the newest before commit";
    EXPECT_EQ(claimed.commit(FrameId{k}).value, k);
    EXPECT_EQ(raw.load<std::uint8_t>(slot_at(slot) + 176), 0);
    EXPECT_EQ(raw.load<std::uint32_t>(4300), slot);
  }
}

TEST(Layout, ThePublicationStepsStoreInTheCompatibleOrder) {
  // data, stamp, cnt0, write = 0, index, wake: the order that misleads no reader of the reference.
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, 2, 0}.options());
  const RawMapping raw(stream.path());
  const auto order = Writer::publication_order();
  ASSERT_EQ(order.size(), 5U);
  write_next(writer);
  Slot slot = writer.begin();
  const std::size_t at = slot_at(1);
  const auto state = [&] {
    return std::array<std::uint64_t, 4>{
        raw.load<std::uint64_t>(at + 168), raw.load<std::uint64_t>(at + 152),
        raw.load<std::uint8_t>(at + 176), raw.load<std::uint32_t>(4300)};
  };
  using State = std::array<std::uint64_t, 4>;  // cnt2, cnt0, write, fifo_last_written
  const std::array<State, 6> expected{
      {{0, 0, 1, 0}, {77, 0, 1, 0}, {77, 2, 1, 0}, {77, 2, 0, 0}, {77, 2, 0, 1}, {77, 2, 0, 1}}};
  EXPECT_EQ(state(), expected[0]);
  for (std::size_t i = 0; i < order.size(); ++i) {
    slot.publish(order[i], FrameId{77});
    EXPECT_EQ(state(), expected[i + 1]) << shm::name_of(order[i]);
  }
}

// ------------------------------------------------------------------------------------ semaphores

std::vector<std::string> semaphore_names(const TempStream& stream) {
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back(fmt::format("{}_sem{:02}", stream.base(), i));
  names.push_back(stream.base() + "_semlog");
  return names;
}

/// Value of a named semaphore, -1 if there is none.
int value_of(const std::string& name) {
  sem_t* sem = sem_open(("/" + name).c_str(), 0);
  if (sem == SEM_FAILED) return -1;
  int value = -1;
  sem_getvalue(sem, &value);
  sem_close(sem);
  return value;
}

TEST(Semaphores, ExistWithTheReferencesNamesAndNeverExceedOne) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, 3, 0}.options());
  for (const auto& name : semaphore_names(stream)) {
    EXPECT_TRUE(std::filesystem::exists("/dev/shm/sem." + name)) << name;
    EXPECT_EQ(value_of(name), 0) << name << " after create";
  }
  for (int i = 0; i < 50; ++i) {
    write_next(writer);
    for (const auto& name : semaphore_names(stream)) ASSERT_EQ(value_of(name), 1) << name;
  }
}

TEST(Semaphores, APostTakenByAReaderIsPostedAgainByTheNextFrame) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), Geometry{}.options());
  for (const auto& name : semaphore_names(stream)) {
    write_next(writer);
    sem_t* sem = sem_open(("/" + name).c_str(), 0);
    ASSERT_NE(sem, SEM_FAILED) << name;
    EXPECT_EQ(sem_trywait(sem), 0) << name;
    EXPECT_NE(sem_trywait(sem), 0) << name;
    write_next(writer);
    EXPECT_EQ(sem_trywait(sem), 0) << name;
    sem_close(sem);
  }
}

TEST(Semaphores, KeepTheirValueOverACreateAgain) {
  // A reference reader that sleeps on one has it open: a new semaphore would never wake it.
  const TempStream stream;
  {
    Writer writer = Writer::create(stream.path(), Geometry{}.options());
    write_next(writer);
  }
  sem_t* held = sem_open(fmt::format("/{}_sem03", stream.base()).c_str(), 0);
  ASSERT_NE(held, SEM_FAILED);
  Writer writer = Writer::create(stream.path(), Geometry{}.options());
  EXPECT_EQ(sem_trywait(held), 0) << "value kept";
  write_next(writer);
  EXPECT_EQ(sem_trywait(held), 0) << "and it is still the one that is posted";
  sem_close(held);
}

TEST(Semaphores, NumbersBeyondTheNinthAreRemovedByCreate) {
  // A reference reader opens sem00, sem01, ... until one is missing, into a table of md.sem = 10:
  // an eleventh, left behind by another library, makes it write beyond that table.
  const TempStream stream;
  const std::string stray = fmt::format("/{}_sem10", stream.base());
  sem_t* sem = sem_open(stray.c_str(), O_CREAT, 0600, 0);
  ASSERT_NE(sem, SEM_FAILED);
  sem_close(sem);
  const Writer writer = Writer::create(stream.path(), Geometry{}.options());
  EXPECT_EQ(value_of(stray.substr(1)), -1);
  sem_unlink(stray.c_str());
}

TEST(Semaphores, AreNamedUpToTheFirstDotOfTheLastComponent) {
  // Measured on the reference: the folder and everything after the first dot do not count.
  const std::string base = fmt::format("t{}-dots", ::getpid());
  const std::filesystem::path path = "/dev/shm/" + base + ".left.im.shm";
  { const Writer writer = Writer::create(path, Geometry{}.options()); }
  EXPECT_EQ(value_of(base + "_sem00"), 0);
  EXPECT_EQ(value_of(base + ".left_sem00"), -1);
  EXPECT_TRUE(Segment::unlink(path));
  EXPECT_EQ(value_of(base + "_sem00"), -1);
  EXPECT_EQ(value_of(base + "_semlog"), -1);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(Segment::unlink(path)) << "there is none any more";
}

// --------------------------------------------------------------------------------- limits of types

TEST(Shape, OneToThreeAxesOfAtLeastOne) {
  using Axes = std::vector<std::uint32_t>;
  const auto shape = [](const Axes& axes) { return Shape(std::span<const std::uint32_t>(axes)); };
  for (const Axes& bad : {Axes{}, Axes{0}, Axes{3, 0}, Axes{1, 2, 3, 4}})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {}, [&] { (void)shape(bad); }));
  EXPECT_EQ(shape({2, 3, 4}).elements(), 24U);
  EXPECT_EQ(shape({240, 320}).str(), "240x320");
}

TEST(PixelTypes, HaveTheReferencesCodesAndSizes) {
  for (const TypeRow& row : kTypes) {
    EXPECT_EQ(static_cast<std::uint8_t>(row.type), row.code);
    EXPECT_EQ(bytes_of(row.type), row.bytes);
    EXPECT_EQ(pixel_type_named(name_of(row.type)), row.type);
  }
  for (int code = 0; code < 256; ++code)
    EXPECT_EQ(is_pixel_type(static_cast<std::uint8_t>(code)), code >= 1 && code <= 12) << code;
  EXPECT_FALSE(pixel_type_named("float"));
}

TEST(FrameFormat, RefusesFramesWhoseSizeDoesNotFit) {
  const Shape huge{0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"4294967295x4294967295x4294967295", "c128"},
                         [&] { (void)FrameFormat(huge, PixelType::c128); }));
  // 2^32 x 2^32 elements are 0 modulo 2^64: a product taken in 64 bits would let it pass.
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {}, [] {
    (void)FrameFormat(Shape{0x80000000, 0x80000000, 4}, PixelType::u8);
  }));
}

TEST(WriterWrite, RefusesAnotherSizeAndLeavesTheStreamUntouched) {
  const TempStream stream;
  Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, 2, 0}.options());
  write_next(writer);
  const Bytes before = read_file(stream.path());
  for (const std::size_t size : {0U, 1U, 63U, 65U, 128U})
    EXPECT_TRUE(fails_with(Errc::invalid_argument, {fmt::format("{} bytes", size), "64"},
                           [&] { writer.write(Bytes(size), FrameId{1}); }));
  EXPECT_EQ(read_file(stream.path()), before);
  EXPECT_EQ(writer.newest().value, 1U);
}

}  // namespace
}  // namespace daohil::shm
