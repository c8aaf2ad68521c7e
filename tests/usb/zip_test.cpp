#include "drivers/usb/zip.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "tests/drivers/support/expect_error.hpp"
#include "tests/usb/bytes.hpp"

namespace daohil::drivers::usb {
namespace {

using drivers::test::expect_error;
using test::Bytes;

constexpr std::size_t kLargest = 1U << 20U;

std::string deflated(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(text.size() + 100, '\0');
  std::string copy = text;
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// An archive of one file "a.xml", by the letter of APPNOTE.TXT.
std::vector<std::byte> archive(const std::string& data, unsigned method, std::size_t size,
                               unsigned long crc) {
  constexpr std::size_t kName = 5;
  Bytes local;
  local.u32(0x04034B50)
      .u16(20)
      .u16(0)
      .u16(method)
      .u16(0)
      .u16(0)
      .u32(crc)
      .u32(data.size())
      .u32(size)
      .u16(kName)
      .u16(0)
      .text("a.xml", kName)
      .text(data, data.size());
  const std::size_t directory = local.size();
  Bytes all = local;
  all.u32(0x02014B50)
      .u16(20)
      .u16(20)
      .u16(0)
      .u16(method)
      .u16(0)
      .u16(0)
      .u32(crc)
      .u32(data.size())
      .u32(size)
      .u16(kName)
      .u16(0)
      .u16(0)
      .u16(0)
      .u16(0)
      .u32(0)
      .u32(0)
      .text("a.xml", kName);
  const std::size_t end = all.size();
  all.u32(0x06054B50)
      .u16(0)
      .u16(0)
      .u16(1)
      .u16(1)
      .u32(end - directory)
      .u32(directory)
      .u16(3)
      .text("abc", 3);
  return all.get();
}

unsigned long crc_of(const std::string& text) {
  return ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
}

const std::string kText = "<RegisterDescription>" + std::string(3000, 'x') + "</>";

TEST(Zip, UnpacksStoredAndDeflatedFiles) {
  EXPECT_EQ(unzip_first(archive(kText, 0, kText.size(), crc_of(kText)), kLargest), kText);
  EXPECT_EQ(unzip_first(archive(deflated(kText), 8, kText.size(), crc_of(kText)), kLargest), kText);
}

TEST(Zip, RefusesWhatIsDamagedOrLies) {
  const auto good = archive(deflated(kText), 8, kText.size(), crc_of(kText));
  expect_error([&] { (void)unzip_first(good, kText.size() - 1); }, {"claims"});
  expect_error([&] { (void)unzip_first({}, kLargest); }, {"no ZIP archive"});
  expect_error([&] { (void)unzip_first(archive(kText, 0, kText.size(), 1), kLargest); }, {"CRC"});
  expect_error([&] { (void)unzip_first(archive(kText, 12, kText.size(), 1), kLargest); }, {"12"});
  expect_error([&] { (void)unzip_first(archive(deflated(kText), 8, 10, crc_of(kText)), kLargest); },
               {"does not unpack"});
  // Every byte changed, every length: an error or the text, never a crash.
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] ^= std::byte{0xFF};
    try {
      EXPECT_EQ(unzip_first(bad, kLargest), kText);
    } catch (const Error&) {
    }
    try {
      (void)unzip_first(std::span(good).first(i), kLargest);
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace daohil::drivers::usb
