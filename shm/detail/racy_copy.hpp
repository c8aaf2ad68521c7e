#pragma once

#include <cstddef>

namespace daohil::shm::detail {

/// Copy pixels that another process may be overwriting. The caller must validate afterwards
/// (Reader: the write flag and the counter of the slot) and drop the copy if it was torn.
///
/// Plain memcpy, not word-wise atomics: libc's memcpy is opaque to the compiler and reads every
/// byte at least once; the acquire fence before the validation orders those reads on arm64 as on
/// x86, and a torn copy is never looked at. Word-wise relaxed atomics (the abseil sequence lock)
/// cost 1.7 x memcpy at 115 kB. Under the thread sanitizer, which does not know fences, the copy
/// is made of relaxed atomics so that real races stand out.
void racy_copy(std::byte* to, const std::byte* from, std::size_t bytes);

/// The writer's half: fill a slot that readers may be copying.
void racy_fill(std::byte* to, const std::byte* from, std::size_t bytes);

}  // namespace daohil::shm::detail
