#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace daohil::shm::detail {

// Fields of a mapped stream, accessed as atomics. Every offset in layout.hpp is naturally aligned
// (4304 is a multiple of 8 and mappings start on a page), and these sizes are lock-free on x86-64
// and arm64, hence address-free: they work between processes.
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic_ref<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic_ref<std::uint8_t>::is_always_lock_free);

/// Load from a mapping that may be read-only: std::atomic_ref<const T> arrives with C++26, and a
/// lock-free load of 8 bytes or less is a plain load instruction that writes nothing.
template <typename T>
T load(const std::byte* base, std::size_t offset, std::memory_order order) {
  auto* field = reinterpret_cast<T*>(const_cast<std::byte*>(base + offset));
  return std::atomic_ref<T>(*field).load(order);
}

template <typename T>
void store(std::byte* base, std::size_t offset, T value, std::memory_order order) {
  std::atomic_ref<T>(*reinterpret_cast<T*>(base + offset)).store(value, order);
}

}  // namespace daohil::shm::detail
