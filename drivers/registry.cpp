#include "drivers/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "drivers/checked.hpp"
#include "drivers/error.hpp"
#include "drivers/replay/replay_camera.hpp"
#include "drivers/stamped/stamped_camera.hpp"
#include "drivers/usb/u3v_camera.hpp"

namespace daohil::drivers {
namespace {

struct Kind {
  std::string_view name;
  std::unique_ptr<Camera> (*make)(const shm::Clock& clock);
};

template <typename Driver>
std::unique_ptr<Camera> make(const shm::Clock& clock) {
  return std::make_unique<Driver>(clock);
}

constexpr std::array kKinds{
    Kind{"stamped", make<StampedCamera>},
    Kind{"replay", make<ReplayCamera>},
    Kind{"usb", make<usb::U3vCamera>},
};

}  // namespace

std::vector<std::string_view> camera_kinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return names;
}

std::unique_ptr<Camera> make_camera(std::string_view kind, const shm::Clock& clock) {
  const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const Kind& known) { return known.name == kind; });
  if (found == kKinds.end())
    throw Error(fmt::format("camera '{}' is not known; the known ones are {}", kind,
                            fmt::join(camera_kinds(), ", ")));
  return std::make_unique<Checked>(found->make(clock), std::string(kind));
}

}  // namespace daohil::drivers
