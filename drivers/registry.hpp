#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "drivers/camera.hpp"
#include "shm/time.hpp"

namespace daohil::drivers {

/// The names make_camera knows, in the order of the table.
std::vector<std::string_view> camera_kinds();

/// Make a camera, not yet configured, with its state machine checked.
/// @param kind one of camera_kinds()
/// @param clock what paces it if it has no clock of its own; must outlive it
/// @throws Error on an unknown kind, listing the known ones
std::unique_ptr<Camera> make_camera(std::string_view kind, const shm::Clock& clock);

}  // namespace daohil::drivers
