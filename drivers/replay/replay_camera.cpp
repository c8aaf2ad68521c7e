#include "drivers/replay/replay_camera.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "drivers/error.hpp"
#include "drivers/replay/replay_check.hpp"

namespace daohil::drivers {
namespace {

void check_format(const CameraSettings& settings, const FrameFormat& format) {
  const std::string file = settings.file.string();
  if (settings.shape && *settings.shape != format.shape())
    throw Error(
        fmt::format("camera replay: shape {} is asked, recording {} has {}; leave the "
                    "shape out or name another file",
                    settings.shape->str(), file, format.shape().str()));
  if (settings.type && *settings.type != format.type())
    throw Error(
        fmt::format("camera replay: type {} is asked, recording {} has {}; leave the type "
                    "out or name another file",
                    shm::name_of(*settings.type), file, shm::name_of(format.type())));
}

Rate rate_for(const CameraSettings& settings, const Cube& cube) {
  if (settings.rate) return *settings.rate;
  if (cube.rate) return *cube.rate;
  throw Error(
      fmt::format("camera replay: no rate is asked and recording {} states none (FRATE); "
                  "give a rate",
                  settings.file.string()));
}

}  // namespace

ReplayCamera::ReplayCamera(const shm::Clock& clock) : clock_(&clock) {}

void ReplayCamera::configure(const CameraSettings& settings) {
  if (settings.file.empty())
    throw Error("camera replay: no file is given; name a FITS cube or a .npy array");
  // Given back before the next one is taken: each may fill most of the memory.
  playing_.reset();
  next_.reset();

  Cube cube = load_cube(settings.file);
  check_format(settings, cube.format);
  const Rate rate = rate_for(settings, cube);
  std::optional<std::uint64_t> frames;
  if (settings.at_end == AtEnd::stop) frames = cube.frames;

  CameraDescription description{.model = "replay",
                                .identity = settings.file.string(),
                                .format = cube.format,
                                .rate = rate,
                                .frames = frames,
                                .sha256 = cube.sha256,
                                .pass = cube.frames};
  auto check = std::make_shared<ReplayCheck>(cube, settings.at_end);
  playing_.emplace(Playing{std::move(cube), std::move(description),
                           Pacer(RateProfile(rate, settings.rate_steps), settings.on_late, frames), std::move(check)});
}

CameraDescription ReplayCamera::describe() const { return playing_.value().description; }

std::shared_ptr<const ContentCheck> ReplayCamera::content_check() const {
  return playing_.value().check;
}

void ReplayCamera::start(MonotonicTime first) {
  playing_.value().pacer.start(first);
  next_.reset();
}

const std::optional<DueFrame>& ReplayCamera::announce() {
  if (!next_) next_ = playing_.value().pacer.next(clock_->now());
  return next_;
}

std::optional<MonotonicTime> ReplayCamera::next_due() {
  const auto& next = announce();
  if (!next) return std::nullopt;
  return next->at;
}

WaitOutcome ReplayCamera::wait(MonotonicTime deadline) {
  const auto& next = announce();
  if (!next) return WaitOutcome::ended;
  return wait_until_due(*clock_, next->at, deadline);
}

FrameId ReplayCamera::read_into(std::span<std::byte> slot) {
  const FrameId id = next_.value().id;
  const Cube& cube = playing_->cube;
  const auto pixels = cube.frame((id.value - 1) % cube.frames);
  std::memcpy(slot.data(), pixels.data(), pixels.size());
  next_.reset();
  return id;
}

void ReplayCamera::stop() { next_.reset(); }

}  // namespace daohil::drivers
