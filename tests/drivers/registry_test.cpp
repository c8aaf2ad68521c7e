#include "drivers/registry.hpp"

#include <gtest/gtest.h>

#include "tests/drivers/support/expect_error.hpp"

namespace daohil::drivers {
namespace {

using test::expect_error;

TEST(Registry, KnowsItsCameras) {
  EXPECT_EQ(camera_kinds(), (std::vector<std::string_view>{"stamped", "replay", "usb"}));
  const shm::VirtualClock clock;
  for (const auto kind : camera_kinds()) EXPECT_NE(make_camera(kind, clock), nullptr);
}

TEST(Registry, NamesTheKnownOnesWhenAskedForAnother) {
  const shm::VirtualClock clock;
  for (const char* kind : {"Stamped", "", "ocam2k"})
    expect_error([&] { (void)make_camera(kind, clock); },
                 {"'" + std::string(kind) + "'", "stamped", "replay"});
}

TEST(Registry, WrapsEveryCameraInTheStateMachine) {
  const shm::VirtualClock clock;
  for (const auto kind : camera_kinds()) {
    const auto camera = make_camera(kind, clock);
    expect_error([&] { camera->start({}); }, {kind, "start()", "not configured"});
    expect_error([&] { (void)camera->describe(); }, {kind, "describe()", "not configured"});
  }
}

}  // namespace
}  // namespace daohil::drivers
