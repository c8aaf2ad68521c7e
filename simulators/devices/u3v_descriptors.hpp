#pragma once

#include "simulators/devices/u3v_model.hpp"
#include "simulators/devices/usb_device.hpp"

namespace daohil::simulators::devices {

namespace u3v {
inline constexpr std::uint8_t kCommandOut = 0x01;
inline constexpr std::uint8_t kAckIn = 0x81;
inline constexpr std::uint8_t kStreamIn = 0x82;
inline constexpr std::size_t kPacket = 1024;  ///< of SuperSpeed bulk endpoints
}  // namespace u3v

/// The descriptors of a SuperSpeed USB3 Vision camera with a control and a stream interface.
[[nodiscard]] Descriptors u3v_descriptors(const U3vModel& model);

}  // namespace daohil::simulators::devices
