#pragma once

#include <sys/ptrace.h>

#include <functional>

#include "tests/shm/support.hpp"

// A sanitizer's own instructions would be stepped through as well.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define DAO_HIL_CAN_STEP 1
#endif

namespace daohil::shm::test {

/// A child process that can be stopped after any machine instruction. Its body marks phases with
/// pause(). To be used from one thread, the one that made it.
class Stepped {
 public:
  explicit Stepped(const std::function<void()>& body)
      : child_([&] {
          if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) return 1;
          body();
          return 0;
        }) {}

  static void pause() { ::raise(SIGSTOP); }

  /// To be called first: false when tracing is not permitted here.
  [[nodiscard]] bool arrive() const { return await() == SIGSTOP; }
  /// Run to the next pause.
  void go() { resume(PTRACE_CONT); }
  /// One instruction; false when it has come to its next pause instead.
  bool step() { return resume(PTRACE_SINGLESTEP) == SIGTRAP; }
  /// So many instructions; false when it has come to its next pause before.
  bool step(std::uint64_t instructions) {
    for (std::uint64_t i = 0; i < instructions; ++i)
      if (!step()) return false;
    return true;
  }

 private:
  int resume(__ptrace_request how) {
    ::ptrace(how, child_.pid(), nullptr, nullptr);
    return await();
  }
  [[nodiscard]] int await() const {
    int status = 0;
    while (::waitpid(child_.pid(), &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
  }

  Child child_;
};

}  // namespace daohil::shm::test
