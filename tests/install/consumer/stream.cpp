// One frame through a stream: what the smallest program of a user does.

#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <numeric>
#include <span>

#include "shm/reader.hpp"
#include "shm/segment.hpp"
#include "shm/writer.hpp"

using namespace daohil::shm;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    Writer writer =
        Writer::create(argv[1], {.format = FrameFormat(Shape{3, 5}, PixelType::u16), .depth = 4});
    Reader reader = Reader::open(argv[1]);

    std::array<std::uint16_t, 15> sent{};
    std::iota(sent.begin(), sent.end(), std::uint16_t{100});
    writer.write(std::as_bytes(std::span(sent)), FrameId{7});

    std::array<std::uint16_t, 15> got{};
    const ReadResult result = reader.next(std::as_writable_bytes(std::span(got)));
    const bool good = result.status == ReadStatus::success && result.counter == Counter{1} &&
                      result.id == FrameId{7} && got == sent;
    Segment::unlink(argv[1]);
    std::puts(good ? "frame received" : "another frame received than sent");
    return good ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
