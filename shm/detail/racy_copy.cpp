#include "shm/detail/racy_copy.hpp"

#include <cstring>

#if defined(__SANITIZE_THREAD__)
#define DAO_HIL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DAO_HIL_TSAN 1
#endif
#endif

#ifdef DAO_HIL_TSAN
#include <atomic>
#endif

namespace daohil::shm::detail {

#ifdef DAO_HIL_TSAN

void racy_copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    to[i] =
        std::atomic_ref<std::byte>(const_cast<std::byte&>(from[i])).load(std::memory_order_relaxed);
}

void racy_fill(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i)
    std::atomic_ref<std::byte>(to[i]).store(from[i], std::memory_order_relaxed);
}

#else

void racy_copy(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

void racy_fill(std::byte* to, const std::byte* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}

#endif

}  // namespace daohil::shm::detail
