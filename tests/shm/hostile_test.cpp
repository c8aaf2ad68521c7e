// Files that lie. The reference library believes every field and dies of SIGSEGV, SIGBUS, SIGFPE
// or a heap overflow; here each is refused with a message that names field and value.

#include <random>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

const Geometry kGood{{3, 5}, 3, 2, 4, 3};

Bytes good_file() {
  Bytes file = fresh_file(kGood, "/dev/shm/x.im.shm", 1.7e9);
  for (std::uint64_t k = 3; k <= 6; ++k) {
    const auto slot = static_cast<std::uint32_t>((k - 1) % 4);
    put(file, slot_at(slot) + 152, k);
    const Bytes pixels = pixels_of(kGood.frame_bytes(), k);
    std::memcpy(file.data() + pixels_at(kGood, slot), pixels.data(), pixels.size());
  }
  put(file, 4300, std::uint32_t{1});
  return file;
}

testing::AssertionResult refused(const Bytes& file, std::vector<std::string> texts) {
  const TempStream stream;
  write_file(stream.path(), file);
  texts.push_back(stream.path().string());
  if (auto read = fails_with(Errc::bad_layout, texts, [&] { (void)Reader::open(stream.path()); });
      !read)
    return read;
  return fails_with(Errc::bad_layout, texts, [&] { (void)Writer::attach(stream.path()); });
}

TEST(HostileFile, TheUnchangedFileIsAccepted) {
  const TempStream stream;
  write_file(stream.path(), good_file());
  EXPECT_EQ(Reader::open(stream.path()).newest_counter().value, 6U);
}

struct Lie {
  const char* field;
  std::size_t at;
  std::size_t width;
  std::uint64_t value;
  std::string said = {};  // how the message shows the value, if not as this number
};

constexpr std::uint64_t kMax32 = 0xFFFFFFFF;
constexpr std::uint64_t kMax64 = ~std::uint64_t{0};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.field << " = " << lie.value; }

class HostileField : public testing::TestWithParam<Lie> {};

TEST_P(HostileField, IsRefusedByNameAndValue) {
  const Lie& lie = GetParam();
  Bytes file = good_file();
  std::memcpy(file.data() + lie.at, &lie.value, lie.width);
  EXPECT_TRUE(refused(file, {lie.field, lie.said.empty() ? std::to_string(lie.value) : lie.said}));
}

INSTANTIATE_TEST_SUITE_P(
    Slot0, HostileField,
    testing::Values(
        Lie{"naxis", 80, 1, 0}, Lie{"naxis", 80, 1, 1}, Lie{"naxis", 80, 1, 4},
        Lie{"naxis", 80, 1, 5}, Lie{"naxis", 80, 1, 255}, Lie{"size[0]", 84, 4, 0},
        Lie{"size[1]", 88, 4, 0}, Lie{"size[2]", 92, 4, 2}, Lie{"size[2]", 92, 4, kMax32},
        // An axis that contradicts nelement: the axes are shown as a shape.
        Lie{"nelement", 84, 4, 4, "4x5"}, Lie{"nelement", 84, 4, kMax32, "4294967295x5"},
        Lie{"nelement", 88, 4, 0x80000000, "3x2147483648"}, Lie{"nelement", 96, 8, 0},
        Lie{"nelement", 96, 8, 14}, Lie{"nelement", 96, 8, 16},
        Lie{"nelement", 96, 8, std::uint64_t{1} << 63}, Lie{"nelement", 96, 8, kMax64},
        Lie{"atype", 104, 1, 0}, Lie{"atype", 104, 1, 13}, Lie{"atype", 104, 1, 77},
        Lie{"atype", 104, 1, 255},
        // A valid type of another size: only the file's size tells.
        Lie{"frames of 3x5", 104, 1, 9, "f32"}, Lie{"frames of 3x5", 104, 1, 1, "u8"},
        Lie{"sem", 148, 2, 11}, Lie{"sem", 148, 2, 200}, Lie{"sem", 148, 2, 65535},
        Lie{"NBkw", 178, 2, 0}, Lie{"NBkw", 178, 2, 2}, Lie{"NBkw", 178, 2, 4},
        Lie{"NBkw", 178, 2, 60000}, Lie{"NBkw", 178, 2, 65535}, Lie{"fifo_size", 4296, 4, 0},
        Lie{"fifo_size", 4296, 4, 1}, Lie{"fifo_size", 4296, 4, 3}, Lie{"fifo_size", 4296, 4, 5},
        Lie{"fifo_size", 4296, 4, 1'000'000}, Lie{"fifo_size", 4296, 4, 1'000'001},
        Lie{"fifo_size", 4296, 4, kMax32}, Lie{"fifo_last_written", 4300, 4, 4},
        Lie{"fifo_last_written", 4300, 4, 1'000'000}, Lie{"fifo_last_written", 4300, 4, kMax32}));

