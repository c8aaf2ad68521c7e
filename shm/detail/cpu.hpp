#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace daohil::shm::detail {

/// Tell the core that this is a spin loop.
inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

}  // namespace daohil::shm::detail
