#include "shm/detail/mapped_ranges.hpp"

#include <array>
#include <atomic>

namespace daohil::shm::detail {
namespace {

constexpr std::size_t kMost = 16384;

// A place is taken from free (0) by its begin. Size and protection are stored behind it, and only
// looked at by who faults inside that mapping, which is after the mapping was returned to somebody.
struct Place {
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::size_t> size{0};
  std::atomic<int> protection{0};
};

std::array<Place, kMost> places;
std::atomic<std::size_t> used{0};  // places from here on were never taken

}  // namespace

void note_mapping(const MappedRange& range) noexcept {
  for (std::size_t i = 0; i < kMost; ++i) {
    std::uintptr_t free = 0;
    // acq_rel: what the place said of its last range is not seen with the new begin
    if (!places[i].begin.compare_exchange_strong(free, range.begin, std::memory_order_acq_rel))
      continue;
    places[i].protection.store(range.protection, std::memory_order_relaxed);
    places[i].size.store(range.size, std::memory_order_release);
    std::size_t most = used.load(std::memory_order_relaxed);
    while (most <= i && !used.compare_exchange_weak(most, i + 1, std::memory_order_acq_rel)) {
    }
    return;
  }
}

void forget_mapping(std::uintptr_t begin) noexcept {
  const std::size_t most = used.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < most; ++i) {
    if (places[i].begin.load(std::memory_order_relaxed) != begin) continue;
    places[i].size.store(0, std::memory_order_relaxed);
    places[i].begin.store(0, std::memory_order_release);
    return;
  }
}

std::optional<MappedRange> mapping_at(std::uintptr_t address) noexcept {
  const std::size_t most = used.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < most; ++i) {
    const std::size_t size = places[i].size.load(std::memory_order_acquire);
    const std::uintptr_t begin = places[i].begin.load(std::memory_order_relaxed);
    if (address >= begin && address - begin < size)
      return MappedRange{begin, size, places[i].protection.load(std::memory_order_relaxed)};
  }
  return std::nullopt;
}

}  // namespace daohil::shm::detail