// A reference reader takes the geometry from slot 0, some programs from the slot they read.
INSTANTIATE_TEST_SUITE_P(
    Slot2, HostileField,
    testing::Values(Lie{"naxis", 2 * 4304 + 80, 1, 3}, Lie{"size[0]", 2 * 4304 + 84, 4, 77},
                    Lie{"size[1]", 2 * 4304 + 88, 4, 6}, Lie{"nelement", 2 * 4304 + 96, 8, 1 << 20},
                    Lie{"atype", 2 * 4304 + 104, 1, 9}, Lie{"NBkw", 2 * 4304 + 178, 2, 60000}));

TEST(HostileFile, ANameWithoutEndIsRefused) {
  Bytes file = good_file();
  std::memset(file.data(), 'x', 80);
  EXPECT_TRUE(refused(file, {"name"}));
}

TEST(HostileFile, GeometryWhoseProductWrapsIsRefused) {
  // 2^32 - 1 squared, and axes whose product is 15 modulo 2^64.
  Bytes file = good_file();
  put(file, 84, std::uint32_t{0xFFFFFFFF});
  put(file, 88, std::uint32_t{0xFFFFFFFF});
  for (const std::uint64_t nelement : {std::uint64_t{0xFFFFFFFE00000001}, std::uint64_t{15}}) {
    put(file, 96, nelement);
    EXPECT_TRUE(refused(file, {}));
  }
  put(file, 80, std::uint8_t{3});
  put(file, 92, std::uint32_t{0xFFFFFFFF});
  EXPECT_TRUE(refused(file, {}));
  // Frames that are possible alone, but not a million of them.
  file = good_file();
  put(file, 84, std::uint32_t{1} << 20);
  put(file, 88, std::uint32_t{1} << 20);
  put(file, 96, std::uint64_t{1} << 40);
  put(file, 4296, std::uint32_t{1'000'000});
  EXPECT_TRUE(refused(file, {"1000000 slots", "1048576x1048576"}));
}

