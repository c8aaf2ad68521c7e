#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "shm/frame.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

/// The bytes of a DAO FIFO stream, little endian, natural alignment: the only place that knows an
/// offset. Measured on the reference library (IMAGE_METADATA is 4304 bytes, IMAGE_KEYWORD 120).
///
///   slot metadata   i * 4304                    i = 0 .. N-1
///   slot pixels     N * 4304 + i * frame bytes
///   keywords        N * (4304 + frame bytes)
///   file size       N * (4304 + frame bytes) + NBkw * 120
///
/// There is no magic and no version; the size equation is what tells a stream of this layout.
namespace bytes {

inline constexpr std::size_t kMetadata = 4304;
inline constexpr std::size_t kKeyword = 120;
inline constexpr std::size_t kMetadataBeforeFifo = 4296;  ///< layout of the pre-FIFO library
inline constexpr std::size_t kNameCapacity = 80;          ///< with the terminating 0

// Offsets within one slot's metadata.
inline constexpr std::size_t kName = 0;
inline constexpr std::size_t kNaxis = 80;
inline constexpr std::size_t kSize = 84;
inline constexpr std::size_t kNelement = 96;
inline constexpr std::size_t kAtype = 104;
/// Padding of the reference's structure that it never writes; slot 0 carries our futex word: the
/// low 32 bits of the newest counter that one of our writers published.
inline constexpr std::size_t kDoorbell = 108;
inline constexpr std::size_t kCreationTime = 112;
inline constexpr std::size_t kLastAccess = 120;
inline constexpr std::size_t kTime = 128;  ///< firstlong, stays 0
inline constexpr std::size_t kTimeNs = 136;
inline constexpr std::size_t kShared = 144;
inline constexpr std::size_t kSem = 148;
inline constexpr std::size_t kCnt0 = 152;
inline constexpr std::size_t kCnt1 = 160;
inline constexpr std::size_t kCnt2 = 168;
inline constexpr std::size_t kWrite = 176;
inline constexpr std::size_t kNbKw = 178;
// How a frame that arrives in packets is coming along; nothing of the protocol depends on it.
inline constexpr std::size_t kLastPos = 180;
inline constexpr std::size_t kLastNb = 184;
inline constexpr std::size_t kPacketNb = 188;
inline constexpr std::size_t kPacketTotal = 192;
inline constexpr std::size_t kLastNbArray = 200;  ///< u64 by packet number: frame it was of last
inline constexpr std::size_t kPackets = 512;
/// Padding like kDoorbell; slot 0: 1 while some reader sleeps on the doorbell.
inline constexpr std::size_t kSleepers = 196;
inline constexpr std::size_t kFifoSize = 4296;         ///< slot 0 only
inline constexpr std::size_t kFifoLastWritten = 4300;  ///< slot 0 only

// The later library, by its published structure: the packet table before these two is longer, all
// fields up to kSleepers are where they were. Fields for GPU memory may follow.
inline constexpr std::size_t kFifoSizeLater = 16392;
inline constexpr std::size_t kMetadataLater = 16400;
inline constexpr std::size_t kMetadataLaterMax = 16512;

// Within one keyword.
inline constexpr std::size_t kKeywordName = 0;
inline constexpr std::size_t kKeywordNameCapacity = 16;
inline constexpr std::size_t kKeywordType = 16;
inline constexpr std::size_t kKeywordValue = 24;
inline constexpr std::size_t kKeywordTextCapacity = 16;
inline constexpr std::size_t kKeywordComment = 40;
inline constexpr std::size_t kKeywordCommentCapacity = 80;

}  // namespace bytes

/// Geometry of a whole stream. Immutable.
class Layout {
 public:
  static constexpr std::uint32_t kMaxDepth = 1'000'000;
  static constexpr std::uint16_t kSemaphores = 10;

  /// @param depth slots in the ring, 1 .. kMaxDepth
  /// @param keywords number of 120-byte keyword records after the pixels
  /// @throws Error invalid_argument when out of range or when the file would exceed 2^46 bytes
  Layout(FrameFormat format, std::uint32_t depth, std::uint16_t keywords = 0);

  [[nodiscard]] const FrameFormat& format() const { return format_; }
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  [[nodiscard]] std::uint16_t keywords() const { return keywords_; }

  [[nodiscard]] std::size_t metadata_at(std::uint32_t slot) const {
    return slot * bytes::kMetadata;
  }
  [[nodiscard]] std::size_t pixels_at(std::uint32_t slot) const {
    return depth_ * bytes::kMetadata + slot * format_.bytes();
  }
  [[nodiscard]] std::size_t keywords_at() const {
    return depth_ * (bytes::kMetadata + format_.bytes());
  }
  [[nodiscard]] std::size_t file_bytes() const {
    return keywords_at() + keywords_ * bytes::kKeyword;
  }
  /// The slot of frame k >= 1 of a stream written without interruption: (k - 1) mod N.
  [[nodiscard]] std::uint32_t slot_after(std::uint32_t slot) const {
    return slot + 1 == depth_ ? 0 : slot + 1;
  }
  [[nodiscard]] std::uint32_t slot_before(std::uint32_t slot) const {
    return slot == 0 ? depth_ - 1 : slot - 1;
  }

 private:
  FrameFormat format_;
  std::uint32_t depth_;
  std::uint16_t keywords_;
};

/// Read the layout out of a mapped file, checking every field before it is used.
/// @param file the whole file
/// @param path only for messages
/// @throws Error bad_layout naming the field, its value and what was expected
Layout parse_layout(std::span<const std::byte> file, std::string_view path);

/// The versions of a DAO stream's bytes that can be told apart.
enum class LayoutVersion {
  fifo,         ///< the one this library reads and writes
  before_fifo,  ///< metadata of 4296 bytes, one frame
  later,        ///< metadata of 16400 bytes or a little more
};
/// "fifo", "before-fifo", "later"
[[nodiscard]] std::string_view name_of(LayoutVersion version);

/// What the fields and the size of a file agree on.
struct RecognisedLayout {
  LayoutVersion version;
  FrameFormat format;
  std::uint32_t depth;
  std::uint16_t keywords;
  std::size_t metadata_bytes;  ///< of one slot
};

/// The layout of a file that is a DAO stream of any known version: nothing unless all fields are
/// valid and the file has exactly the size they ask for. Never throws for a file's content.
/// @param file the whole file; bytes after the metadata are not looked at
[[nodiscard]] std::optional<RecognisedLayout> recognise_layout(std::span<const std::byte> file);

/// Fill a zeroed file with the metadata of a new stream: counters 0, last written slot N-1, so
/// that the first frame goes to slot 0 with counter 1.
/// @param file exactly layout.file_bytes() zero bytes
/// @param name the stream's full path, shorter than 80 bytes
void format_stream(std::span<std::byte> file, const Layout& layout, std::string_view name,
                   UtcTime created);

/// @throws Error invalid_argument unless 1 .. 79 bytes (IMAGE_METADATA.name holds 80 with its 0)
void check_stream_name(std::string_view name);

}  // namespace daohil::shm
