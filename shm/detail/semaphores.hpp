#pragma once

#include <semaphore.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "shm/layout.hpp"
#include "shm/time.hpp"

namespace daohil::shm::detail {

/// What a stream's semaphores are named after: the last path component up to its first dot.
/// The folder is no part of it, so two streams of one base name share their semaphores; that is
/// the reference's rule and cannot be changed without losing its readers.
std::string semaphore_base(const std::filesystem::path& stream);

/// The named POSIX semaphores by which readers of the reference library are woken:
/// <base>_sem00 .. _sem09 and <base>_semlog. Owned handles, not the names: closing leaves them.
class Semaphores {
 public:
  Semaphores() = default;
  /// Open, creating what is missing (mode 0644 as the reference). @throws Error io
  static Semaphores create(const std::filesystem::path& stream);
  /// Open those that exist; missing ones stay absent.
  static Semaphores open_existing(const std::filesystem::path& stream);
  /// Has a stream of this base name been created before and not been unlinked?
  [[nodiscard]] static bool exist(const std::filesystem::path& stream);
  /// Remove the names of a stream. Missing ones are not an error.
  static void unlink(const std::filesystem::path& stream) noexcept;

  Semaphores(Semaphores&& other) noexcept;
  Semaphores& operator=(Semaphores&& other) noexcept;
  ~Semaphores();

  /// Post every semaphore whose value is 0, so that a value never exceeds 1: a reader that sleeps
  /// is woken, one that is behind does not find a heap of stale posts.
  void post_all() noexcept;
  void post(std::uint16_t number) noexcept;
  void post_log() noexcept;

  /// Wait until it is posted, at most until the deadline. @pre handle(number) != nullptr
  bool wait(std::uint16_t number, MonotonicTime deadline) noexcept;

  /// The handle, or nullptr when absent or number >= 10.
  [[nodiscard]] sem_t* handle(std::uint16_t number) const;
  [[nodiscard]] sem_t* log_handle() const { return handles_[Layout::kSemaphores]; }

 private:
  enum class Missing { create, leave };
  static Semaphores open(const std::filesystem::path& stream, Missing missing);
  void close() noexcept;

  std::array<sem_t*, Layout::kSemaphores + 1> handles_{};  // the last one is semlog
};

}  // namespace daohil::shm::detail
