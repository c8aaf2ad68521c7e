#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "shm/survey.hpp"

namespace daohil::hil::host {

/// What only a system call tells. Nothing here changes the host or needs root; what the system
/// refuses is an answer. Virtual, so that tests have a host of their own. Safe from any thread.
class Probes {
 public:
  Probes() = default;
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;
  virtual ~Probes() = default;

  struct Fifo {
    int priority = 0;    ///< that was granted, 0: none
    std::string reason;  ///< if none
  };
  /// Asked for on a thread that ends with the call.
  [[nodiscard]] virtual Fifo try_fifo(int priority) const;

  /// What /dev/cpu_dma_latency allows an idle core, us. Reading is root's; it adds no demand.
  [[nodiscard]] virtual std::optional<std::int32_t> dma_latency_us() const;

  struct KernelClock {
    enum class Sync { synchronised, free } sync = Sync::free;
    std::int32_t tai_offset_s = 0;
    std::int64_t max_error_us = 0;  ///< as the kernel has it; grows while nobody disciplines it
  };
  [[nodiscard]] virtual std::optional<KernelClock> kernel_clock() const;

  struct Space {
    std::uint64_t total = 0;
    std::uint64_t free = 0;  ///< for ordinary users
  };
  [[nodiscard]] virtual std::optional<Space> space(const std::filesystem::path& folder) const;

  enum class Access { granted, refused, absent };
  /// May this process read and write a file? It is not opened: that would wake a USB device.
  [[nodiscard]] virtual Access access(const std::filesystem::path& file) const;

  /// us that a network card holds a packet back; nothing if the driver does not say.
  [[nodiscard]] virtual std::optional<std::uint32_t> rx_coalescing_us(
      const std::string& interface) const;

  [[nodiscard]] virtual uid_t user() const;

  struct Streams {
    std::vector<shm::StreamReport> reports;
    enum class Sight { all, own } sight = Sight::own;  ///< of processes that could be looked at
  };
  /// @throws shm::Error as shm::survey
  [[nodiscard]] virtual Streams streams(std::span<const std::filesystem::path> folders) const;
};

}  // namespace daohil::hil::host
