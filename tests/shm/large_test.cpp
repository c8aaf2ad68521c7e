// Streams larger than 4 GiB, where a 32-bit product would wrap, and very many of them. Sparse
// files: only the pages that are touched exist.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

// The stream as `create` would leave it, without taking the room that create reserves.
void make_sparse(const TempStream& stream, const Geometry& geometry) {
  Geometry one = geometry;
  one.axes = {1};
  const Bytes metadata = fresh_file(one, stream.path().string(), 1.0);
  const int fd = ::open(stream.path().c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  ASSERT_GE(fd, 0);
  const auto size = geometry.depth * (kMeta + geometry.frame_bytes());
  ASSERT_EQ(::ftruncate(fd, static_cast<off_t>(size)), 0);
  for (std::uint32_t slot = 0; slot < geometry.depth; ++slot) {
    Bytes md(metadata.begin() + static_cast<std::ptrdiff_t>(slot_at(slot)),
             metadata.begin() + static_cast<std::ptrdiff_t>(slot_at(slot) + kMeta));
    put(md, 80, static_cast<std::uint8_t>(geometry.axes.size()));
    for (std::size_t i = 0; i < geometry.axes.size(); ++i) put(md, 84 + 4 * i, geometry.axes[i]);
    put(md, 96, geometry.elements());
    ASSERT_EQ(::pwrite(fd, md.data(), md.size(), static_cast<off_t>(slot_at(slot))),
              static_cast<ssize_t>(md.size()));
  }
  ::close(fd);
}

struct Case {
  std::vector<std::uint32_t> axes;
  std::uint32_t depth;
};

class Large : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Geometry, Large,
                         testing::Values(Case{{1024, 1024, 1024}, 1},   // a frame of exactly 4 GiB
                                         Case{{1024, 1024, 1025}, 2},   // more than 4 GiB each
                                         Case{{1024, 1024, 300}, 8}));  // slots beyond 4 GiB

TEST_P(Large, TheLastPixelOfTheLastSlotIsItsOwn) {
  const TempStream stream;
  const Geometry geometry{GetParam().axes, 5, 4, GetParam().depth, 0};
  make_sparse(stream, geometry);
  Writer writer = Writer::attach(stream.path());
  Reader reader = Reader::open(stream.path());
  const std::size_t last = geometry.frame_bytes() - 4;
  for (std::uint32_t k = 1; k <= geometry.depth; ++k) {
    Slot slot = writer.begin();
    ASSERT_EQ(slot.pixels().size(), geometry.frame_bytes());
    put(slot.pixels(), last, k);
    slot.commit(FrameId{k});
  }
  for (std::uint32_t k = 1; k <= geometry.depth; ++k) {
    const ReadResult frame = reader.next_in_place();
    ASSERT_EQ(frame.status, ReadStatus::success);
    EXPECT_EQ(frame.counter.value, k);
    EXPECT_EQ(get<std::uint32_t>(frame.pixels, last), k);
    EXPECT_EQ(get<std::uint32_t>(frame.pixels, 0), 0U);
  }
}

TEST(ManyStreams, DoNotGetInEachOthersWay) {
  const char* text = std::getenv("DAO_HIL_STREAMS");  // 10 000 in tests/deep
  const int wanted = text == nullptr ? 200 : std::atoi(text);
  const TempStream first;  // the others are named after it
  const auto path = [&](int i) { return fmt::format("/dev/shm/{}-{}.im.shm", first.base(), i); };
  for (int i = 0; i < wanted; ++i) {
    Writer writer = Writer::create(path(i), Geometry{{4, 4}, 5, 4, 2, 0}.options());
    write_frames(writer, static_cast<std::uint64_t>(i % 5));
  }
  for (int i = 0; i < wanted; ++i) {
    const Reader reader = Reader::open(path(i));
    EXPECT_EQ(reader.newest_counter().value, static_cast<std::uint64_t>(i % 5));
  }
  for (int i = 0; i < wanted; ++i) EXPECT_TRUE(Segment::unlink(path(i)));
}

}  // namespace
}  // namespace daohil::shm
