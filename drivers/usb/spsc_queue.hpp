#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <vector>

namespace daohil::drivers::usb {

/// A queue of fixed size from one thread to one other; no locks, no allocation after it is made.
template <typename T>
class SpscQueue {
 public:
  explicit SpscQueue(std::size_t capacity) : items_(capacity + 1) {}

  /// Of the one thread. @returns false when it is full
  bool push(const T& item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    const std::size_t next = (tail + 1) % items_.size();
    // Pairs with the release in pop: the place has been read before it is written again.
    if (next == head_.load(std::memory_order_acquire)) return false;
    items_[tail] = item;
    tail_.store(next, std::memory_order_release);
    return true;
  }

  /// Of the other one.
  std::optional<T> pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
    T item = items_[head];
    head_.store((head + 1) % items_.size(), std::memory_order_release);
    return item;
  }

 private:
  std::vector<T> items_;
  std::atomic<std::size_t> head_{0};
  std::atomic<std::size_t> tail_{0};
};

}  // namespace daohil::drivers::usb
