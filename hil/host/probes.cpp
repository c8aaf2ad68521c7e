#include "hil/host/probes.hpp"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

namespace daohil::hil::host {

Probes::Fifo Probes::try_fifo(int priority) const {
  Fifo answer;
  std::thread([&answer, priority] {
    sched_param parameters{};
    parameters.sched_priority = priority;
    const int error = ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameters);
    if (error == 0)
      answer.priority = priority;
    else
      answer.reason = std::generic_category().message(error);
  }).join();
  return answer;
}

std::optional<std::int32_t> Probes::dma_latency_us() const {
  const int fd = ::open("/dev/cpu_dma_latency", O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // NOLINT
  if (fd < 0) return std::nullopt;
  std::int32_t us = 0;
  const ssize_t got = ::read(fd, &us, sizeof us);
  ::close(fd);
  if (got != static_cast<ssize_t>(sizeof us)) return std::nullopt;
  return us;
}

std::optional<Probes::KernelClock> Probes::kernel_clock() const {
  timex state{};
  const int code = ::adjtimex(&state);  // with no bit of modes set it only reads
  if (code < 0) return std::nullopt;
  const bool free = code == TIME_ERROR || (state.status & STA_UNSYNC) != 0;
  return KernelClock{free ? KernelClock::Sync::free : KernelClock::Sync::synchronised, state.tai,
                     state.maxerror};
}

std::optional<Probes::Space> Probes::space(const std::filesystem::path& folder) const {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) return std::nullopt;
  return Space{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

Probes::Access Probes::access(const std::filesystem::path& file) const {
  if (::faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) == 0) return Access::granted;
  return errno == ENOENT ? Access::absent : Access::refused;
}

std::optional<std::uint32_t> Probes::rx_coalescing_us(const std::string& interface) const {
  ifreq request{};
  if (interface.empty() || interface.size() >= sizeof request.ifr_name) return std::nullopt;
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  ethtool_coalesce coalescing{};
  coalescing.cmd = ETHTOOL_GCOALESCE;
  request.ifr_data = reinterpret_cast<char*>(&coalescing);  // NOLINT: the kernel's interface
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  const int code = ::ioctl(fd, SIOCETHTOOL, &request);  // NOLINT
  ::close(fd);
  if (code != 0) return std::nullopt;
  return coalescing.rx_coalesce_usecs;
}

uid_t Probes::user() const { return ::geteuid(); }

Probes::Streams Probes::streams(std::span<const std::filesystem::path> folders) const {
  const auto holders = shm::Holders::of_host();
  return {shm::survey(folders, holders),
          holders.complete() ? Streams::Sight::all : Streams::Sight::own};
}

}  // namespace daohil::hil::host
