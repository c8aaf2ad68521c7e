#include "hil/run/hogs.hpp"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <new>
#include <system_error>
#include <thread>

namespace daohil::hil::run {
namespace {

using shm::Duration;
using shm::MonotonicTime;

void bind_to(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<std::size_t>(core), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

// Busy for a share of each millisecond, from one time to another.
void spin(MonotonicTime from, MonotonicTime until, double share) {
  const shm::Clock& clock = shm::system_clock();
  constexpr Duration kTurn = std::chrono::milliseconds(1);
  const Duration busy{static_cast<std::int64_t>(share * static_cast<double>(kTurn.count()))};
  clock.sleep_until(from);
  for (MonotonicTime turn = clock.now(); turn < until; turn = turn + kTurn) {
    while (clock.now() < turn + busy && clock.now() < until) {
    }
    clock.sleep_until(std::min(turn + kTurn, until));
  }
}

void take_memory(MonotonicTime from, MonotonicTime until, double share) {
  const shm::Clock& clock = shm::system_clock();
  clock.sleep_until(from);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  const auto bytes = static_cast<std::size_t>(share * static_cast<double>(memory.freeram) *
                                              static_cast<double>(memory.mem_unit));
  const std::unique_ptr<char[]> taken(new (std::nothrow) char[bytes]);
  if (!taken) return;
  constexpr std::size_t kPage = 4096;
  for (std::size_t at = 0; at < bytes && clock.now() < until; at += kPage)
    static_cast<volatile char*>(taken.get())[at] = 1;
  clock.sleep_until(until);
}

}  // namespace

template <typename Body>
void Hogs::fork_hog(Body body) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork a load of the host");
  if (pid > 0) {
    pids_.push_back(pid);
    return;
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_IGN);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == parent) body();
  ::_exit(0);
}

void Hogs::begin(const plan::Case& wanted, MonotonicTime start) {
  std::vector<int> all;
  for (unsigned core = 0; core < std::thread::hardware_concurrency(); ++core)
    all.push_back(static_cast<int>(core));
  for (const plan::ReaderPlan& reader : wanted.readers)
    for (const plan::Lag& lag : reader.lag)
      if (const auto* hog = std::get_if<plan::HogLag>(&lag))
        for (const int core : hog->cpus.empty() ? all : hog->cpus)
          fork_hog([hog = *hog, core, start] {
            bind_to(core);
            for (MonotonicTime turn = start;; turn = turn + hog.every)
              spin(turn, turn + hog.spin, hog.duty);
          });
  for (const plan::Fault& fault : wanted.faults)
    if (const auto* load = std::get_if<plan::HostLoad>(&fault)) {
      const MonotonicTime from = start + load->at;
      const MonotonicTime until = from + load->span;
      if (load->kind == plan::HostLoad::Kind::memory)
        fork_hog([=, level = load->level] { take_memory(from, until, level); });
      else
        for (const int core : all)
          fork_hog([=, level = load->level] {
            bind_to(core);
            spin(from, until, level);
          });
    }
}

void Hogs::end() noexcept {
  for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
  for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
  pids_.clear();
}

}  // namespace daohil::hil::run
