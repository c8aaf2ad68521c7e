#include "drivers/replay/npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "drivers/error.hpp"
#include "drivers/pixel_memory.hpp"
#include "drivers/replay/npy_header.hpp"
#include "shm/error.hpp"

namespace daohil::drivers {
namespace {

using shm::PixelType;

struct TypeRow {
  std::string_view code;  ///< of descr, without the byte order
  PixelType type;
  std::size_t swapped;  ///< bytes that change places together: half a complex number
};

constexpr std::array<TypeRow, 12> kTypes{{{"u1", PixelType::u8, 1},
                                          {"i1", PixelType::i8, 1},
                                          {"u2", PixelType::u16, 2},
                                          {"i2", PixelType::i16, 2},
                                          {"u4", PixelType::u32, 4},
                                          {"i4", PixelType::i32, 4},
                                          {"u8", PixelType::u64, 8},
                                          {"i8", PixelType::i64, 8},
                                          {"f4", PixelType::f32, 4},
                                          {"f8", PixelType::f64, 8},
                                          {"c8", PixelType::c64, 4},
                                          {"c16", PixelType::c128, 8}}};

// NumPy itself refuses headers of more than 10 000 bytes since 1.24.
constexpr std::uint64_t kMaxHeader = 1U << 20;

class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& path)
      : path_(path), bytes_(std::filesystem::file_size(path)), in_(path, std::ios::binary) {}

  NpyHeader header() {
    std::array<unsigned char, 12> start{};
    read(start.data(), 8);
    const unsigned version = start[6];
    if (version < 1 || version > 3)
      fail(fmt::format("version {} of the .npy format; 1, 2 and 3 are supported", version));
    const std::size_t length_bytes = version == 1 ? 2 : 4;
    read(start.data() + 8, length_bytes);
    std::uint64_t length = 0;
    for (std::size_t i = length_bytes; i > 0; --i) length = length << 8 | start.at(7 + i);
    if (length > kMaxHeader) fail(fmt::format("a header of {} bytes is not credible", length));

    std::string text(length, '\0');
    read(text.data(), text.size());
    try {
      return parse_npy_header(text);
    } catch (const std::invalid_argument& error) {
      fail(fmt::format("damaged header: {}", error.what()));
    }
  }

  /// @param size bytes the header promises after itself
  void check_length(std::uint64_t size) const {
    if (bytes_ - at_ == size) return;
    fail(fmt::format("{}: its header promises {} bytes, the file has {}; copy or record it again",
                     bytes_ - at_ < size ? "truncated" : "longer than it should be", at_ + size,
                     bytes_));
  }

  void read(void* into, std::size_t size) {
    if (size > bytes_ - at_)
      fail(
          fmt::format("truncated: {} bytes are needed to here, the file has {}; copy or record it "
                      "again",
                      at_ + size, bytes_));
    in_.read(static_cast<char*>(into), static_cast<std::streamsize>(size));
    if (!in_) fail("cannot be read; check its permissions and the disk");
    at_ += size;
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("recording {}: {}", path_.string(), what));
  }

 private:
  const std::filesystem::path& path_;
  std::uint64_t bytes_;
  std::uint64_t at_ = 0;
  std::ifstream in_;
};

const TypeRow& type_of(const NpyFile& file, std::string_view descr) {
  constexpr std::string_view kByteOrders = "<>|=";
  if (!descr.empty() && kByteOrders.find(descr.front()) != std::string_view::npos)
    for (const TypeRow& row : kTypes)
      if (row.code == descr.substr(1) && (descr.front() != '|' || row.swapped == 1)) return row;
  file.fail(
      fmt::format("element type '{}' is not supported; use integers, f4, f8, c8 or c16", descr));
}

shm::FrameFormat format_of(const NpyFile& file, const std::vector<std::uint64_t>& shape,
                           PixelType type) {
  if (shape.size() != 2 && shape.size() != 3)
    file.fail(fmt::format("an array of {} axes; one image (2) or a cube of images (3) is needed",
                          shape.size()));
  for (const std::uint64_t size : shape)
    if (size < 1 || size > std::numeric_limits<std::uint32_t>::max())
      file.fail(fmt::format("an axis of {}; 1 to 2^32 - 1 is needed", size));
  const std::size_t rows = shape.size() - 2;
  try {
    return {{static_cast<std::uint32_t>(shape[rows]), static_cast<std::uint32_t>(shape[rows + 1])},
            type};
  } catch (const shm::Error& error) {
    file.fail(error.what());
  }
}

void swap_bytes(std::span<std::byte> pixels, std::size_t group) {
  for (std::size_t at = 0; at < pixels.size(); at += group) {
    const auto element = pixels.subspan(at, group);
    std::reverse(element.begin(), element.end());
  }
}

}  // namespace

Cube load_npy(const std::filesystem::path& path) {
  NpyFile file(path);
  const NpyHeader header = file.header();
  const TypeRow& type = type_of(file, header.descr);
  if (header.fortran_order) file.fail("in Fortran order; save it with numpy.ascontiguousarray");

  const shm::FrameFormat format = format_of(file, header.shape, type.type);
  const std::uint64_t frames = header.shape.size() == 3 ? header.shape[0] : 1;
  // Frames are below 2^32 and a frame at most 2^45 bytes: only a quotient is sure to fit.
  if (frames > std::numeric_limits<std::uint64_t>::max() / 2 / format.bytes())
    file.fail(fmt::format("{} frames of {} exceed 2^63 bytes", frames, format.str()));
  file.check_length(frames * format.bytes());

  Cube cube{format, frames, allocate_pixels("recording " + path.string(), format, frames), "",
            std::nullopt};
  file.read(cube.pixels.data(), cube.pixels.size());
  if (header.descr.front() == '>') swap_bytes(cube.pixels, type.swapped);
  return cube;
}

}  // namespace daohil::drivers
