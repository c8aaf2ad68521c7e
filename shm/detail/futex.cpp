#include "shm/detail/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace daohil::shm::detail {

// Not FUTEX_PRIVATE_FLAG: the word is shared between processes. FUTEX_WAIT_BITSET takes an
// absolute time-out, on CLOCK_MONOTONIC unless told otherwise (futex(2)).
void futex_wait(const std::byte* word, std::uint32_t expected, MonotonicTime deadline) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t ns = deadline.count() > 0 ? deadline.count() : 0;
  const timespec ts{ns / kSecond, ns % kSecond};
  ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &ts, nullptr, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake_all(const std::byte* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace daohil::shm::detail
