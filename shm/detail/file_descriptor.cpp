#include "shm/detail/file_descriptor.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>

#include "shm/time.hpp"

namespace daohil::shm::detail {

FileDescriptor open_without_hanging(const char* path, int flags) {
  constexpr int kAttempts = 1000;
  constexpr Duration kPause = std::chrono::milliseconds(1);
  for (int attempt = 1;; ++attempt) {
    FileDescriptor fd(::open(path, flags | O_CLOEXEC | O_NONBLOCK));
    if (fd || errno != EWOULDBLOCK || attempt == kAttempts) return fd;
    system_clock().sleep_until(system_clock().now() + kPause);
  }
}

}  // namespace daohil::shm::detail
