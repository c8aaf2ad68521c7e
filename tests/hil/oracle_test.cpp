#include "hil/judge/oracle.hpp"

#include <gtest/gtest.h>

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

constexpr std::uint32_t kDepth = 4;

// Frame k: claimed at 100 k - 2, publishing at 100 k - 1, published at 100 k.
std::vector<SourceEvent> frames(std::uint64_t n) {
  std::vector<SourceEvent> events;
  for (std::uint64_t k = 1; k <= n; ++k) {
    const auto t = static_cast<std::int64_t>(100 * k);
    events.push_back({.due = t - 3,
                      .claimed = t - 2,
                      .publishing = t - 1,
                      .published = t,
                      .counter = k,
                      .id = k});
  }
  return events;
}

CallEvent call(std::int64_t before, std::int64_t after, ReadStatus status, std::uint64_t counter) {
  CallEvent event;
  event.before = before;
  event.after = after;
  event.status = status;
  event.counter = counter;
  return event;
}

OracleFinding check(std::vector<CallEvent> calls, std::uint32_t depth = kDepth,
                    plan::OnEmpty on_empty = plan::OnEmpty::poll, std::int64_t guard = 0) {
  ReaderTrace reader;
  reader.calls = std::move(calls);
  plan::ReaderPlan plan;
  plan.on_empty = on_empty;
  return check_calls(frames(20), reader, plan, depth, guard);
}

TEST(Oracle, AcceptsWhatTheRulesAllow) {
  const auto finding =
      check({call(50, 51, ReadStatus::not_ready, 0), call(150, 151, ReadStatus::success, 1),
             // 4 unread at depth 4: still the next frame
             call(550, 551, ReadStatus::success, 2),
             // frames 3 .. 7 unread: lapped
             call(750, 751, ReadStatus::overwrite, 7)});
  EXPECT_EQ(finding.violations, 0U) << finding.first_violation;
  EXPECT_EQ(finding.ambiguous, 0U);
  EXPECT_EQ(finding.checked, 4U);
}

TEST(Oracle, RefusesEveryOtherAnswer) {
  // 5 unread at depth 4: only overwrite(5).
  for (const auto& [status, counter] :
       std::vector<std::pair<ReadStatus, std::uint64_t>>{{ReadStatus::success, 1},
                                                         {ReadStatus::success, 5},
                                                         {ReadStatus::overwrite, 4},
                                                         {ReadStatus::overwrite, 6},
                                                         {ReadStatus::not_ready, 0}}) {
    const auto finding = check({call(550, 551, status, counter)});
    EXPECT_EQ(finding.violations, 1U) << shm::name_of(status) << " " << counter;
    EXPECT_FALSE(finding.first_violation.empty());
  }
  // 4 unread, and nothing claimed: an overwrite is one too early.
  EXPECT_EQ(check({call(450, 451, ReadStatus::overwrite, 4)}).violations, 1U);
  // A frame before it was being published.
  EXPECT_EQ(check({call(50, 51, ReadStatus::success, 1)}).violations, 1U);
  // Frame 1 again, after frame 3.
  EXPECT_EQ(check({call(150, 151, ReadStatus::success, 1), call(251, 252, ReadStatus::success, 2),
                   call(351, 352, ReadStatus::success, 1)})
                .violations,
            1U);
}

TEST(Oracle, ACallDuringAPublicationMayGoEitherWay) {
  for (const auto& [status, counter] : std::vector<std::pair<ReadStatus, std::uint64_t>>{
           {ReadStatus::success, 1}, {ReadStatus::overwrite, 5}}) {
    const auto finding = check({call(499, 499, status, counter)});
    EXPECT_EQ(finding.violations, 0U);
    EXPECT_EQ(finding.ambiguous, 1U);
  }
}

// While the writer fills the slot of the frame wanted, that frame is gone: overwrite with the
// newest one, N - 1 lost.
TEST(Oracle, AClaimedSlotMayBeGivenUp) {
  const auto finding = check({call(498, 498, ReadStatus::overwrite, 4)});
  EXPECT_EQ(finding.violations, 0U) << finding.first_violation;
  EXPECT_EQ(check({call(498, 498, ReadStatus::not_ready, 0)}, 1).violations, 1U)
      << "4 frames unread at depth 1";
  EXPECT_EQ(check({call(198, 198, ReadStatus::not_ready, 0)}, 1).violations, 0U)
      << "at depth 1 the only slot is being rewritten";
}

TEST(Oracle, AWaitingReaderNeverReportsNothing) {
  EXPECT_EQ(check({call(50, 51, ReadStatus::not_ready, 0)}, kDepth, plan::OnEmpty::wait).violations,
            1U);
  // Woken in the middle of the publication that woke it: not ambiguous.
  EXPECT_EQ(check({call(99, 102, ReadStatus::success, 1)}, kDepth, plan::OnEmpty::wait).ambiguous,
            0U);
}

TEST(Oracle, TheGuardWidensBothEnds) {
  EXPECT_EQ(check({call(98, 98, ReadStatus::success, 1)}).violations, 1U);
  EXPECT_EQ(
      check({call(98, 98, ReadStatus::success, 1)}, kDepth, plan::OnEmpty::poll, 2).violations, 0U);
  EXPECT_EQ(
      check({call(101, 101, ReadStatus::not_ready, 0)}, kDepth, plan::OnEmpty::poll, 2).violations,
      0U);
}

}  // namespace
}  // namespace daohil::hil::judge
