#include "drivers/usb/u3v_block.hpp"

#include <algorithm>

namespace daohil::drivers::usb {
namespace {

// As fast as larger ones on real hosts, and half of what the oldest kernels can allocate in one
// piece (Aravis, issue 323).
constexpr std::uint64_t kPreferred = 64U << 10U;

std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
  return (value + step - 1) / step * step;
}

// All before a transfer that was not full must have been full: else there is a hole.
std::optional<std::size_t> contiguous_payload(const TransferPlan& plan,
                                              std::span<const TransferResult> payload) {
  std::size_t total = 0;
  bool ended = false;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const std::size_t room = i < plan.count                       ? plan.payload
                             : i == plan.count && plan.final1 > 0 ? plan.final1
                                                                  : plan.final2;
    if (ended && payload[i].bytes > 0) return std::nullopt;
    total += payload[i].bytes;
    ended = payload[i].bytes < room;
  }
  return total;
}

bool fits(const ImageInfo& image, const ImageLayout& expected) {
  return image.pixel_format == expected.format.code && image.width == expected.width &&
         image.height == expected.height;
}

}  // namespace

TransferPlan plan_transfers(const StreamRequirements& required, std::size_t packet) {
  const std::uint64_t step = std::max<std::uint64_t>(required.alignment, packet);
  TransferPlan plan;
  plan.leader = static_cast<std::uint32_t>(round_up(required.leader_bytes, step));
  plan.trailer = static_cast<std::uint32_t>(round_up(required.trailer_bytes, step));
  plan.payload = static_cast<std::uint32_t>(round_up(kPreferred, step));
  plan.count = static_cast<std::uint32_t>(required.payload_bytes / plan.payload);
  plan.final1 = static_cast<std::uint32_t>(round_up(required.payload_bytes % plan.payload, step));
  return plan;
}

const char* name_of(Damage damage) {
  switch (damage) {
    case Damage::none:
      return "none";
    case Damage::transfer:
      return "transfer";
    case Damage::leader:
      return "leader";
    case Damage::trailer:
      return "trailer";
    case Damage::block_id:
      return "block id";
    case Damage::size:
      return "size";
    case Damage::image:
      return "image";
    case Damage::discarded:
      return "discarded";
  }
  return "?";
}

ReceivedBlock judge_block(const TransferPlan& plan, const ImageLayout& expected,
                          std::span<const TransferResult> results,
                          std::span<const std::byte> bytes) {
  ReceivedBlock block;
  const bool all_complete =
      std::all_of(results.begin(), results.end(),
                  [](const TransferResult& each) { return each.end == TransferEnd::complete; });
  if (results.size() != plan.transfers() || bytes.size() < plan.bytes() || !all_complete)
    return {Damage::transfer, true};

  const auto leader_bytes = bytes.first(results.front().bytes);
  const auto trailer_bytes =
      bytes.subspan(plan.leader + plan.payload_bytes(), results.back().bytes);
  const auto leader_read = parse_leader(leader_bytes);
  const auto trailer_read = parse_trailer(trailer_bytes);
  const auto* leader = std::get_if<Leader>(&leader_read);
  const auto* trailer = std::get_if<Trailer>(&trailer_read);
  // One of them where it should be proves that the block's ends are known.
  block.out_of_step = leader == nullptr && trailer == nullptr;
  if (leader != nullptr) block = {Damage::none, false, leader->block_id, leader->timestamp_ns};
  if (leader == nullptr || !leader->image) {
    block.damage = Damage::leader;
    return block;
  }
  if (trailer == nullptr) {
    block.damage = Damage::trailer;
    return block;
  }
  const auto payload = contiguous_payload(plan, results.subspan(1, results.size() - 2));
  block.padding_x = leader->image->padding_x;
  ImageLayout layout = expected;
  layout.padding_x = block.padding_x;
  const std::size_t needed = payload_bytes(layout);
  // The camera may pad its payload, and say so or not; what counts are the pixels.
  if (trailer->block_id != leader->block_id)
    block.damage = Damage::block_id;
  else if (trailer->status != Status::success)
    block.damage = Damage::discarded;
  else if (!payload || *payload < trailer->payload_bytes || trailer->payload_bytes < needed)
    block.damage = Damage::size;
  else if (!fits(*leader->image, expected) ||
           trailer->height.value_or(leader->image->height) < expected.height)
    block.damage = Damage::image;
  return block;
}

}  // namespace daohil::drivers::usb
