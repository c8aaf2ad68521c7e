#include "shm/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "shm/detail/wide.hpp"
#include "shm/error.hpp"

namespace daohil::shm {
namespace {

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 46;

template <typename T>
T get(std::span<const std::byte> file, std::size_t offset) {
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

template <typename T>
void put(std::span<std::byte> file, std::size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}

// Geometry as a slot states it, before anything in it is believed.
struct StatedGeometry {
  std::uint8_t naxis;
  std::array<std::uint32_t, Shape::kMaxAxes> size;
  std::uint64_t nelement;
  std::uint8_t atype;
  std::uint16_t nbkw;

  bool operator==(const StatedGeometry&) const = default;
};

StatedGeometry geometry_of(std::span<const std::byte> file, std::size_t at) {
  StatedGeometry stated{};
  stated.naxis = get<std::uint8_t>(file, at + bytes::kNaxis);
  std::memcpy(stated.size.data(), file.data() + at + bytes::kSize, sizeof stated.size);
  stated.nelement = get<std::uint64_t>(file, at + bytes::kNelement);
  stated.atype = get<std::uint8_t>(file, at + bytes::kAtype);
  stated.nbkw = get<std::uint16_t>(file, at + bytes::kNbKw);
  return stated;
}

class Complaint {
 public:
  explicit Complaint(std::string_view path) : path_(path) {}

  [[noreturn]] void operator()(const std::string& what) const {
    throw Error(Errc::bad_layout, fmt::format("open stream {}: {}", path_, what));
  }

 private:
  std::string_view path_;
};

FrameFormat checked_format(const StatedGeometry& stated, const Complaint& complain) {
  if (stated.naxis < 1 || stated.naxis > Shape::kMaxAxes)
    complain(fmt::format("naxis is {}, expected 1 to 3: not a DAO FIFO stream", stated.naxis));
  const std::span<const std::uint32_t> axes(stated.size.data(), stated.naxis);
  for (std::size_t i = 0; i < Shape::kMaxAxes; ++i) {
    if (i < axes.size() && stated.size[i] == 0) complain(fmt::format("size[{}] is 0", i));
    // The reference leaves unused axes 0; some of its users store 1. Both mean the same geometry.
    if (i >= axes.size() && stated.size[i] > 1)
      complain(fmt::format("size[{}] is {} although naxis is {}", i, stated.size[i], stated.naxis));
  }
  if (!is_pixel_type(stated.atype))
    complain(fmt::format("atype is {}, expected 1 to 12", stated.atype));

  detail::uint128 elements = 1;
  for (const auto axis : axes) elements *= axis;
  if (elements != stated.nelement)
    complain(fmt::format("nelement is {}, but the axes {} say otherwise", stated.nelement,
                         Shape(axes).str()));
  try {
    return FrameFormat(Shape(axes), static_cast<PixelType>(stated.atype));
  } catch (const Error& error) {
    complain(error.what());
  }
}

void check_same(std::uint32_t slot, const StatedGeometry& found, const StatedGeometry& slot0,
                const Complaint& complain) {
  if (found == slot0) return;
  const auto check = [&](std::string_view field, std::uint64_t value, std::uint64_t expected) {
    if (value != expected)
      complain(
          fmt::format("{} of slot {} is {}, in slot 0 it is {}", field, slot, value, expected));
  };
  check("naxis", found.naxis, slot0.naxis);
  for (std::size_t i = 0; i < found.size.size(); ++i)
    check(fmt::format("size[{}]", i), found.size[i], slot0.size[i]);
  check("nelement", found.nelement, slot0.nelement);
  check("atype", found.atype, slot0.atype);
  check("NBkw", found.nbkw, slot0.nbkw);
}

std::optional<RecognisedLayout> recognise_later(std::span<const std::byte> file,
                                                const FrameFormat& format, std::uint16_t keywords) {
  if (file.size() < bytes::kMetadataLater) return std::nullopt;
  const auto depth = get<std::uint32_t>(file, bytes::kFifoSizeLater);
  const std::size_t keyword_bytes = keywords * bytes::kKeyword;
  if (depth < 1 || depth > Layout::kMaxDepth || file.size() < keyword_bytes) return std::nullopt;
  const std::size_t slots = file.size() - keyword_bytes;
  if (slots % depth != 0 || slots / depth < format.bytes()) return std::nullopt;
  const std::size_t metadata = slots / depth - format.bytes();
  if (metadata < bytes::kMetadataLater || metadata > bytes::kMetadataLaterMax ||
      metadata % alignof(std::uint64_t) != 0)
    return std::nullopt;
  return RecognisedLayout{LayoutVersion::later, format, depth, keywords, metadata};
}

std::string wrong_size(std::size_t file_bytes, const Layout& layout) {
  return fmt::format(
      "the file has {} bytes, but fifo_size {}, frames of {} and NBkw {} need {}: cut short, or "
      "written by another version of the library (IMAGE_METADATA other than {} bytes)",
      file_bytes, layout.depth(), layout.format().str(), layout.keywords(), layout.file_bytes(),
      bytes::kMetadata);
}

}  // namespace

Layout::Layout(FrameFormat format, std::uint32_t depth, std::uint16_t keywords)
    : format_(format), depth_(depth), keywords_(keywords) {
  if (depth < 1 || depth > kMaxDepth)
    throw Error(Errc::invalid_argument,
                fmt::format("FIFO depth {} is outside 1 to {}", depth, kMaxDepth));
  const detail::uint128 total = detail::uint128{depth} * (bytes::kMetadata + format.bytes()) +
                                detail::uint128{keywords} * bytes::kKeyword;
  if (total > kMaxFileBytes)
    throw Error(Errc::invalid_argument,
                fmt::format("{} slots of {} exceed 2^46 bytes", depth, format.str()));
}

void check_stream_name(std::string_view name) {
  if (name.empty() || name.size() >= bytes::kNameCapacity)
    throw Error(Errc::invalid_argument,
                fmt::format("stream name '{}' has {} bytes, the metadata holds 1 to {}", name,
                            name.size(), bytes::kNameCapacity - 1));
  if (name.find('\0') != std::string_view::npos)
    throw Error(Errc::invalid_argument, "stream name contains a zero byte");
}

Layout parse_layout(std::span<const std::byte> file, std::string_view path) {
  const Complaint complain(path);
  // A tiny stream from before the FIFO is smaller than one slot of this layout.
  if (file.size() < bytes::kMetadataBeforeFifo)
    complain(fmt::format("the file has {} bytes, less than the metadata of one slot ({})",
                         file.size(), bytes::kMetadata));

  const StatedGeometry stated = geometry_of(file, 0);
  const FrameFormat format = checked_format(stated, complain);

  // Looked for only where this layout does not fit: what is valid by it is of this version.
  const auto complain_of_version = [&](const std::string& what) {
    if (const auto later = recognise_later(file, format, stated.nbkw))
      complain(
          fmt::format("metadata of {} bytes a slot: the stream was made by a later version of the "
                      "DAO library, this one reads {}; write it with this one",
                      later->metadata_bytes, bytes::kMetadata));
    complain(what);
  };
  const bool before_fifo =
      file.size() == bytes::kMetadataBeforeFifo + format.bytes() + stated.nbkw * bytes::kKeyword;
  if (!before_fifo && file.size() < bytes::kMetadata)
    complain(fmt::format("the file has {} bytes, less than the metadata of one slot ({})",
                         file.size(), bytes::kMetadata));
  const auto depth = before_fifo ? 0 : get<std::uint32_t>(file, bytes::kFifoSize);
  if (depth == 0 || before_fifo)
    complain_of_version(
        fmt::format("fifo_size is {}: the stream was made by a library from before the FIFO; "
                    "create it again with this one",
                    depth));
  if (depth > Layout::kMaxDepth)
    complain_of_version(fmt::format("fifo_size is {}, expected 1 to {}", depth, Layout::kMaxDepth));

  const Layout layout = [&] {
    try {
      return Layout(format, depth, stated.nbkw);
    } catch (const Error& error) {
      complain(error.what());
    }
  }();
  if (layout.file_bytes() != file.size()) complain_of_version(wrong_size(file.size(), layout));

  const auto last = get<std::uint32_t>(file, bytes::kFifoLastWritten);
  if (last >= depth)
    complain(fmt::format("fifo_last_written is {}, expected less than fifo_size {}", last, depth));
  const auto semaphores = get<std::uint16_t>(file, bytes::kSem);
  if (semaphores > Layout::kSemaphores)
    complain(fmt::format("sem is {}, expected 0 to {}", semaphores, Layout::kSemaphores));
  if (std::memchr(file.data() + bytes::kName, 0, bytes::kNameCapacity) == nullptr)
    complain("name is not terminated within its 80 bytes");
  for (std::uint32_t slot = 1; slot < depth; ++slot)
    check_same(slot, geometry_of(file, layout.metadata_at(slot)), stated, complain);
  return layout;
}

std::string_view name_of(LayoutVersion version) {
  switch (version) {
    case LayoutVersion::fifo:
      return "fifo";
    case LayoutVersion::before_fifo:
      return "before-fifo";
    case LayoutVersion::later:
      return "later";
  }
  return "?";
}

std::optional<RecognisedLayout> recognise_layout(std::span<const std::byte> file) {
  try {
    const Layout layout = parse_layout(file, "");
    return RecognisedLayout{LayoutVersion::fifo, layout.format(), layout.depth(), layout.keywords(),
                            bytes::kMetadata};
  } catch (const Error&) {  // not this version
  }
  if (file.size() < bytes::kMetadataBeforeFifo) return std::nullopt;
  try {
    const StatedGeometry stated = geometry_of(file, 0);
    const FrameFormat format = checked_format(stated, Complaint(""));
    if (file.size() == bytes::kMetadataBeforeFifo + format.bytes() + stated.nbkw * bytes::kKeyword)
      return RecognisedLayout{LayoutVersion::before_fifo, format, 1, stated.nbkw,
                              bytes::kMetadataBeforeFifo};
    return recognise_later(file, format, stated.nbkw);
  } catch (const Error&) {  // no stream at all
    return std::nullopt;
  }
}

void format_stream(std::span<std::byte> file, const Layout& layout, std::string_view name,
                   UtcTime created) {
  check_stream_name(name);
  const double created_seconds = static_cast<double>(created.count()) / 1e9;
  const FrameFormat& format = layout.format();
  for (std::uint32_t slot = 0; slot < layout.depth(); ++slot) {
    const std::size_t at = layout.metadata_at(slot);
    std::memcpy(file.data() + at + bytes::kName, name.data(), name.size());
    put(file, at + bytes::kNaxis, static_cast<std::uint8_t>(format.shape().axes()));
    for (std::size_t axis = 0; axis < format.shape().axes(); ++axis)
      put(file, at + bytes::kSize + axis * sizeof(std::uint32_t), format.shape()[axis]);
    put(file, at + bytes::kNelement, format.elements());
    put(file, at + bytes::kAtype, static_cast<std::uint8_t>(format.type()));
    put(file, at + bytes::kCreationTime, created_seconds);
    put(file, at + bytes::kLastAccess, created_seconds);
    put(file, at + bytes::kShared, std::uint8_t{1});
    put(file, at + bytes::kNbKw, layout.keywords());
  }
  put(file, bytes::kSem, Layout::kSemaphores);
  put(file, bytes::kFifoSize, layout.depth());
  put(file, bytes::kFifoLastWritten, layout.depth() - 1);
  for (std::uint16_t k = 0; k < layout.keywords(); ++k)
    put(file, layout.keywords_at() + k * bytes::kKeyword + bytes::kKeywordType, 'N');
}

}  // namespace daohil::shm
