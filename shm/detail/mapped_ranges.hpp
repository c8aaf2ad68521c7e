#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

/// What of this process' memory is mapped from streams, readable from within a signal handler.
namespace daohil::shm::detail {

struct MappedRange {
  std::uintptr_t begin = 0;
  std::size_t size = 0;
  int protection = 0;  ///< as given to mmap
};

/// Thread-safe. When there is no place left, the range is simply not known.
void note_mapping(const MappedRange& range) noexcept;
void forget_mapping(std::uintptr_t begin) noexcept;

/// The range that holds the address. Async-signal-safe.
[[nodiscard]] std::optional<MappedRange> mapping_at(std::uintptr_t address) noexcept;

}  // namespace daohil::shm::detail
