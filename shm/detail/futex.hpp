#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/time.hpp"

namespace daohil::shm::detail {

/// Sleep until the word differs from `expected`, a wake-up, a signal or the deadline, whichever
/// comes first; the caller looks again at what it waits for. Works on a read-only mapping.
void futex_wait(const std::byte* word, std::uint32_t expected, MonotonicTime deadline);

/// Wake every sleeper of any process.
void futex_wake_all(const std::byte* word);

}  // namespace daohil::shm::detail
