#pragma once

#include <sys/types.h>

#include <filesystem>

namespace daohil::hil::run {

/// A tiny process that outlives this one to remove streams it could not: after kill -9, a crash or
/// the out-of-memory killer, nothing is left in shared memory.
class Janitor {
 public:
  Janitor();
  Janitor(const Janitor&) = delete;
  /// Tells it that all is well, and waits for it.
  ~Janitor();

  /// From now on `stream` and its semaphores are to be removed should this process die.
  void guard(const std::filesystem::path& stream);
  void release(const std::filesystem::path& stream);

 private:
  void tell(char what, const std::filesystem::path& stream);

  int line_ = -1;
  pid_t pid_ = -1;
};

}  // namespace daohil::hil::run
