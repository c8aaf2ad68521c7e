// A reader that is interrupted after every single machine instruction of `next`, while the writer
// goes on by a few frames. Random schedules hit these moments once in a million calls.

#include "tests/shm/stepped.hpp"
#include "shm/shared_block.hpp"

namespace daohil::shm {
namespace {

using namespace test;

#ifdef DAO_HIL_CAN_STEP

constexpr std::size_t kBytes = 64;

/// What the child is told and what it answers.
struct Shared {
  Tail tail;
  ReadStatus status;
  std::uint64_t counter;
  std::uint64_t lost;
  bool right;
};

/// Is this a right answer, if `before` frames were there at the call and `after` at its end?
testing::AssertionResult explained(const Shared& got, std::uint64_t before, std::uint64_t after,
                                   std::uint32_t depth) {
  const std::uint64_t r = got.tail.counter.value;
  const auto fail = [&](const char* why) {
    return testing::AssertionFailure()
           << why << ": " << shm::name_of(got.status) << " frame " << got.counter << " lost "
           << got.lost << ", tail " << r << ", newest " << before << " to " << after << ", depth "
           << depth;
  };
  switch (got.status) {
    case ReadStatus::success:
      if (got.counter != r + 1 || got.lost != 0) return fail("not the next frame");
      return got.right ? testing::AssertionSuccess() : fail("wrong pixels");
    case ReadStatus::overwrite:
      if (after - r <= depth) return fail("false overwrite");
      if (got.counter < before || got.counter > after) return fail("not the newest");
      if (got.lost != got.counter - r - 1) return fail("lost");
      return got.right ? testing::AssertionSuccess() : fail("wrong pixels");
    case ReadStatus::not_ready:
      return before == r ? testing::AssertionSuccess() : fail("a frame was there");
    default:
      return fail("one interruption does not keep it from reading");
  }
}

class Interrupted : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Depth, Interrupted, testing::Values(1U, 2U, 3U));

TEST_P(Interrupted, AfterAnyInstructionNextIsRight) {
  const std::uint32_t depth = GetParam();
  const TempStream stream;
  const SharedBlock block(sizeof(Shared));
  auto* shared = new (block.data()) Shared{};
  Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, depth, 0}.options());
  write_frames(writer, 2 * depth);
  Stepped stepped([&] {
    Reader reader = Reader::open(stream.path());
    Bytes into(kBytes);
    for (;;) {
      Stepped::pause();  // to be given a tail
      reader.set_tail(shared->tail);
      Stepped::pause();
      const ReadResult got = reader.next(into);
      Stepped::pause();
      shared->status = got.status;
      shared->counter = got.counter.value;
      shared->lost = got.lost;
      shared->right =
          got.has_frame() && holds(into, got.counter.value) && reader.tail().counter == got.counter;
    }
  });
  if (!stepped.arrive()) GTEST_SKIP() << "tracing a process is not permitted here";

  std::uint64_t calls = 0;
  // Nothing there or a full ring; then one frame, the ring once round, one more than that.
  for (const std::uint64_t backlog : {0U, depth})
    for (const std::uint64_t more : {1U, depth, depth + 1}) {
      bool inside = true;  // the call has not ended before so many instructions
      for (std::uint64_t instructions = 0; inside; ++instructions, ++calls) {
        const Counter tail{writer.newest().value};
        write_frames(writer, backlog);
        shared->tail = {static_cast<std::uint32_t>((tail.value - 1) % depth), tail};
        stepped.go();  // to the call
        const std::uint64_t before = writer.newest().value;
        inside = stepped.step(instructions);
        const bool interrupted = inside;
        if (interrupted) {
          write_frames(writer, more);
          stepped.go();  // to the end of the call
        }
        stepped.go();  // to the next tail
        ASSERT_TRUE(explained(*shared, before, writer.newest().value, depth))
            << "backlog " << backlog << ", " << more << " frames after " << instructions
            << " instructions";
      }
    }
  EXPECT_GT(calls, 100U);
}

#else

TEST(Interrupted, IsTestedWithoutSanitizers) { GTEST_SKIP() << "built with a sanitizer"; }

#endif

}  // namespace
}  // namespace daohil::shm
