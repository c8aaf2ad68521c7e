#pragma once

#include <sys/types.h>

#include <vector>

#include "hil/plan/case.hpp"
#include "shm/time.hpp"

namespace daohil::hil::run {

/// Processes that do nothing but keep the host busy, as a case plans it: busy loops beside a reader
/// or on every core, memory taken away. They have ordinary priority, die with their parent, and are
/// killed by end() or with this object.
class Hogs {
 public:
  Hogs() = default;
  Hogs(const Hogs&) = delete;
  Hogs& operator=(const Hogs&) = delete;
  ~Hogs() { end(); }

  /// @param start when frame 1 is due @throws std::system_error when a process cannot be made
  void begin(const plan::Case& wanted, shm::MonotonicTime start);
  void end() noexcept;

 private:
  template <typename Body>
  void fork_hog(Body body);

  std::vector<pid_t> pids_;
};

}  // namespace daohil::hil::run
