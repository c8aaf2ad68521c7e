#include "drivers/replay/fits.hpp"

#include <fitsio.h>
#include <fmt/format.h>

#include <array>
#include <limits>
#include <memory>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/pixel_memory.hpp"
#include "shm/error.hpp"

namespace daohil::drivers {
namespace {

using shm::PixelType;

struct Close {
  void operator()(fitsfile* file) const {
    int status = 0;
    fits_close_file(file, &status);
    fits_clear_errmsg();
  }
};

/// A pair of codes as cfitsio gives them for a file without scaling, and how to read the pixels.
struct TypeRow {
  int bitpix;      ///< as stored
  int equivalent;  ///< after BSCALE and BZERO
  int datatype;
  PixelType type;
};

constexpr std::array kTypes{
    TypeRow{BYTE_IMG, BYTE_IMG, TBYTE, PixelType::u8},
    TypeRow{BYTE_IMG, SBYTE_IMG, TSBYTE, PixelType::i8},
    TypeRow{SHORT_IMG, SHORT_IMG, TSHORT, PixelType::i16},
    TypeRow{SHORT_IMG, USHORT_IMG, TUSHORT, PixelType::u16},
    TypeRow{LONG_IMG, LONG_IMG, TINT, PixelType::i32},
    TypeRow{LONG_IMG, ULONG_IMG, TUINT, PixelType::u32},
    TypeRow{FLOAT_IMG, FLOAT_IMG, TFLOAT, PixelType::f32},
    TypeRow{DOUBLE_IMG, DOUBLE_IMG, TDOUBLE, PixelType::f64},
};

/// One FITS file and the messages about it. Every method throws Error.
class FitsFile {
 public:
  explicit FitsFile(const std::filesystem::path& path)
      : path_(path), bytes_(std::filesystem::file_size(path)) {
    // The plain opening functions would take [..] in a path for a filter and ~ for a home folder.
    const std::string literal = std::filesystem::absolute(path).string();
    fitsfile* file = nullptr;
    int status = 0;
    fits_open_diskfile(&file, literal.c_str(), READONLY, &status);
    file_.reset(file);
    check(status, "its header cannot be read");
  }

  void select_first_image() {
    for (int hdu = 1;; ++hdu) {
      int type = ANY_HDU;
      int axes = 0;
      int status = 0;
      fits_movabs_hdu(file_.get(), hdu, &type, &status);
      if (status == END_OF_FILE)
        fail(
            fmt::format("holds no image in its {} bytes; name a file with an image cube, or copy "
                        "this one again if it was cut off",
                        bytes_));
      check(status, fmt::format("the header of HDU {} cannot be read", hdu));
      if (type != IMAGE_HDU) continue;
      fits_get_img_dim(file_.get(), &axes, &status);
      check(status, "NAXIS cannot be read");
      if (axes != 0) return;
    }
  }

  /// Before anything is allocated or read: a recording that was cut off is common, and what
  /// cfitsio says of it is not clear.
  void check_length() const {
    LONGLONG header = 0;
    LONGLONG data = 0;
    LONGLONG end = 0;
    int status = 0;
    fits_get_hduaddrll(file_.get(), &header, &data, &end, &status);
    check(status, "the extent of its data cannot be computed");
    if (end < data || std::cmp_greater(end, bytes_))
      fail(
          fmt::format("truncated: its header promises {} bytes, the file has {}; copy or record "
                      "it again",
                      end, bytes_));
  }

  /// Sizes, NAXIS1 first.
  [[nodiscard]] std::vector<std::uint32_t> axes() const {
    int count = 0;
    int status = 0;
    fits_get_img_dim(file_.get(), &count, &status);
    check(status, "NAXIS cannot be read");
    if (count != 2 && count != 3)
      fail(fmt::format("NAXIS = {}; an image (2) or a cube of images (3) is needed", count));
    std::array<LONGLONG, 3> sizes{};
    fits_get_img_sizell(file_.get(), count, sizes.data(), &status);
    check(status, "NAXISn cannot be read");
    std::vector<std::uint32_t> result;
    for (int i = 0; i < count; ++i) {
      const LONGLONG size = sizes.at(static_cast<std::size_t>(i));
      if (size < 1 || size > std::numeric_limits<std::uint32_t>::max())
        fail(fmt::format("NAXIS{} = {}; 1 to 2^32 - 1 is needed", i + 1, size));
      result.push_back(static_cast<std::uint32_t>(size));
    }
    return result;
  }

