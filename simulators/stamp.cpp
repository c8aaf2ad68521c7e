#include "simulators/stamp.hpp"

#include <bit>
#include <cstring>
#include <stdexcept>

#include "simulators/crc32c.hpp"

namespace daohil::simulators {
namespace {

static_assert(std::endian::native == std::endian::little,
              "fields are copied as they lie in memory");

constexpr std::uint32_t kMagic = 0x54534844U;  // "DHST"
constexpr std::uint16_t kVersion = 1;

struct Fields {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t stamp_bytes;
  std::uint64_t number;
  std::int64_t due_ns;
  std::uint32_t frame_bytes;
  std::uint32_t crc;
};
static_assert(sizeof(Fields) == kStampBytes && offsetof(Fields, crc) == 28);

std::uint32_t crc_of(std::span<const std::byte> frame) {
  return crc32c(frame.subspan(kStampBytes), crc32c(frame.first(offsetof(Fields, crc))));
}

}  // namespace

void stamp(std::span<std::byte> frame, std::uint64_t number, std::chrono::nanoseconds due) {
  if (frame.size() < kStampBytes)
    throw std::invalid_argument("a frame of less than 32 bytes has no room for a stamp");
  Fields fields{kMagic, kVersion,    kStampBytes,
                number, due.count(), static_cast<std::uint32_t>(frame.size()),
                0};
  std::memcpy(frame.data(), &fields, sizeof fields);
  fields.crc = crc_of(frame);
  std::memcpy(frame.data() + offsetof(Fields, crc), &fields.crc, sizeof fields.crc);
}

Check check(std::span<const std::byte> frame) {
  if (frame.size() < kStampBytes) return {};
  Fields fields{};
  std::memcpy(&fields, frame.data(), sizeof fields);
  if (fields.magic != kMagic || fields.version != kVersion || fields.stamp_bytes != kStampBytes)
    return {};
  const bool whole =
      fields.frame_bytes == static_cast<std::uint32_t>(frame.size()) && fields.crc == crc_of(frame);
  return {whole ? Verdict::good : Verdict::torn, fields.number,
          std::chrono::nanoseconds{fields.due_ns}};
}

}  // namespace daohil::simulators
