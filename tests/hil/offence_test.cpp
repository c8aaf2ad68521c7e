#include "hil/judge/offence.hpp"

#include <gtest/gtest.h>

namespace daohil::hil::judge {
namespace {

using shm::ReadStatus;

constexpr std::uint32_t kDepth = 4;

// Frame k is published at 100 k.
std::vector<SourceEvent> frames(std::uint64_t n) {
  std::vector<SourceEvent> events;
  for (std::uint64_t k = 1; k <= n; ++k) {
    const auto t = static_cast<std::int64_t>(100 * k);
    events.push_back({t - 3, t - 2, t - 1, t, k, k});
  }
  return events;
}

CallEvent call(std::int64_t before, ReadStatus status, std::uint64_t counter,
               std::uint64_t lost = 0, Content content = Content::good) {
  CallEvent event;
  event.before = before;
  event.after = before + 1;
  event.status = status;
  event.counter = counter;
  event.lost = lost;
  event.content = content;
  return event;
}

std::optional<Offence> look(std::vector<CallEvent> calls, bool oracle = false) {
  static const plan::ReaderPlan kInTurn;
  ReaderTrace reader;
  reader.calls = std::move(calls);
  return first_offence(frames(20), reader,
                       {.reader = &kInTurn, .depth = kDepth, .oracle = oracle, .guard_ns = 0});
}

TEST(Offence, NoneInARunThatIsRight) {
  EXPECT_FALSE(look({call(150, ReadStatus::success, 1), call(550, ReadStatus::success, 2),
                     call(750, ReadStatus::overwrite, 7, 4), call(850, ReadStatus::success, 8)},
                    true));
}

TEST(Offence, EachKindIsFoundWhereItHappened) {
  const CallEvent good = call(150, ReadStatus::success, 1);
  const std::vector<std::pair<CallEvent, std::string>> kinds{
      {call(250, ReadStatus::success, 2, 0, Content::torn), "more than one frame"},
      {call(250, ReadStatus::success, 2, 0, Content::wrong_frame), "another than it says"},
      {call(250, ReadStatus::success, 2, 1), "success, with 1 frames lost"},
      {call(750, ReadStatus::overwrite, 4, 2), "no fewer than 3"},
      {call(750, ReadStatus::overwrite, 7, 4), "says 4 lost, but counter 7 follows 1"},
      {call(250, ReadStatus::success, 1), "a second time"},
      {call(250, ReadStatus::success, 0), "back"}};
  for (const auto& [bad, words] : kinds) {
    const auto offence = look({good, bad, bad});
    ASSERT_TRUE(offence) << words;
    EXPECT_EQ(offence->index, 1U);
    EXPECT_NE(offence->what.find(words), std::string::npos) << offence->what;
  }
}

TEST(Offence, TheOracleIsAskedOnlyWhenItMayBe) {
  // 5 unread of 4 slots: an overwrite. That it was none shows in no counter.
  const std::vector<CallEvent> calls{call(150, ReadStatus::success, 1),
                                     call(650, ReadStatus::success, 2)};
  EXPECT_FALSE(look(calls, false));
  const auto offence = look(calls, true);
  ASSERT_TRUE(offence);
  EXPECT_EQ(offence->index, 1U);
  EXPECT_TRUE(offence->what.starts_with("oracle: call 1 at 650 ns: tail 1, said success(2)"))
      << offence->what;
}

TEST(Offence, TheEarliestCounts) {
  const auto offence = look({call(150, ReadStatus::success, 1), call(650, ReadStatus::success, 2),
                             call(660, ReadStatus::success, 1)},
                            true);
  ASSERT_TRUE(offence);
  EXPECT_EQ(offence->index, 1U);
}

TEST(Offence, WithoutAPlanOnlyThePixelsSpeak) {
  ReaderTrace reader;
  reader.calls = {call(150, ReadStatus::success, 5), call(250, ReadStatus::success, 3),
                  call(350, ReadStatus::success, 4, 0, Content::torn)};
  const auto offence = first_offence(frames(20), reader, {.depth = kDepth});
  ASSERT_TRUE(offence);
  EXPECT_EQ(offence->index, 2U);
}

TEST(Offence, FramesOutOfTurn) {
  EXPECT_FALSE(first_offence(frames(5)));
  auto skipped = frames(5);
  skipped[3].counter = 6;
  ASSERT_TRUE(first_offence(skipped));
  EXPECT_EQ(first_offence(skipped)->index, 3U);
  auto repeated = frames(5);
  repeated[2].id = 2;
  ASSERT_TRUE(first_offence(repeated));
  EXPECT_EQ(first_offence(repeated)->index, 2U);
}

}  // namespace
}  // namespace daohil::hil::judge
