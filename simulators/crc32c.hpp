#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::simulators {

/// CRC-32C (Castagnoli) as iSCSI uses it (RFC 3720, section 12.1 and appendix B.4): reflected
/// polynomial 0x82F63B78, initial value and final XOR all ones. crc32c("123456789") = 0xE3069283.
/// Detects every burst error up to 32 bits; chosen because x86-64 and arm64 compute it in hardware.
///
/// Uses the processor's instruction where it has one, found once at run time. Safe from any thread.
/// @param previous result for the bytes before these: crc32c(b, crc32c(a)) == crc32c(a then b)
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous = 0);

/// The same without special instructions, about five times slower: what crc32c falls back to, and
/// what it is tested against.
[[nodiscard]] std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                                            std::uint32_t previous = 0);

}  // namespace daohil::simulators
