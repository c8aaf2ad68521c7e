#pragma once

#include <semaphore.h>

#include <cerrno>
#include <ctime>

#include "shm/time.hpp"

namespace daohil::drivers::usb {

/// Wakes one thread from another. Waking costs no system call when nobody sleeps. What has to be
/// seen after waking must be ordered by its own atomics.
class Signal {
 public:
  Signal() { sem_init(&semaphore_, 0, 0); }
  ~Signal() { sem_destroy(&semaphore_); }
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void raise() { sem_post(&semaphore_); }
  void wait() {
    while (sem_wait(&semaphore_) != 0 && errno == EINTR) {
    }
  }
  /// @returns false at the deadline
  bool wait_until(shm::MonotonicTime deadline) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const std::int64_t ns = deadline.count() < 0 ? 0 : deadline.count();
    const timespec at{ns / kSecond, ns % kSecond};
    while (sem_clockwait(&semaphore_, CLOCK_MONOTONIC, &at) != 0)
      if (errno != EINTR) return false;
    return true;
  }

 private:
  sem_t semaphore_{};
};

}  // namespace daohil::drivers::usb
