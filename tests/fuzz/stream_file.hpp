#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// A whole stream file in few bytes, so that a fuzzer spends none on what nothing reads: of the
/// 4304 bytes of a slot's metadata, 4080 are the table of packets and padding.
///
///   0   u8    slots: this many records follow; 255: the rest of the input is the file as it is
///   1   u8    cut: this many bytes are missing at the end of the file
///   2   u16   pad: this many zero bytes at the end of the file
///   4   ...   the records, 216 bytes each: bytes 0 .. 207 and 4296 .. 4303 of a slot's metadata
///       ...   pixels and keywords
///
/// Missing bytes are missing in the file: it ends with the last byte that is given.
namespace daohil::fuzz {

inline constexpr std::size_t kPrefix = 4;
inline constexpr std::uint8_t kAsItIs = 255;
inline constexpr std::size_t kHead = 208;
inline constexpr std::size_t kTail = 4296;
inline constexpr std::size_t kMetadata = 4304;
inline constexpr std::size_t kRecord = kHead + kMetadata - kTail;

/// The file that an input stands for.
std::vector<std::byte> stream_file(std::span<const std::uint8_t> input);

}  // namespace daohil::fuzz
