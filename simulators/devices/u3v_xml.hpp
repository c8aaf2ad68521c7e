#pragma once

#include <string>

#include "simulators/devices/u3v_model.hpp"

namespace daohil::simulators::devices {

/// The GenICam description of the simulated camera: SFNC names over its registers, by every kind of
/// node that a host of real cameras has to understand.
[[nodiscard]] std::string u3v_xml(const U3vModel& model);

}  // namespace daohil::simulators::devices
