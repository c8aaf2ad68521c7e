#pragma once

#include <array>

#include "shm/publish_step.hpp"

namespace daohil::shm::detail {

/// The order in which a written slot becomes a published frame; the argument for it stands in
/// writer.cpp. A header of its own, so that the tests can build the FIFO with a wrong order and
/// show that they notice.
inline constexpr std::array kPublicationOrder{PublishStep::stamp, PublishStep::counter,
                                              PublishStep::clear_write, PublishStep::index,
                                              PublishStep::wake};

}  // namespace daohil::shm::detail
