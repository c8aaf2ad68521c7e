// Programs by the reference library's rules read our streams: they follow the index, compare
// counters and look at no write flag. Our order of publication must never mislead one, whichever
// two stores it looks between.

#include "shm/reference_reader.hpp"

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kBytes = 64;

Geometry ring(std::uint32_t depth) { return {{4, 4}, 5, 4, depth, 0}; }

TEST(ReferenceReader, AgreesWithOursOnCompletePublications) {
  for (std::uint32_t depth = 1; depth <= 16; ++depth) {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), ring(depth).options());
    for (std::uint64_t lag = 0; lag <= 2 * depth + 1; ++lag) {
      Reader ours = Reader::open(stream.path());
      const Segment segment = Segment::open(stream.path(), Access::read);
      ReferenceReader theirs(segment);
      write_frames(writer, lag);
      for (std::uint64_t i = 0; i <= lag + 1; ++i) {
        const ReadResult a = ours.next_in_place();
        const ReadResult b = theirs.next();
        ASSERT_EQ(a.status, b.status) << "depth " << depth << " lag " << lag << " call " << i;
        ASSERT_EQ(a.counter, b.counter);
        ASSERT_EQ(a.lost, b.lost);
        ASSERT_EQ(a.slot, b.slot);
        ASSERT_EQ(a.has_frame() ? a.id.value : 0, b.has_frame() ? b.id.value : 0);
        if (b.has_frame()) {
          ASSERT_TRUE(holds(b.pixels, b.counter.value));
        }
        ASSERT_EQ(ours.tail().counter, theirs.tail().counter);
      }
    }
  }
}

/// A reference reader that follows at a fixed distance and checks each answer.
class Follower {
 public:
  Follower(const Segment& segment, std::uint64_t distance, std::uint32_t depth)
      : reader_(segment), distance_(distance), depth_(depth) {}

  /// Look after a step of the publication of frame `writing`. `counted`: its counter is stored.
  void look(std::uint64_t writing, bool counted) {
    const std::uint64_t before = reader_.tail().counter.value;
    if (before + distance_ + (counted ? 0 : 1) > writing) return;  // near enough
    const ReadResult got = reader_.next();
    const std::uint64_t after = reader_.tail().counter.value;
    ASSERT_GE(after, before) << "counter went back";
    if (got.status == ReadStatus::overwrite) {
      // Lag N and more is lost at the latest when the counter of the slot's new frame is there.
      const std::uint64_t visible = counted ? writing : writing - 1;
      ASSERT_GT(visible - before, depth_) << "false overwrite";
    }
    if (got.has_frame()) {
      ASSERT_GT(after, before) << "a frame twice";
      // Lag N: the slot being rewritten; the reference cannot know and takes it as good.
      if (after + depth_ != writing || got.status == ReadStatus::overwrite) {
        ASSERT_TRUE(holds(got.pixels, after)) << "frame " << after;
      }
    }
    if (got.status == ReadStatus::success) {
      ASSERT_EQ(after, before + 1);
    }
  }

 private:
  ReferenceReader reader_;
  std::uint64_t distance_;
  std::uint32_t depth_;
};

TEST(ReferenceReader, IsNotMisledBetweenAnyTwoStepsOfAPublication) {
  for (std::uint32_t depth = 1; depth <= 16; ++depth)
    for (std::uint64_t distance = 0; distance <= depth + 2; ++distance) {
      SCOPED_TRACE(fmt::format("depth {} distance {}", depth, distance));
      const TempStream stream;
      Writer writer = Writer::create(stream.path(), ring(depth).options());
      const Segment segment = Segment::open(stream.path(), Access::read);
      Follower follower(segment, distance, depth);
      for (std::uint64_t k = 1; k <= 4 * depth + 3; ++k) {
        SCOPED_TRACE(k);
        Slot slot = writer.begin();
        follower.look(k, false);
        const Bytes pixels = pixels_of(kBytes, k);
        std::memcpy(slot.pixels().data(), pixels.data(), kBytes / 2);
        follower.look(k, false);
        std::memcpy(slot.pixels().data(), pixels.data(), kBytes);
        bool counted = false;
        for (const PublishStep step : Writer::publication_order()) {
          slot.publish(step, FrameId{1000 + k});
          counted = counted || step == PublishStep::counter;
          // More than one look, as a program that polls would take.
          for (int i = 0; i < 3; ++i) follower.look(k, counted);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
}

TEST(ReferenceReader, WouldBeMisledByTheReferencesOwnOrder) {
  // The same look between the index and the counter, in the order that the reference publishes:
  // the witness must notice, or the test above shows nothing.
  const Geometry g = ring(4);
  const TempStream stream;
  write_file(stream.path(), fresh_file(g, stream.path().string(), 1.7e9));
  const RawMapping raw(stream.path());
  const Segment segment = Segment::open(stream.path(), Access::read);
  ReferenceReader reader(segment);
  std::uint64_t false_overwrites = 0;
  for (std::uint64_t k = 1; k <= 12; ++k) {
    const auto slot = static_cast<std::uint32_t>((k - 1) % 4);
    raw.store<std::uint32_t>(4300, slot);
    if (reader.next().status == ReadStatus::overwrite) ++false_overwrites;
    raw.store<std::uint64_t>(slot_at(slot) + 152, k);
    while (reader.next().has_frame()) {
    }
  }
  EXPECT_GT(false_overwrites, 0U);
}

}  // namespace
}  // namespace daohil::shm
