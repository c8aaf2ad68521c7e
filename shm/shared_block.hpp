#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace daohil::shm {

/// Anonymous zeroed memory shared with processes forked later: traces and control words of a run.
/// Pages are taken from the system when first touched, or at once with prefault().
/// Move-only; gone with the last process that has it, nothing to unlink.
class SharedBlock {
 public:
  /// @param bytes >= 1 @throws Error no_space
  explicit SharedBlock(std::size_t bytes);
  SharedBlock(SharedBlock&&) noexcept;
  SharedBlock& operator=(SharedBlock&&) noexcept;
  ~SharedBlock();

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Touch every page now, so that no page fault falls into a timed section.
  /// @throws Error no_space when the system has less memory available: it would otherwise kill
  ///         some process, perhaps this one, to find the pages
  void prefault();

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace daohil::shm
