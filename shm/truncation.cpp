#include "shm/truncation.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>

#include "shm/detail/mapped_ranges.hpp"
#include "shm/error.hpp"

namespace daohil::shm {
namespace {

struct sigaction previous {};
std::uintptr_t page_size = 4096;

// Memory in the place of what the file has lost, from the page touched to the mapping's end.
// mmap is not on POSIX' list of what a handler may call; on Linux it is a bare system call, and
// this way to survive SIGBUS an old one (JVMs, browsers).
bool put_zeros_at(void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const auto range = detail::mapping_at(at);
  if (!range) return false;
  const std::uintptr_t page = at & ~(page_size - 1);
  const std::size_t size = range->begin + range->size - page;
  return ::mmap(reinterpret_cast<void*>(page), size, range->protection,
                MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

void on_bus_error(int number, siginfo_t* info, void* context) {
  const int error = errno;
  if (info->si_code == BUS_ADRERR && put_zeros_at(info->si_addr)) {
    errno = error;
    return;
  }
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    // The access is made again on return, and then ends the process as it would have without us.
    ::signal(number, SIG_DFL);
  }
}

}  // namespace

void survive_truncation() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_size = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigemptyset(&action.sa_mask);
    if (::sigaction(SIGBUS, &action, &previous) != 0)
      throw Error(Errc::io, fmt::format("handle SIGBUS: {}", std::strerror(errno)));
  });
}

}  // namespace daohil::shm
