#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "drivers/replay/cube.hpp"
#include "tests/drivers/support/expect_error.hpp"
#include "tests/drivers/support/npy_bytes.hpp"
#include "tests/drivers/support/temp_folder.hpp"

namespace daohil::drivers {
namespace {

using namespace std::string_literals;
using test::expect_error;
using test::npy_bytes;
using test::TempFolder;

std::string header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
}

std::string rising(std::size_t bytes) {
  std::string data;
  for (std::size_t i = 0; i < bytes; ++i) data += static_cast<char>(i);
  return data;
}

std::string bytes_of(const Cube& cube) {
  std::string bytes(cube.pixels.size(), '\0');
  std::memcpy(bytes.data(), cube.pixels.data(), bytes.size());
  return bytes;
}

// What numpy.save wrote for numpy.arange(24, dtype='<u2').reshape(2, 3, 4): 64-byte alignment,
// spaces, newline.
TEST(Npy, ReadsAFileOfNumpy) {
  const std::string text = "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3, 4), }" +
                           std::string(55, ' ') + "\n";
  ASSERT_EQ((10 + text.size()) % 64, 0U);
  std::string data;
  for (int i = 0; i < 24; ++i) data += {static_cast<char>(i), '\0'};
  const TempFolder folder;
  const Cube cube = load_cube(folder.write("cube.npy", npy_bytes(1, text, data)));
  EXPECT_EQ(cube.format, shm::FrameFormat({3, 4}, shm::PixelType::u16));
  EXPECT_EQ(cube.frames, 2U);
  EXPECT_EQ(bytes_of(cube), data);
  EXPECT_FALSE(cube.rate);
  // sha256sum of those 48 bytes
  EXPECT_EQ(cube.sha256, "e88624bf274aff4f35798f4bc27027683e9c1d78f132211a3cc4ae5b3decd4e3");
}

TEST(Npy, ReadsAllVersionsAndTypes) {
  struct Type {
    const char* code;
    shm::PixelType type;
  };
  using shm::PixelType;
  const TempFolder folder;
  for (const Type& type :
       {Type{"|u1", PixelType::u8}, Type{"|i1", PixelType::i8}, Type{"<u2", PixelType::u16},
        Type{"<i2", PixelType::i16}, Type{"<u4", PixelType::u32}, Type{"<i4", PixelType::i32},
        Type{"<u8", PixelType::u64}, Type{"<i8", PixelType::i64}, Type{"<f4", PixelType::f32},
        Type{"<f8", PixelType::f64}, Type{"<c8", PixelType::c64}, Type{"<c16", PixelType::c128}})
    for (const int version : {1, 2, 3}) {
      SCOPED_TRACE(type.code);
      const std::string data = rising(6 * shm::bytes_of(type.type));
      const Cube cube = load_cube(
          folder.write("image.npy", npy_bytes(version, header(type.code, "(2, 3)"), data)));
      EXPECT_EQ(cube.format, shm::FrameFormat({2, 3}, type.type));
      EXPECT_EQ(cube.frames, 1U);
      EXPECT_EQ(bytes_of(cube), data);
    }
}

TEST(Npy, TurnsBigEndianRound) {
  const TempFolder folder;
  const auto load = [&](const char* descr, const std::string& data) {
    return bytes_of(
        load_cube(folder.write("big.npy", npy_bytes(1, header(descr, "(1, 1)"), data))));
  };
  EXPECT_EQ(load(">u2", "\x01\x02"), "\x02\x01");
  EXPECT_EQ(load(">f4", "\x01\x02\x03\x04"), "\x04\x03\x02\x01");
  // Re and im change their bytes, not their places.
  EXPECT_EQ(load(">c8", "\x01\x02\x03\x04\x05\x06\x07\x08"), "\x04\x03\x02\x01\x08\x07\x06\x05");
  EXPECT_EQ(load(">u1", "\x07"), "\x07");
}

TEST(Npy, AcceptsThePythonThatWritersWrite) {
  const TempFolder folder;
  for (const char* text : {"{'descr': '<u2', 'fortran_order': False, 'shape': (1, 2)}",
                           "{\"descr\":\"<u2\",\"fortran_order\":False,\"shape\":(1,2,)}\n",
                           "{'shape': ( 1 , 2 ), 'fortran_order': False, 'descr': '<u2', }   \n"})
    EXPECT_EQ(load_cube(folder.write("a.npy", npy_bytes(1, text, "abcd"))).format.str(), "1x2 u16");
}

TEST(Npy, RefusesWhatItCannotPlay) {
  const TempFolder folder;
  const auto refuse = [&](const std::string& text, std::string_view part) {
    const auto file = folder.write("strange.npy", npy_bytes(1, text, rising(8)));
    expect_error([&] { (void)load_cube(file); }, {file.string(), part});
  };
  refuse("{'descr': '<u2', 'fortran_order': True, 'shape': (2, 2), }", "Fortran");
  refuse(header("<u2", "(4,)"), "1 axes");
  refuse(header("<u2", "()"), "0 axes");
  refuse(header("<u2", "(1, 1, 2, 2)"), "4 axes");
  for (const char* descr : {"<f2", "|b1", "|O", "|S4", "<U2", "<M8[ns]", "|u2", "u2", "", "<",
                            "<u3", "<u16", "<f16", "<c32", "<u2 "})
    refuse(header(descr, "(2, 2)"), "'"s + descr + "'");
  refuse("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (2, 2), }", "structured");
  refuse(header("<u2", "(0, 4)"), "axis of 0");
  refuse(header("<u2", "(0, 2, 2)"), "axis of 0");
  refuse(header("<u2", "(2, 3)"), "truncated: its header promises");
  refuse(header("<u2", "(1, 3)"), "longer");
}

TEST(Npy, SaysOfATruncatedFileWhatIsMissing) {
  const TempFolder folder;
  const std::string whole = npy_bytes(2, header("<u2", "(2, 3, 4)"), rising(48));
  for (std::size_t length = 6; length < whole.size(); ++length) {
    const auto file = folder.write("cut.npy", whole.substr(0, length));
    expect_error([&] { (void)load_cube(file); },
                 {file.string(), "truncated", std::to_string(length) + ";"});
  }
}

TEST(Npy, SurvivesHostileHeaders) {
  const TempFolder folder;
  for (const std::string& text : {
           ""s,
           "{"s,
           "}"s,
           "{}"s,
           "{'descr'"s,
           "{'descr': '<u2"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), } trailing"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2"s,
           "{'descr': '<u2', 'fortran_order': 0, 'shape': (2, 2), }"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (-2, 2), }"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (+2, 2), }"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (2.0, 2), }"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (,), }"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), 'shape': (2, 2), }"s,
           "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 2), 'extra': 1, }"s,
           "{'descr': '<u2', 'fortran_order': False, }"s,
           header("<u2", "(99999999999999999999999, 2)"),
           header("<u2", "(18446744073709551615, 2)"),
           header("<u2", "(4294967295, 4294967295, 4294967295)"),
           header("<u8", "(4294967295, 2147483648, 2)"),
           header("<u2", "(4294967296, 4294967296, 4294967296)"),
           header("<u2", "(4294967295, 1, 1)"),
           // The product is 2^64, which wraps to 0.
           header("<u8", "(1073741824, 2147483648, 1)"),
           header("<u8", "(131072, 131072, 134217728)"),
           "{'descr': '<\n2', 'fortran_order': False, 'shape': (2, 2), }"s,
           "{'descr': '"s + std::string(1000, 'x') + "', 'fortran_order': False, 'shape': (2, 2)}",
           "{'descr': '\0\0', 'fortran_order': False, 'shape': (2, 2), }"s,
           std::string(500, '('),
           std::string(500, '{'),
       }) {
    SCOPED_TRACE(text);
    const auto file = folder.write("hostile.npy", npy_bytes(1, text, rising(8)));
    expect_error([&] { (void)load_cube(file); }, {file.string()});
  }
  expect_error(
      [&] { (void)load_cube(folder.write("long.npy", "\x93NUMPY\x02"s + "\0\xFF\xFF\xFF\xFF"s)); },
      {"long.npy", "4294967295"});
  for (const int version : {0, 4, 127})
    expect_error(
        [&] {
          const auto bytes = npy_bytes(version, header("<u2", "(1, 1)"), "ab");
          (void)load_cube(folder.write("version.npy", bytes));
        },
        {"version.npy", "version " + std::to_string(version)});
}

TEST(Npy, SurvivesDamagedHeaders) {
  const TempFolder folder;
  const std::string whole = npy_bytes(1, header("<u2", "(2, 3, 4)"), rising(48));
  std::mt19937 random(13);
  constexpr std::string_view kLikely = "0123456789-+<>|=ufic'\"{}(), :\n\xFF";
  for (int i = 0; i < 1000; ++i) {
    std::string bytes = whole;
    for (auto n = 1 + random() % 3; n > 0; --n)
      bytes[6 + random() % (whole.size() - 54)] = kLikely[random() % kLikely.size()];
    const auto file = folder.write("damaged.npy", bytes);
    try {
      EXPECT_LE(load_cube(file).pixels.size(), whole.size());
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace daohil::drivers
