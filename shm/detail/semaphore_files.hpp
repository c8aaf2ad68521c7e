#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "shm/survey.hpp"

namespace daohil::shm::detail {

/// Where glibc keeps named semaphores (sem_overview(7)).
inline constexpr const char* kSemaphoreFolder = "/dev/shm";

/// A file that looks like a semaphore of a DAO stream: sem.<base>_sem00 .. 99 or _semlog, a
/// regular file of the size of a semaphore. A base has no dot, which tells them from milk's.
struct SemaphoreFile {
  static constexpr int kLog = -1;
  std::filesystem::path path;
  std::string base;
  int number = kLog;
};

[[nodiscard]] std::vector<SemaphoreFile> semaphore_files();
[[nodiscard]] SemaphoreReport semaphores_of(const std::string& base,
                                            const std::vector<SemaphoreFile>& files);

}  // namespace daohil::shm::detail
