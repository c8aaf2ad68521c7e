#pragma once

#include <string_view>

namespace daohil::shm {

/// The named steps by which a slot becomes a frame, each callable alone, so that a test can stop
/// a writer between any two of them.
enum class PublishStep {
  stamp,        ///< time of commit and the device's frame id
  counter,      ///< cnt0: from here on an in-order reader may take the frame
  clear_write,  ///< write = 0: the slot is whole
  index,        ///< fifo_last_written: the frame is the newest
  wake,         ///< doorbell and semaphores
};

[[nodiscard]] constexpr std::string_view name_of(PublishStep step) {
  switch (step) {
    case PublishStep::stamp:
      return "stamp";
    case PublishStep::counter:
      return "counter";
    case PublishStep::clear_write:
      return "clear_write";
    case PublishStep::index:
      return "index";
    case PublishStep::wake:
      return "wake";
  }
  return "?";
}

}  // namespace daohil::shm
