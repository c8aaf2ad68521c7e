#pragma once

#include <array>

#include "shm/publish_step.hpp"

namespace daohil::shm::detail {

// The order of the reference library: write = 0, index, stamp, counter.
inline constexpr std::array kPublicationOrder{PublishStep::clear_write, PublishStep::index,
                                              PublishStep::stamp, PublishStep::counter,
                                              PublishStep::wake};

}  // namespace daohil::shm::detail
