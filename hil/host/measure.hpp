#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hil/host/latency.hpp"
#include "hil/host/parse.hpp"
#include "shm/time.hpp"

/// What the doctor measures rather than reads. Each call loads the machine for as long as it says,
/// changes nothing, and ends within a tenth of a second once `stop` says so.
namespace daohil::hil::host {

/// Asked every 50 ms, by the thread that called.
using StopRequested = std::function<bool()>;

/// Wake-ups of one core.
struct CoreFloor {
  int cpu = 0;
  enum class Policy { fifo, other } policy = Policy::other;
  int priority = 0;  ///< of SCHED_FIFO
  LatencyHistogram lateness;
  std::string refused;  ///< why the core was not measured; empty if it was
};

/// The time between two wake-ups; 10 s are then more samples than kSamplesForP9999.
inline constexpr shm::Duration kFloorInterval = std::chrono::microseconds(250);

/// How late a thread wakes that sleeps to absolute times, on each of these cores at once, at
/// SCHED_FIFO 90 or the highest priority granted. A wake-up that was missed because an earlier
/// one came late counts with its whole lateness, so that one long pause weighs what it costs.
[[nodiscard]] std::vector<CoreFloor> measure_floor(const Cpus& cpus, shm::Duration length,
                                                   const StopRequested& stop);

struct Bandwidth {
  double bytes_per_second = 0;  ///< bytes that arrived, median of the rounds; 0: none was done
  std::uint64_t buffer_bytes = 0;
  int rounds = 0;
};
/// memcpy by one thread, from and to buffers that no cache holds: each of twice `cache_bytes` and
/// at least 64 MiB, if `available_bytes` allows (an eighth of it at most).
/// @throws std::bad_alloc
[[nodiscard]] Bandwidth measure_bandwidth(std::uint64_t cache_bytes, std::uint64_t available_bytes,
                                          const StopRequested& stop);

/// A write beyond the page cache (O_DIRECT) into a file without a name, which is gone when this
/// returns or dies. At most 8 GiB, and a tenth of what is free.
struct DiskRate {
  double bytes_per_second = 0;
  std::string refused;  ///< why nothing was measured
};
[[nodiscard]] DiskRate measure_disk(const std::string& folder, shm::Duration length,
                                    const StopRequested& stop);

}  // namespace daohil::hil::host