TEST(HostileFile, EveryOtherLengthIsRefused) {
  const Bytes file = good_file();
  const std::size_t metadata = 4 * 4304;
  const std::size_t pixels = metadata + 4 * 30;
  ASSERT_EQ(file.size(), pixels + 360);
  std::vector<std::size_t> lengths{0, 1, 40, 8192, 12288, 16384, 100'000};
  for (const std::size_t edge : {std::size_t{80}, std::size_t{4096}, std::size_t{4296},
                                 std::size_t{4304}, std::size_t{8608}, std::size_t{12912}, metadata,
                                 metadata + 30, metadata + 90, pixels, pixels + 120, file.size()})
    for (std::size_t length = edge - 9; length <= edge + 9; ++length) lengths.push_back(length);
  for (const std::size_t length : lengths) {
    if (length == file.size()) continue;
    Bytes other = file;
    other.resize(length);
    ASSERT_TRUE(refused(other, {fmt::format("{} bytes", length)})) << length;
  }
}

// ------------------------------------------------------------------- other versions of the library

TEST(OtherVersions, StreamsFromBeforeTheFifoAreNamedAsSuch) {
  // IMAGE_METADATA had 4296 bytes; pixels or keywords lie where fifo_size is now.
  for (const std::uint16_t keywords : {std::uint16_t{0}, std::uint16_t{2}})
    for (const auto& axes : std::vector<std::vector<std::uint32_t>>{{240, 240}, {3, 5}, {9}, {1}})
      for (const std::uint8_t fill : {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{0xFF}}) {
        const Geometry g{axes, 3, 2, 1, keywords};
        Bytes file = fresh_file(g, "/dev/shm/x.im.shm", 1.7e9, 4296);
        std::memset(file.data() + 4296, fill, g.frame_bytes());
        EXPECT_TRUE(refused(file, {"before the FIFO"}))
            << g.elements() << " elements, " << keywords << " keywords, pixels " << int{fill};
      }
}

TEST(OtherVersions, StreamsWithLargerMetadataAreNamedAsSuch) {
  for (const std::size_t metadata : {4312U, 4352U, 5120U, 8192U})
    for (const std::uint32_t depth : {1U, 4U}) {
      const Geometry g{{16, 16}, 3, 2, depth, 0};
      EXPECT_TRUE(
          refused(fresh_file(g, "/dev/shm/x.im.shm", 1.7e9, metadata), {"another version", "4304"}))
          << metadata << " bytes, depth " << depth;
    }
}

// ------------------------------------------------------------------------------- random mutations

Bytes mutated(std::mt19937_64& random) {
  // Fields that something is computed from, and any byte.
  static constexpr std::size_t kFields[] = {0,   80,  84,  88,  92,  96,  104, 108,  136,
                                            148, 152, 160, 168, 176, 178, 196, 4296, 4300};
  Bytes file = good_file();
  const auto changes = 1 + random() % 4;
  for (std::uint64_t i = 0; i < changes; ++i) {
    const std::size_t slot = random() % 4;
    const std::size_t offset = random() % 4 == 0 ? random() % 4296 : kFields[random() % 18];
    const std::size_t at = slot * 4304 + offset;
    // Any value, a small one, a single bit.
    std::uint64_t value = random() >> (random() % 64);
    if (random() % 4 == 0) value = std::to_integer<std::uint64_t>(file[at]) ^ (1U << random() % 8);
    const std::size_t width = std::size_t{1} << (random() % 4);
    std::memcpy(file.data() + at, &value, std::min(width, file.size() - at));
  }
  return file;
}

/// Use an opened stream in every way.
void exercise(const std::filesystem::path& path) {
  Reader reader = Reader::open(path);
  Bytes into(reader.format().bytes());
  for (int i = 0; i < 6; ++i) {
    const ReadResult got = i % 2 == 0 ? reader.next(into) : reader.next_in_place();
    if (got.has_frame()) {
      ASSERT_EQ(got.pixels.size(), into.size());
      ASSERT_LT(got.slot, reader.depth());
    }
    (void)reader.intact(got);
    (void)reader.newest(into);
    (void)reader.newest_in_place();
    reader.wait(system_clock().now(), Wait::spin);
    if (i == 3) reader.set_tail({0xFFFFFFFF, Counter{kMax64}});
    if (i == 4) reader.reset_tail();
  }
  Writer writer = Writer::attach(path);
  for (int i = 0; i < 3; ++i) writer.write(into, FrameId{});
  (void)reader.next(into);
}

TEST(HostileFile, RandomMutationsNeverCrash) {
  std::mt19937_64 random(4304);
  const TempStream stream;
  int opened = 0;
  int refusals = 0;
  for (int i = 0; i < 8000; ++i) {
    write_file(stream.path(), mutated(random));
    try {
      exercise(stream.path());
      ++opened;
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), Errc::bad_layout) << error.what();
      ++refusals;
    }
    if (HasFatalFailure()) return;
  }
  // Both happen often, else this tests nothing.
  EXPECT_GT(opened, 1000);
  EXPECT_GT(refusals, 1000);
}

TEST(HostileWriter, FieldsChangedAfterOpeningLeadNoReaderOutOfTheMapping) {
  std::mt19937_64 random(20261123);
  const TempStream stream;
  write_file(stream.path(), good_file());
  const RawMapping raw(stream.path());
  Reader reader = Reader::open(stream.path());
  Bytes into(30);
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t slot = random() % 4;
    switch (random() % 4) {
      case 0:
        raw.store<std::uint32_t>(4300, static_cast<std::uint32_t>(random()));
        break;
      case 1:
        raw.store<std::uint32_t>(4296, static_cast<std::uint32_t>(random()));
        break;
      case 2:
        raw.store<std::uint8_t>(slot_at(0) + slot * 4304 + 176, random() % 2);
        break;
      default:
        raw.store<std::uint64_t>(slot * 4304 + 152, random() >> (random() % 64));
    }
    const ReadResult got = random() % 2 == 0 ? reader.next(into) : reader.newest_in_place();
    ASSERT_LT(got.slot, 4U);
    (void)reader.intact(got);
  }
}

}  // namespace
}  // namespace daohil::shm
