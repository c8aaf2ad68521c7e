// The streaming half of the simulated camera: exposures become blocks, blocks packets.

#include <algorithm>
#include <utility>

#include "simulators/devices/detail/wire.hpp"
#include "simulators/devices/u3v_camera.hpp"
#include "simulators/devices/u3v_registers.hpp"

namespace daohil::simulators::devices {
namespace {

using namespace u3v;
using detail::append;

constexpr std::uint32_t kLeaderMagic = 0x4C563355;
constexpr std::uint32_t kTrailerMagic = 0x54563355;
constexpr std::size_t kLeader = 52;
constexpr std::size_t kTrailer = 32;

constexpr std::uint16_t kNotAligned = 0xA003;
constexpr std::uint16_t kInconsistent = 0xA004;
constexpr std::uint16_t kDiscarded = 0xA100;

}  // namespace

std::uint16_t U3vCamera::stream_control(bool enable) {
  const auto sirm = [&](std::uint64_t at) { return registers_.get(kSirm + at); };
  if (enable && model_.checks == U3vModel::Checks::strict) {
    const std::uint64_t alignment = std::uint64_t{1} << model_.alignment_log2;
    for (const std::uint64_t at : {0x1CU, 0x24U, 0x28U})
      if (sirm(at) % alignment != 0) return kNotAligned;
    const std::uint64_t room = sirm(0x1C) * sirm(0x20) + sirm(0x24) + sirm(0x28);
    if (room < registers_.get(kPayloadSize) || sirm(0x18) < kLeader || sirm(0x2C) < kTrailer)
      return kInconsistent;
  }
  enabled_ = enable;
  // What waits to be sent is of the stream that was.
  for (Block& block : blocks_) spare_.push_back(std::move(block));
  blocks_.clear();
  return 0;
}

std::optional<U3vFault> U3vCamera::strikes_exposure() {
  const auto hit = std::find_if(faults_.begin(), faults_.end(), [&](const U3vFault& fault) {
    return fault.kind < Kind::control_stall && fault.at <= exposures_since_power_;
  });
  if (hit == faults_.end()) return std::nullopt;
  const U3vFault fault = *hit;
  faults_.erase(hit);
  return fault;
}

void U3vCamera::expose(DeviceTime at) {
  ++counts_.exposed;
  ++exposures_since_power_;
  Exposure exposure{++number_,
                    block_id_++,
                    at,
                    static_cast<std::uint32_t>(registers_.get(kWidth)),
                    static_cast<std::uint32_t>(registers_.get(kHeight)),
                    wire_pixels_of(static_cast<std::uint32_t>(registers_.get(kPixelFormat)))->bits};
  if (!enabled_) return;
  if (blocks_.size() >= model_.buffered_frames) {
    ++counts_.lost;
    return;
  }
  const auto fault = strikes_exposure();
  if (fault && fault->kind == Kind::skip_blocks) {
    exposure.block_id += fault->amount;
    block_id_ += fault->amount;
  }
  Block block;
  if (!spare_.empty()) {
    block = std::move(spare_.back());
    spare_.pop_back();
  }
  render(block, exposure);
  const std::size_t payload = block.bytes.size() - kLeader - kTrailer;
  if (fault) spoil(block, *fault, kLeader, payload);
  cut_into_pieces(block, kLeader, block.bytes.size() - kLeader - kTrailer, kTrailer);
  blocks_.push_back(std::move(block));
}

void U3vCamera::render(Block& block, const Exposure& exposure) {
  block = {std::move(block.bytes), std::move(block.pieces), 0, 0, {}, {}};
  auto& bytes = block.bytes;
  bytes.clear();
  const auto& format = *wire_pixels_of(static_cast<std::uint32_t>(registers_.get(kPixelFormat)));
  append(bytes, kLeaderMagic, 4), append(bytes, 0, 2), append(bytes, kLeader, 2);
  append(bytes, exposure.block_id, 8);
  append(bytes, 0, 2), append(bytes, 1, 2);  // an image
  append(bytes, static_cast<std::uint64_t>(exposure.at.count()), 8);
  append(bytes, format.code, 4);
  append(bytes, exposure.width, 4), append(bytes, exposure.height, 4);
  append(bytes, registers_.get(kOffsetX), 4), append(bytes, registers_.get(kOffsetY), 4);
  append(bytes, model_.padding_x, 2), append(bytes, 0, 2);

  pixels_.resize(std::size_t{exposure.width} * exposure.height);
  source_(exposure, pixels_);
  const std::size_t payload = registers_.get(kPayloadSize);
  bytes.resize(kLeader + payload);
  const auto into = std::span(bytes).subspan(kLeader);
  if (model_.padding_x == 0) {
    pack(format, pixels_, into);
  } else {
    const std::size_t line = wire_bytes(format, exposure.width);
    for (std::size_t y = 0; y < exposure.height; ++y)
      pack(format, std::span(pixels_).subspan(y * exposure.width, exposure.width),
           into.subspan(y * (line + model_.padding_x), line));
  }
  append(bytes, kTrailerMagic, 4), append(bytes, 0, 2), append(bytes, kTrailer, 2);
  append(bytes, exposure.block_id, 8);
  append(bytes, 0, 2), append(bytes, 0, 2);
  append(bytes, payload, 8), append(bytes, exposure.height, 4);
}

// By the sizes that the host has set: count transfers of the payload size, then the two final ones.
// Data that end before their transfer does end it by a short packet, an empty one if need be.
void U3vCamera::cut_into_pieces(Block& block, std::size_t leader, std::size_t payload,
                                std::size_t trailer) {
  const auto sirm = [&](std::uint64_t at) { return registers_.get(kSirm + at); };
  block.pieces.clear();
  block.pieces.push_back({0, leader, sirm(0x18) > leader});
  std::size_t at = leader;
  const std::size_t end = leader + payload;
  const auto cut = [&](std::uint64_t size) {
    if (size == 0 || at >= end) return;
    const std::size_t until = std::min<std::uint64_t>(end, at + size);
    block.pieces.push_back({at, until, until - at < size});
    at = until;
  };
  for (std::uint64_t i = 0; i < sirm(0x20); ++i) cut(sirm(0x1C));
  cut(sirm(0x24));
  cut(sirm(0x28));
  // More than the host has room for: the device goes on, its host sees an overflow.
  if (at < end) block.pieces.back().end = end;
  block.pieces.push_back({end, end + trailer, sirm(0x2C) > trailer});
}

void U3vCamera::spoil(Block& block, const U3vFault& fault, std::size_t leader,
                      std::size_t payload) {
  auto& bytes = block.bytes;
  const std::size_t trailer = leader + payload;
  const auto at = [&](std::size_t offset) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
  };
  switch (fault.kind) {
    case Kind::stream_stall:
      block.stall_after = leader + payload / 2;
      break;
    case Kind::silence:
      block.silent_after = leader + payload / 2;
      break;
    case Kind::short_payload:
      bytes.erase(at(trailer - std::min<std::size_t>(fault.amount, payload)), at(trailer));
      break;
    case Kind::long_payload:
      bytes.insert(at(trailer), fault.amount, std::byte{0xEE});
      break;
    case Kind::bad_leader:
      bytes[0] = std::byte{'X'};
      break;
    case Kind::bad_trailer:
      bytes[trailer] = std::byte{'X'};
      break;
    case Kind::wrong_block:
      bytes[trailer + 8] ^= std::byte{1};
      break;
    case Kind::wrong_size:
      detail::put(bytes, trailer + 20, payload - std::min<std::size_t>(fault.amount, payload), 8);
      break;
    case Kind::discarded:
      detail::put(bytes, trailer + 16, kDiscarded, 2);
      break;
    default:
      break;
  }
}

Answer U3vCamera::send_stream(std::span<std::byte> into) {
  if (blocks_.empty()) return {Handshake::nak, 0};
  Block& block = blocks_.front();
  const Piece& piece = block.pieces[block.piece];
  const std::size_t from = piece.begin + block.sent;
  if (block.stall_after && from >= *block.stall_after) {
    halted_[kStreamIn] = true;
    spare_.push_back(std::move(block));
    blocks_.pop_front();
    return {Handshake::stall, 0};
  }
  if (block.silent_after && from >= *block.silent_after) return {Handshake::nak, 0};
  const std::size_t count = std::min(into.size(), piece.end - from);
  std::copy_n(block.bytes.begin() + static_cast<std::ptrdiff_t>(from), count, into.begin());
  block.sent += count;
  // A full last packet does not tell the host that the transfer is over; an empty one does.
  const bool over = from + count == piece.end && (count < kPacket || !piece.ends_short);
  if (over) {
    block.sent = 0;
    if (++block.piece == block.pieces.size()) {
      ++counts_.sent;
      spare_.push_back(std::move(block));
      blocks_.pop_front();
    }
  }
  return {Handshake::ack, count};
}

}  // namespace daohil::simulators::devices
