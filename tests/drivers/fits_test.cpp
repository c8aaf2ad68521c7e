#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>

#include "drivers/replay/cube.hpp"
#include "tests/drivers/support/expect_error.hpp"
#include "tests/drivers/support/fits_bytes.hpp"
#include "tests/drivers/support/temp_folder.hpp"

namespace daohil::drivers {
namespace {

using test::expect_error;
using test::FitsBytes;
using test::TempFolder;

const std::filesystem::path kShipped =
    std::filesystem::path(DAO_HIL_SOURCE_DIR) / "scenarios/data/shwfs20_oopao_50f.fits";
constexpr std::uintmax_t kShippedBytes = 2880 + 120 * 120 * 2 * 50;

template <typename T>
T pixel(const Cube& cube, std::size_t index) {
  T value{};
  std::memcpy(&value, cube.pixels.data() + index * sizeof(T), sizeof(T));
  return value;
}

/// Write a cube of 2 frames of 3 rows of 4 columns by hand, load it, compare every pixel.
template <typename T, typename Stored>
void expect_type(int bitpix, const char* bzero, shm::PixelType type, Stored offset) {
  SCOPED_TRACE(shm::name_of(type));
  FitsBytes fits;
  fits.image(bitpix, {4, 3, 2});
  if (bzero != nullptr) fits.card("BSCALE", 1).card("BZERO", std::string(bzero));
  fits.end();
  const auto expected = [](int frame, int row, int column) {
    // Both ends of the range at the corners, the position everywhere else.
    if (frame + row + column == 0) return std::numeric_limits<T>::lowest();
    if (frame == 1 && row == 2 && column == 3) return std::numeric_limits<T>::max();
    return static_cast<T>(100 * frame + 10 * row + column);
  };
  for (int frame = 0; frame < 2; ++frame)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 4; ++column) {
        if constexpr (std::is_integral_v<T>) {
          // Adding the offset modulo 2^bits is what BZERO undoes.
          using U = std::make_unsigned_t<Stored>;
          fits.value(static_cast<U>(static_cast<U>(expected(frame, row, column)) -
                                    static_cast<U>(offset)));
        } else {
          fits.value(expected(frame, row, column));
        }
      }
  fits.pad('\0');

  const TempFolder folder;
  const Cube cube = load_cube(folder.write("cube.fits", fits.str()));
  EXPECT_EQ(cube.format, shm::FrameFormat({3, 4}, type));
  ASSERT_EQ(cube.frames, 2U);
  ASSERT_EQ(cube.pixels.size(), 24 * sizeof(T));
  std::size_t i = 0;
  for (int frame = 0; frame < 2; ++frame)
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 4; ++column)
        EXPECT_EQ(pixel<T>(cube, i++), expected(frame, row, column))
            << "frame " << frame << " row " << row << " column " << column;
}

TEST(Fits, ReadsEveryTypeInTheOrderOfTheAxes) {
  using shm::PixelType;
  expect_type<std::uint8_t, std::uint8_t>(8, nullptr, PixelType::u8, 0);
  expect_type<std::int8_t, std::uint8_t>(8, "-128", PixelType::i8, 0x80);
  expect_type<std::int16_t, std::int16_t>(16, nullptr, PixelType::i16, 0);
  expect_type<std::uint16_t, std::int16_t>(16, "32768", PixelType::u16,
                                           std::numeric_limits<std::int16_t>::min());
  expect_type<std::int32_t, std::int32_t>(32, nullptr, PixelType::i32, 0);
  expect_type<std::uint32_t, std::int32_t>(32, "2147483648", PixelType::u32,
                                           std::numeric_limits<std::int32_t>::min());
  expect_type<float, float>(-32, nullptr, PixelType::f32, 0);
  expect_type<double, double>(-64, nullptr, PixelType::f64, 0);
}

FitsBytes small_cube() {
  FitsBytes fits;
  return fits.image(8, {4, 3, 2});
}

std::string with_data(FitsBytes fits) {
  fits.end();
  for (std::uint8_t i = 0; i < 24; ++i) fits.value(i);
  return fits.pad('\0').str();
}

TEST(Fits, PlaysAnImageAsOneFrame) {
  const TempFolder folder;
  FitsBytes fits;
  fits.image(8, {8, 3});
  const Cube cube = load_cube(folder.write("image.fits", with_data(fits)));
  EXPECT_EQ(cube.frames, 1U);
  EXPECT_EQ(cube.format.str(), "3x8 u8");
}

