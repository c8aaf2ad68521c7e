#include "drivers/checked.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <stdexcept>

#include "tests/drivers/support/expect_error.hpp"
#include "tests/drivers/support/scripted_camera.hpp"

namespace daohil::drivers {
namespace {

using namespace std::chrono_literals;
using test::expect_error;
using test::ScriptedCamera;

constexpr MonotonicTime kLater{1s};

enum State { made, configured, running, announced };

/// A checked camera, brought by legal calls into a state.
struct Fixture {
  explicit Fixture(State state, std::vector<WaitOutcome> script = {WaitOutcome::frame}) {
    auto inner = std::make_unique<ScriptedCamera>(std::move(script));
    device = inner.get();
    camera = std::make_unique<Checked>(std::move(inner), "test");
    if (state >= configured) camera->configure({});
    if (state >= running) camera->start(MonotonicTime{});
    if (state >= announced) (void)camera->wait(kLater);
    device->calls.clear();
  }
  ScriptedCamera* device;
  std::unique_ptr<Checked> camera;
  std::array<std::byte, 6> slot{};
};

struct Rule {
  const char* call;
  std::function<void(Fixture&)> run;
  std::array<bool, 4> legal;  ///< by State
};

const std::array<Rule, 8> kRules{{
    {"configure()", [](Fixture& f) { f.camera->configure({}); }, {true, true, false, false}},
    {"describe()", [](Fixture& f) { (void)f.camera->describe(); }, {false, true, true, true}},
    {"content_check()",
     [](Fixture& f) { (void)f.camera->content_check(); },
     {false, true, true, true}},
    {"start()", [](Fixture& f) { f.camera->start({}); }, {false, true, false, false}},
    {"next_due()", [](Fixture& f) { (void)f.camera->next_due(); }, {false, false, true, false}},
    {"wait()", [](Fixture& f) { f.camera->wait(kLater); }, {false, false, true, false}},
    {"read_into()", [](Fixture& f) { f.camera->read_into(f.slot); }, {false, false, false, true}},
    {"stop()", [](Fixture& f) { f.camera->stop(); }, {false, false, true, true}},
}};

TEST(Checked, AllowsExactlyTheCallsOfEachState) {
  for (const Rule& rule : kRules)
    for (const State state : {made, configured, running, announced}) {
      SCOPED_TRACE(std::string(rule.call) + " in state " + std::to_string(state));
      Fixture f(state);
      if (rule.legal.at(state)) {
        EXPECT_NO_THROW(rule.run(f));
        continue;
      }
      constexpr std::array<const char*, 4> kSaid{
          "made but not configured", "configured but not running", "running", "running"};
      expect_error([&] { rule.run(f); }, {"camera test", rule.call, kSaid.at(state)});
      EXPECT_TRUE(f.device->calls.empty()) << "the device has been called";
    }
}

TEST(Checked, ReadsOnceAfterEachFrame) {
  Fixture f(announced);
  f.camera->read_into(f.slot);
  expect_error([&] { f.camera->read_into(f.slot); }, {"read_into()", "once"});
  EXPECT_EQ(f.camera->wait(kLater), WaitOutcome::frame);
  EXPECT_EQ(f.camera->read_into(f.slot).value, 2U);
}

TEST(Checked, ReadsNothingAfterOtherOutcomes) {
  for (const auto outcome :
       {WaitOutcome::timeout, WaitOutcome::damaged, WaitOutcome::lost, WaitOutcome::ended}) {
    Fixture f(running, {outcome});
    EXPECT_EQ(f.camera->wait(kLater), outcome);
    expect_error([&] { f.camera->read_into(f.slot); }, {"read_into()", "wait()"});
    EXPECT_EQ(f.camera->wait(kLater), outcome);
  }
}

TEST(Checked, TakesOnlySlotsOfOneFrame) {
  for (const std::size_t size : {0, 5, 7}) {
    Fixture f(announced);
    std::vector<std::byte> slot(size);
    expect_error([&] { f.camera->read_into(slot); },
                 {"camera test", std::to_string(size) + " bytes", "6"});
    EXPECT_TRUE(f.device->calls.empty());
    EXPECT_NO_THROW(f.camera->read_into(f.slot)) << "the frame is still there";
  }
}

TEST(Checked, MayRunAndBeConfiguredAgain) {
  Fixture f(announced);
  f.camera->stop();
  f.camera->start({});
  expect_error([&] { f.camera->read_into(f.slot); }, {"no frame announced"});
  f.camera->stop();
  f.camera->configure({});
  f.camera->start({});
  EXPECT_EQ(f.camera->wait(kLater), WaitOutcome::frame);
}

class Unconfigurable final : public Camera {
 public:
  void configure(const CameraSettings& settings) override {
    if (settings.rate) throw Error("camera: no such rate");
  }
  [[nodiscard]] CameraDescription describe() const override {
    return ScriptedCamera({}).describe();
  }
  void start(MonotonicTime) override {}
  WaitOutcome wait(MonotonicTime) override { return WaitOutcome::timeout; }
  FrameId read_into(std::span<std::byte>) override { return {}; }
  void stop() override { throw std::runtime_error("unplugged"); }
};

TEST(Checked, IsUnconfiguredAfterAFailedConfigure) {
  Checked camera(std::make_unique<Unconfigurable>(), "test");
  camera.configure({});
  expect_error([&] { camera.configure({.rate = Rate::millihertz(1)}); }, {"no such rate"});
  expect_error([&] { camera.start({}); }, {"start()", "made but not configured"});
  EXPECT_NO_THROW(camera.configure({}));
}

TEST(Checked, StopsARunningDeviceWhenDestroyed) {
  std::vector<std::string> calls;
  class Noting final : public Camera {
   public:
    explicit Noting(std::vector<std::string>& out) : out_(&out) {}
    void configure(const CameraSettings&) override {}
    [[nodiscard]] CameraDescription describe() const override {
      return ScriptedCamera({}).describe();
    }
    void start(MonotonicTime) override {}
    WaitOutcome wait(MonotonicTime) override { return WaitOutcome::timeout; }
    FrameId read_into(std::span<std::byte>) override { return {}; }
    void stop() override { out_->emplace_back("stop"); }

   private:
    std::vector<std::string>* out_;
  };
  {
    Checked camera(std::make_unique<Noting>(calls), "test");
    camera.configure({});
  }
  EXPECT_TRUE(calls.empty());
  {
    Checked camera(std::make_unique<Noting>(calls), "test");
    camera.configure({});
    camera.start({});
  }
  EXPECT_EQ(calls.size(), 1U);

  auto unplugged = std::make_unique<Checked>(std::make_unique<Unconfigurable>(), "test");
  unplugged->configure({});
  unplugged->start({});
  EXPECT_NO_THROW(unplugged.reset());
}

}  // namespace
}  // namespace daohil::drivers
