#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "shm/frame.hpp"

namespace daohil::drivers {

/// Zeroed memory for frames, its pages touched, so that no page fault falls on the frame path.
/// @param owner the device or file, for the message
/// @throws Error when the frames do not fit into this computer's memory: asking for them would not
///         fail but have the kernel kill some process later
std::vector<std::byte> allocate_pixels(std::string_view owner, const shm::FrameFormat& format,
                                       std::uint64_t frames);

}  // namespace daohil::drivers
