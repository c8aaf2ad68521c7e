#include "drivers/usb/zip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>

#include "drivers/error.hpp"
#include "drivers/usb/little_endian.hpp"

namespace daohil::drivers::usb {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kEndOfDirectory = 0x06054B50;
constexpr std::uint32_t kDirectoryEntry = 0x02014B50;
constexpr std::uint32_t kLocalHeader = 0x04034B50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

[[noreturn]] void fail(const std::string& problem) {
  throw Error("the camera's zipped description " + problem + "; ask its maker for new firmware");
}

// `size` bytes at `at`, if they are there.
Bytes part(Bytes whole, std::size_t at, std::size_t size) {
  if (at > whole.size() || size > whole.size() - at) fail("ends too early");
  return whole.subspan(at, size);
}

// A comment of unknown length may follow it.
std::size_t find_end_of_directory(Bytes archive) {
  if (archive.size() >= kEndBytes)
    for (std::size_t at = archive.size() - kEndBytes + 1; at-- > 0;)
      if (load_le<std::uint32_t>(archive, at) == kEndOfDirectory) return at;
  fail("is no ZIP archive");
}

std::string inflate_raw(Bytes data, std::size_t size) {
  std::string text(size, '\0');
  z_stream stream{};
  constexpr int kRaw = -15;  // without zlib's own header
  if (inflateInit2(&stream, kRaw) != Z_OK) fail("cannot be unpacked for lack of memory");
  // zlib's interface is not const-correct; it does not write to its input.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(size);
  const int result = inflate(&stream, Z_FINISH);
  const std::size_t got = stream.total_out;
  inflateEnd(&stream);
  if (result != Z_STREAM_END || got != size) fail("is damaged: it does not unpack");
  return text;
}

}  // namespace

std::string unzip_first(Bytes archive, std::size_t largest) {
  const std::size_t end = find_end_of_directory(archive);
  const Bytes entry = part(archive, load_le<std::uint32_t>(archive, end + 16), kEntryBytes);
  if (load_le<std::uint32_t>(entry, 0) != kDirectoryEntry) fail("has no directory");
  const auto method = load_le<std::uint16_t>(entry, 10);
  const auto crc = load_le<std::uint32_t>(entry, 16);
  const std::size_t packed = load_le<std::uint32_t>(entry, 20);
  const std::size_t size = load_le<std::uint32_t>(entry, 24);
  const std::size_t local_at = load_le<std::uint32_t>(entry, 42);
  if (size > largest) fail(fmt::format("claims {} bytes, more than {}", size, largest));

  const Bytes local = part(archive, local_at, kLocalBytes);
  if (load_le<std::uint32_t>(local, 0) != kLocalHeader) fail("has no file where it says");
  const std::size_t skipped = kLocalBytes + load_le<std::uint16_t>(local, 26) +
                              std::size_t{load_le<std::uint16_t>(local, 28)};
  const Bytes data = part(archive, local_at + skipped, packed);

  std::string text;
  if (method == kStored && packed == size)
    text.assign(reinterpret_cast<const char*>(data.data()), data.size());
  else if (method == kDeflated)
    text = inflate_raw(data, size);
  else
    fail(fmt::format("is packed by method {}, known are 0 and 8", method));
  const auto found =
      ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  if (found != crc) fail("is damaged: its CRC is wrong");
  return text;
}

}  // namespace daohil::drivers::usb
