#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace daohil::simulators {

/// Memory that begins at a cache line, so that no vector lies across two.
template <class Value>
struct CacheLineAllocator {
  using value_type = Value;
  static constexpr std::align_val_t kLine{64};

  CacheLineAllocator() = default;
  template <class Other>
  CacheLineAllocator(const CacheLineAllocator<Other>& /*other*/) noexcept {}

  [[nodiscard]] Value* allocate(std::size_t n) {
    return static_cast<Value*>(::operator new(n * sizeof(Value), kLine));
  }
  void deallocate(Value* memory, std::size_t /*n*/) noexcept { ::operator delete(memory, kLine); }

  bool operator==(const CacheLineAllocator& /*other*/) const noexcept { return true; }
};

using AlignedFloats = std::vector<float, CacheLineAllocator<float>>;

}  // namespace daohil::simulators