  [[nodiscard]] const TypeRow& type() const {
    int bitpix = 0;
    int equivalent = 0;
    int status = 0;
    fits_get_img_type(file_.get(), &bitpix, &status);
    fits_get_img_equivtype(file_.get(), &equivalent, &status);
    check(status, "BITPIX cannot be read");
    const double scale = number("BSCALE").value_or(1.0);
    const double zero = number("BZERO").value_or(0.0);
    for (const TypeRow& row : kTypes)
      if (row.bitpix == bitpix && row.equivalent == equivalent && scale == 1.0 &&
          (bitpix > 0 || zero == 0.0))
        return row;
    fail(
        fmt::format("BITPIX = {} with BSCALE = {} and BZERO = {} is not supported; use integers of "
                    "8 to 32 bits (unsigned by the standard BZERO) or floats without scaling",
                    bitpix, scale, zero));
  }

  [[nodiscard]] std::optional<shm::Rate> rate() {
    auto hz = number("FRATE");
    if (!hz) {
      int status = 0;
      fits_movabs_hdu(file_.get(), 1, nullptr, &status);
      check(status, "its primary header cannot be read");
      hz = number("FRATE");
    }
    if (!hz) return std::nullopt;
    try {
      return shm::Rate::hertz(*hz);
    } catch (const shm::Error& error) {
      fail(fmt::format("FRATE = {}: {}; correct the header", *hz, error.what()));
    }
  }

  void read(int datatype, std::uint64_t elements, std::vector<std::byte>& into) const {
    int status = 0;
    int any_null = 0;
    fits_read_img(file_.get(), datatype, 1, static_cast<LONGLONG>(elements), nullptr, into.data(),
                  &any_null, &status);
    check(status, "its pixels cannot be read");
  }

  [[nodiscard]] shm::FrameFormat format(std::uint32_t rows, std::uint32_t columns,
                                        PixelType type) const try {
    return {{rows, columns}, type};
  } catch (const shm::Error& error) {
    fail(error.what());
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(fmt::format("recording {}: {}", path_.string(), what));
  }

 private:
  void check(int status, std::string_view what) const {
    if (status == 0) return;
    std::array<char, FLEN_STATUS> text{};
    fits_get_errstatus(status, text.data());
    // cfitsio keeps a process-wide stack of messages that nobody else here empties.
    fits_clear_errmsg();
    fail(
        fmt::format("{} (cfitsio {}: {}; the file has {} bytes); it is damaged or truncated, copy "
                    "or record it again",
                    what, status, text.data(), bytes_));
  }

  /// A number in the present header; empty when the keyword is missing.
  [[nodiscard]] std::optional<double> number(const char* keyword) const {
    double value = 0;
    int status = 0;
    fits_read_key(file_.get(), TDOUBLE, keyword, &value, nullptr, &status);
    if (status == KEY_NO_EXIST) {
      fits_clear_errmsg();
      return std::nullopt;
    }
    check(status, fmt::format("{} is not a number", keyword));
    return value;
  }

  const std::filesystem::path& path_;
  std::uintmax_t bytes_;
  std::unique_ptr<fitsfile, Close> file_;
};

}  // namespace

Cube load_fits(const std::filesystem::path& path) {
  FitsFile file(path);
  file.select_first_image();
  file.check_length();
  const std::vector<std::uint32_t> axes = file.axes();
  const TypeRow& type = file.type();

  const shm::FrameFormat format = file.format(axes[1], axes[0], type.type);
  const std::uint64_t frames = axes.size() == 3 ? axes[2] : 1;
  Cube cube{format, frames, allocate_pixels("recording " + path.string(), format, frames), "",
            std::nullopt};
  file.read(type.datatype, frames * format.elements(), cube.pixels);
  cube.rate = file.rate();
  return cube;
}

}  // namespace daohil::drivers
