#include "drivers/usb/u3v_block.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/usb/bytes.hpp"

namespace daohil::drivers::usb {
namespace {

using test::Bytes;

// The registers of a real camera (Allied Vision 1800 U-500c, Aravis issue 314).
TEST(TransferPlans, CoverThePayloadInAlignedPieces) {
  const TransferPlan plan = plan_transfers({1024, 0x15F900, 0x34, 0x20}, 1024);
  EXPECT_EQ(plan.payload, 0x10000U);
  EXPECT_EQ(plan.count, 21U);
  EXPECT_EQ(plan.final1, 0xFC00U);
  EXPECT_EQ(plan.leader, 1024U);
  EXPECT_EQ(plan.trailer, 1024U);
  EXPECT_EQ(plan.transfers(), 24U);
}

TEST(TransferPlans, FitForEverySizeAndAlignment) {
  for (std::uint32_t log2 = 0; log2 <= 17; ++log2)
    for (std::uint64_t payload : {1U, 1023U, 1024U, 65'536U, 115'200U, 1'000'000U}) {
      const std::uint32_t alignment = 1U << log2;
      const TransferPlan plan = plan_transfers({alignment, payload, 52, 32}, 1024);
      EXPECT_GE(plan.payload_bytes(), payload);
      EXPECT_LT(plan.payload_bytes(), payload + std::max(alignment, 1024U));
      for (const std::uint32_t size : {plan.payload, plan.final1, plan.leader, plan.trailer}) {
        EXPECT_EQ(size % alignment, 0U);
        EXPECT_EQ(size % 1024, 0U);
      }
    }
}

class Judge : public ::testing::Test {
 protected:
  Judge() {
    put(0, Bytes()
               .text("U3VL", 4)
               .u16(0)
               .u16(52)
               .u64(9)
               .u16(0)
               .u16(1)
               .u64(77)
               .u32(0x01080001)
               .u32(40)
               .u32(30)
               .u32(0)
               .u32(0)
               .u16(0)
               .u16(0));
    put(plan.leader + plan.payload_bytes(),
        Bytes().text("U3VT", 4).u16(0).u16(32).u64(9).u16(0).u16(0).u64(1200).u32(30));
  }
  void put(std::size_t at, Bytes what) {
    std::copy(what.get().begin(), what.get().end(),
              bytes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  [[nodiscard]] ReceivedBlock judge() const { return judge_block(plan, image, results, bytes); }

  // Two transfers of 1024, one of 1024: 1200 bytes are a full one and a part.
  TransferPlan plan{1024, 1024, 2, 1024, 0, 1024};
  ImageLayout image{pixel_format_named("Mono8").value(), 40, 30};
  std::vector<std::byte> bytes = std::vector<std::byte>(plan.bytes());
  std::vector<TransferResult> results{{TransferEnd::complete, 52},
                                      {TransferEnd::complete, 1024},
                                      {TransferEnd::complete, 176},
                                      {TransferEnd::complete, 0},
                                      {TransferEnd::complete, 32}};
};

TEST_F(Judge, TakesAGoodBlock) {
  const ReceivedBlock block = judge();
  EXPECT_EQ(block.damage, Damage::none);
  EXPECT_EQ(block.block_id, 9U);
  EXPECT_EQ(block.timestamp_ns, 77U);
}

TEST_F(Judge, SeesAHole) {
  results[1].bytes = 1000;
  results[2].bytes = 200;
  EXPECT_EQ(judge().damage, Damage::size);
}

TEST_F(Judge, SeesMissingBytes) {
  results[2].bytes = 175;
  EXPECT_EQ(judge().damage, Damage::size);
  EXPECT_FALSE(judge().out_of_step);
  EXPECT_EQ(judge().block_id, 9U);
}

TEST_F(Judge, SeesAnotherImageThanConfigured) {
  image.width = 20;
  EXPECT_EQ(judge().damage, Damage::image);
}

TEST_F(Judge, SeesAFailedTransfer) {
  for (const TransferEnd end : {TransferEnd::overflow, TransferEnd::stalled, TransferEnd::error}) {
    results[2].end = end;
    EXPECT_EQ(judge().damage, Damage::transfer);
    EXPECT_TRUE(judge().out_of_step);
  }
}

TEST_F(Judge, IsOutOfStepWithoutLeaderAndTrailer) {
  bytes[0] = std::byte{0};
  EXPECT_EQ(judge().damage, Damage::leader);
  EXPECT_FALSE(judge().out_of_step);
  EXPECT_EQ(judge().block_id, std::nullopt);
  results[4].bytes = 31;
  EXPECT_TRUE(judge().out_of_step);
}

}  // namespace
}  // namespace daohil::drivers::usb
