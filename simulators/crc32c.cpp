#include "simulators/crc32c.hpp"

#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#define DAO_HIL_CRC_TARGET __attribute__((target("sse4.2")))
#elif defined(__aarch64__) && (defined(__ARM_FEATURE_CRC32) || !defined(__clang__))
// clang declares the intrinsics only when the whole file is compiled for the extension.
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define DAO_HIL_CRC_TARGET __attribute__((target("+crc")))
#endif

namespace daohil::simulators {
namespace {

static_assert(std::endian::native == std::endian::little, "words are loaded as the CRC sees them");

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78U;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// Slicing by 8 (Kounavis and Berry, "A systematic approach to building high performance
// software-based CRC generators", ISCC 2005): table j is the effect of a byte j places back.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kReflectedPolynomial : 0U);
    tables[0][byte] = crc;
  }
  for (std::size_t j = 1; j < tables.size(); ++j)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[j - 1][byte];
      tables[j][byte] = (crc >> 8) ^ tables[0][crc & 0xFFU];
    }
  return tables;
}

constexpr Tables kTables = make_tables();

std::uint64_t load_word(const std::byte* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

#if defined(DAO_HIL_CRC_TARGET)

#if defined(__x86_64__)
bool has_instruction() { return __builtin_cpu_supports("sse4.2") != 0; }
DAO_HIL_CRC_TARGET inline std::uint32_t step8(std::uint32_t crc, std::uint64_t word) {
  return static_cast<std::uint32_t>(_mm_crc32_u64(crc, word));
}
DAO_HIL_CRC_TARGET inline std::uint32_t step1(std::uint32_t crc, std::uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}
#else
bool has_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }
DAO_HIL_CRC_TARGET inline std::uint32_t step8(std::uint32_t crc, std::uint64_t word) {
  return __crc32cd(crc, word);
}
DAO_HIL_CRC_TARGET inline std::uint32_t step1(std::uint32_t crc, std::uint8_t byte) {
  return __crc32cb(crc, byte);
}
#endif

DAO_HIL_CRC_TARGET std::uint32_t crc32c_hardware(std::span<const std::byte> bytes,
                                                 std::uint32_t previous) {
  std::uint32_t crc = ~previous;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) crc = step8(crc, load_word(at));
  for (; left > 0; ++at, --left) crc = step1(crc, std::to_integer<std::uint8_t>(*at));
  return ~crc;
}

#endif

using Implementation = std::uint32_t (*)(std::span<const std::byte>, std::uint32_t);

Implementation choose() {
#if defined(DAO_HIL_CRC_TARGET)
  if (has_instruction()) return crc32c_hardware;
#endif
  return crc32c_portable;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t previous) {
  static const Implementation implementation = choose();
  return implementation(bytes, previous);
}

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t previous) {
  std::uint32_t crc = ~previous;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    const std::uint64_t word = load_word(at) ^ crc;
    crc = 0;
    for (std::size_t j = 0; j < 8; ++j) crc ^= kTables[7 - j][(word >> (8 * j)) & 0xFFU];
  }
  for (; left > 0; ++at, --left)
    crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint32_t>(*at)) & 0xFFU];
  return ~crc;
}

}  // namespace daohil::simulators
