#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drivers/usb/pixel_format.hpp"
#include "drivers/usb/transport.hpp"
#include "drivers/usb/u3v_protocol.hpp"

namespace daohil::drivers::usb {

/// Sizes of the transfers that one block (leader, payload, trailer) arrives in.
struct TransferPlan {
  std::uint32_t leader = 0;   ///< bytes of its buffer, as of all of these
  std::uint32_t payload = 0;  ///< of each equal payload transfer
  std::uint32_t count = 0;    ///< of these
  std::uint32_t final1 = 0;
  std::uint32_t final2 = 0;
  std::uint32_t trailer = 0;

  [[nodiscard]] std::size_t payload_bytes() const {
    return std::size_t{payload} * count + final1 + final2;
  }
  [[nodiscard]] std::size_t transfers() const {
    return 2 + count + (final1 > 0 ? 1 : 0) + (final2 > 0 ? 1 : 0);
  }
  [[nodiscard]] std::size_t bytes() const { return leader + payload_bytes() + trailer; }
  bool operator==(const TransferPlan&) const = default;
};

/// Payload transfers of at most 64 KiB, or of one alignment where that is more; the rest in one
/// final transfer that is rounded up. Leader and trailer are rounded up to whole packets.
/// @param packet bytes of the endpoint's largest packet
[[nodiscard]] TransferPlan plan_transfers(const StreamRequirements& required, std::size_t packet);

/// Why a block cannot be used.
enum class Damage : std::uint8_t {
  none,
  transfer,   ///< a transfer failed
  leader,     ///< not a leader, or of something that is no image
  trailer,    ///< not a trailer
  block_id,   ///< leader and trailer are of different blocks
  size,       ///< payload, trailer and image disagree on the number of bytes
  image,      ///< another geometry or pixel format than configured
  discarded,  ///< the camera says that it has lost data of it
};
[[nodiscard]] const char* name_of(Damage damage);

/// What the transfers of one block brought.
struct ReceivedBlock {
  Damage damage = Damage::none;
  /// Host and device may disagree on where a block begins: what follows would be garbage.
  bool out_of_step = false;
  std::optional<std::uint64_t> block_id{};  ///< where there was a leader
  std::uint64_t timestamp_ns = 0;
  std::uint16_t padding_x = 0;  ///< of this image's lines
};

/// Judge a block. @param expected its padding is the camera's affair, frame by frame
/// @param results of its transfers, in order
/// @param bytes the block's buffer: leader, payload and trailer at their places in the plan
[[nodiscard]] ReceivedBlock judge_block(const TransferPlan& plan, const ImageLayout& expected,
                                        std::span<const TransferResult> results,
                                        std::span<const std::byte> bytes);

}  // namespace daohil::drivers::usb