TEST(Fits, TakesTheFirstImageWhenThePrimaryIsEmpty) {
  FitsBytes fits;
  fits.image(8, {}).card("EXTEND", "T").card("FRATE", "250.5").end();
  fits.card("XTENSION", "'IMAGE   '").card("BITPIX", 8).card("NAXIS", 3).card("NAXIS1", 4);
  fits.card("NAXIS2", 3).card("NAXIS3", 2).card("PCOUNT", 0).card("GCOUNT", 1);
  const TempFolder folder;
  const Cube cube = load_cube(folder.write("extension.fits", with_data(fits)));
  EXPECT_EQ(cube.format.str(), "3x4 u8");
  EXPECT_EQ(cube.frames, 2U);
  EXPECT_EQ(pixel<std::uint8_t>(cube, 23), 23);
  EXPECT_EQ(cube.rate, shm::Rate::millihertz(250'500)) << "from the primary header";
}

TEST(Fits, ReadsTheRateIfThereIsOne) {
  const TempFolder folder;
  EXPECT_FALSE(load_cube(folder.write("none.fits", with_data(small_cube()))).rate);
  EXPECT_EQ(
      load_cube(folder.write("rate.fits", with_data(small_cube().card("FRATE", "2067.125")))).rate,
      shm::Rate::millihertz(2'067'125));
  for (const char* bad : {"-5.0", "0", "'fast    '", "1E99"})
    expect_error(
        [&] {
          (void)load_cube(folder.write("bad.fits", with_data(small_cube().card("FRATE", bad))));
        },
        {"bad.fits", "FRATE"});
}

TEST(Fits, TakesThePathLiterally) {
  const TempFolder folder;
  for (const char* name : {"cube[1:2,1:2].fits", "a+1.fits", "b(c).fits", "!d.fits", "~e.fits",
                           "with space.fits", "pixels.dat"})
    EXPECT_EQ(load_cube(folder.write(name, with_data(small_cube()))).frames, 2U) << name;
}

TEST(Fits, LoadsTheShippedRecording) {
  const Cube cube = load_cube(kShipped);
  EXPECT_EQ(cube.format, shm::FrameFormat({120, 120}, shm::PixelType::u16));
  EXPECT_EQ(cube.frames, 50U);
  EXPECT_EQ(cube.rate, shm::Rate::millihertz(1'000'000));
  EXPECT_EQ(cube.sha256, "aa73783223a527bb84acc08148abc32651e03364493039ca2051b39878f57bdb");
}

TEST(Fits, SaysOfATruncatedFileWhatIsMissing) {
  const TempFolder folder;
  const auto file = folder.path() / "cut.fits";
  std::filesystem::copy_file(kShipped, file);
  ASSERT_EQ(std::filesystem::file_size(file), kShippedBytes);
  std::filesystem::permissions(file, std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);

  std::vector<std::uintmax_t> lengths{kShippedBytes - 1,
                                      kShippedBytes - 2880,
                                      1'000'000,
                                      5760,
                                      2881,
                                      2880,
                                      2879,
                                      2800,
                                      80,
                                      9,
                                      8,
                                      1,
                                      0};
  std::mt19937 random(7);
  for (int i = 0; i < 150; ++i) lengths.push_back(random() % kShippedBytes);
  for (int i = 0; i < 50; ++i) lengths.push_back(random() % 2880);
  std::sort(lengths.rbegin(), lengths.rend());
  for (const std::uintmax_t length : lengths) {
    SCOPED_TRACE(length);
    std::filesystem::resize_file(file, length);
    if (length >= 2880)
      expect_error([&] { (void)load_cube(file); },
                   {file.string(), std::to_string(kShippedBytes), std::to_string(length) + ";"});
    else
      expect_error([&] { (void)load_cube(file); }, {file.string()});
  }
}

TEST(Fits, RefusesWhatItCannotPlay) {
  const TempFolder folder;
  const auto refuse = [&](const FitsBytes& fits, std::initializer_list<std::string_view> parts) {
    const auto file = folder.write("strange.fits", with_data(fits));
    expect_error([&] { (void)load_cube(file); }, parts);
  };
  const auto image = [](int bitpix, const std::vector<std::int64_t>& axes) {
    FitsBytes fits;
    return fits.image(bitpix, axes);
  };
  refuse(image(8, {24}), {"strange.fits", "NAXIS = 1"});
  refuse(image(8, {2, 2, 2, 3}), {"strange.fits", "NAXIS = 4"});
  refuse(image(8, {}), {"strange.fits", "no image"});
  refuse(image(24, {4, 3, 2}), {"strange.fits"});
  refuse(image(64, {3, 1, 1}), {"strange.fits", "BITPIX = 64"});
  refuse(image(8, {0, 3, 2}), {"strange.fits", "NAXIS1 = 0"});
  refuse(image(16, {4, 3, 1}).card("BSCALE", "2.0"), {"strange.fits", "BSCALE = 2"});
  refuse(image(16, {4, 3, 1}).card("BZERO", "100"), {"strange.fits", "BZERO = 100"});
  refuse(image(-32, {3, 2, 1}).card("BZERO", "5.5"), {"strange.fits", "BZERO = 5.5"});
  refuse(image(8, {1'000'000, 1'000'000, 1'000'000}), {"strange.fits"});
  refuse(image(8, {4'000'000'000, 4'000'000'000, 4'000'000'000}), {"strange.fits"});
  refuse(image(8, {-4, 3, 2}), {"strange.fits"});
}

TEST(Fits, SurvivesDamagedHeaders) {
  const TempFolder folder;
  const std::string whole = with_data(small_cube().card("FRATE", "100"));
  std::mt19937 random(11);
  constexpr std::string_view kLikely = "0123456789-+.'/= TFENDAXIS\xFF";
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
    for (auto n = 1 + random() % 4; n > 0; --n)
      bytes[30 + random() % 530] = kLikely[random() % kLikely.size()];
    const auto file = folder.write("damaged.fits", bytes);
    try {
      EXPECT_LE(load_cube(file).pixels.size(), whole.size());
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

TEST(Recording, MustBeAFileOfAKnownFormat) {
  const TempFolder folder;
  const auto missing = folder.path() / "missing.fits";
  expect_error([&] { (void)load_cube(missing); }, {missing.string(), "no such file"});
  expect_error([&] { (void)load_cube(folder.path()); }, {folder.path().string(), "regular file"});
  expect_error([&] { (void)load_cube("/dev/null"); }, {"/dev/null", "regular file"});
  for (const auto& text : {std::string("1 2 3\n"), std::string(), std::string("SIMPLE"),
                           std::string("\x1f\x8b", 2) + std::string(200, 'z')}) {
    const auto file = folder.write("notes.txt", text);
    expect_error([&] { (void)load_cube(file); }, {file.string(), "FITS", ".npy"});
  }
}

}  // namespace
}  // namespace daohil::drivers
