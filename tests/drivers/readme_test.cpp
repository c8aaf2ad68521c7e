#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "drivers/checked.hpp"
#include "drivers/publisher.hpp"
#include "tests/drivers/example_camera.hpp"
#include "tests/drivers/support/expect_error.hpp"
#include "tests/drivers/support/stream_path.hpp"

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;

std::string text_of(const std::string& file) {
  std::ifstream in(std::string(DAO_HIL_SOURCE_DIR) + "/" + file);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Readme, ShowsTheExampleAsItIsCompiled) {
  const std::string readme = text_of("drivers/README.md");
  EXPECT_NE(readme.find(text_of("tests/drivers/example_camera.hpp")), std::string::npos)
      << "copy tests/drivers/example_camera.hpp into drivers/README.md";
}

TEST(Readme, ExampleWorks) {
  const shm::VirtualClock clock;
  Checked camera(std::make_unique<DarkCamera>(clock), "dark");
  test::expect_error([&] { camera.configure({.type = shm::PixelType::f32}); }, {"dark", "f32"});
  camera.configure({.shape = shm::Shape{4, 5}});
  const test::StreamPath path;
  auto writer =
      shm::Writer::create(path.get(), {.format = camera.describe().format, .depth = 4}, clock);
  Publisher publisher(camera, writer, clock);
  camera.start(MonotonicTime{1ms});
  for (std::uint64_t k = 1; k <= 6; ++k) {
    const Published published = publisher.next(clock.now() + 1s);
    EXPECT_EQ(published.outcome, WaitOutcome::frame);
    EXPECT_EQ(published.id.value, k);
    EXPECT_EQ(published.published, MonotonicTime{1ms} + (k - 1) * 2ms);
  }
}

}  // namespace
}  // namespace daohil::drivers
