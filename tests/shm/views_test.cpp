// Frames as numbers and as Eigen matrices, without a copy.

#include "shm/views.hpp"

#include "shm/eigen.hpp"
#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

TEST(Views, ANumberIsWhereTheSpecificationPutsIt) {
  const TempStream stream;
  Writer writer =
      Writer::create(stream.path(), {.format = FrameFormat({2, 3}, PixelType::u16), .depth = 2});
  Reader reader = Reader::open(stream.path());
  Slot slot = writer.begin();
  auto out = matrix<std::uint16_t>(slot.pixels(), writer.format());
  for (int row = 0; row < 2; ++row)
    for (int column = 0; column < 3; ++column)
      out(row, column) = static_cast<std::uint16_t>(10 * row + column);
  slot.commit(FrameId{1});

  const ReadResult frame = reader.next_in_place();
  const auto in = numbers<const std::uint16_t>(frame.pixels, reader.format());
  EXPECT_EQ(std::vector<std::uint16_t>(in.begin(), in.end()),
            (std::vector<std::uint16_t>{0, 1, 2, 10, 11, 12}));
  const auto view = matrix<const std::uint16_t>(frame.pixels, reader.format());
  EXPECT_EQ(view.rows(), 2);
  EXPECT_EQ(view.cols(), 3);
  EXPECT_EQ(view(1, 2), 12);
  EXPECT_EQ(static_cast<const void*>(view.data()), static_cast<const void*>(frame.pixels.data()));
  EXPECT_TRUE(reader.intact(frame));
}

TEST(Views, AxesBecomeRowsAndColumns) {
  Bytes pixels(24 * 4);
  const auto shape_of = [&](Shape shape) {
    const auto view = matrix<float>(std::span(pixels), FrameFormat(shape, PixelType::f32));
    return std::pair{view.rows(), view.cols()};
  };
  EXPECT_EQ(shape_of({24}), (std::pair<Eigen::Index, Eigen::Index>{1, 24}));
  EXPECT_EQ(shape_of({24, 1}), (std::pair<Eigen::Index, Eigen::Index>{24, 1}));
  EXPECT_EQ(shape_of({2, 3, 4}), (std::pair<Eigen::Index, Eigen::Index>{6, 4}));
}

TEST(Views, AnotherTypeOrSizeIsRefused) {
  Bytes pixels(24);
  const FrameFormat format({2, 3}, PixelType::f32);
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"2x3 f32", "i32"}, [&] {
    static_cast<void>(numbers<std::int32_t>(std::span(pixels), format));
  }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"20 bytes", "24"}, [&] {
    static_cast<void>(matrix<float>(std::span(pixels).first(20), format));
  }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"22 bytes"}, [&] {
    static_cast<void>(numbers<float>(std::span(pixels).first(22), format));
  }));
  EXPECT_TRUE(fails_with(Errc::invalid_argument, {"aligned"}, [&] {
    static_cast<void>(numbers<float>(std::span(pixels).subspan(1, 20), format));
  }));
}

}  // namespace
}  // namespace daohil::shm
