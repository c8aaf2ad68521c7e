#include "hil/host/measure.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

namespace daohil::hil::host {
namespace {

using namespace std::chrono_literals;
using shm::Duration;
using shm::MonotonicTime;

constexpr Duration kLook = 50ms;
constexpr int kPriority = 90;

std::string text_of(int error) { return std::generic_category().message(error); }

// ------------------------------------------------------------------------------------- wake-ups

// Of this thread: the wanted priority, or the highest that an ordinary user may take.
int take_fifo() {
  rlimit limit{};
  ::getrlimit(RLIMIT_RTPRIO, &limit);
  const int granted = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kPriority));
  for (const int priority : {kPriority, granted}) {
    sched_param parameters{};
    parameters.sched_priority = priority;
    if (priority > 0 && ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &parameters) == 0)
      return priority;
  }
  return 0;
}

void measure_core(CoreFloor& core, MonotonicTime begin, std::uint64_t wakeups,
                  const std::atomic<bool>& stopped) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (core.cpu >= CPU_SETSIZE) {
    core.refused = "number beyond what the C library knows";
    return;
  }
  CPU_SET(static_cast<std::size_t>(core.cpu), &set);
  if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set)) {
    core.refused = text_of(error);
    return;
  }
  core.priority = take_fifo();
  core.policy = core.priority > 0 ? CoreFloor::Policy::fifo : CoreFloor::Policy::other;
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // ordinary threads are woken up to 50 us late on purpose
  const auto& clock = shm::system_clock();
  for (std::uint64_t k = 0; k < wakeups && !stopped; ++k) {
    const MonotonicTime due = begin + kFloorInterval * static_cast<std::int64_t>(k);
    clock.sleep_until(due);
    core.lateness.record(clock.now() - due);
  }
}

}  // namespace

std::vector<CoreFloor> measure_floor(const Cpus& cpus, Duration length, const StopRequested& stop) {
  std::vector<CoreFloor> cores;
  for (const int cpu : cpus) cores.push_back({.cpu = cpu, .lateness = {}, .refused = {}});
  const auto wakeups =
      static_cast<std::uint64_t>(std::max<std::int64_t>(length / kFloorInterval, 0));
  // Time for the threads to start and to touch what they need.
  const MonotonicTime begin = shm::system_clock().now() + 20ms;
  std::atomic<bool> stopped{false};
  std::atomic<std::size_t> running{cores.size()};
  std::vector<std::thread> threads;
  threads.reserve(cores.size());
  for (auto& core : cores) {
    try {
      threads.emplace_back([&core, &running, &stopped, begin, wakeups] {
        measure_core(core, begin, wakeups, stopped);
        --running;
      });
    } catch (const std::system_error& error) {
      core.refused = error.what();
      --running;
    }
  }
  while (running > 0) {
    if (stop && stop()) stopped = true;
    shm::system_clock().sleep_until(shm::system_clock().now() + kLook);
  }
  for (auto& thread : threads) thread.join();
  return cores;
}

// ---------------------------------------------------------------------------------------- memory

Bandwidth measure_bandwidth(std::uint64_t cache_bytes, std::uint64_t available_bytes,
                            const StopRequested& stop) {
  constexpr std::uint64_t kLeast = std::uint64_t{64} << 20;
  constexpr int kRounds = 9;
  Bandwidth result;
  result.buffer_bytes = std::min(std::max(2 * cache_bytes, kLeast), available_bytes / 8);
  if (result.buffer_bytes == 0) return result;
  const auto bytes = static_cast<std::size_t>(result.buffer_bytes);
  const auto from = std::make_unique<std::byte[]>(bytes);  // NOLINT(modernize-avoid-c-arrays)
  const auto to = std::make_unique<std::byte[]>(bytes);    // NOLINT(modernize-avoid-c-arrays)
  std::memset(from.get(), 1, bytes);  // pages that were never written are all the same one

  const auto& clock = shm::system_clock();
  std::vector<Duration> times;
  // The first round, in which the kernel finds the pages of `to`, does not count.
  for (int round = 0; round <= kRounds && !(stop && stop()); ++round) {
    const MonotonicTime begin = clock.now();
    std::memcpy(to.get(), from.get(), bytes);
    // Or the compiler sees that nobody reads it.
    asm volatile("" : : "r"(to.get()) : "memory");
    if (round > 0) times.push_back(clock.now() - begin);
  }
  if (times.empty()) return result;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  result.rounds = static_cast<int>(times.size());
  result.bytes_per_second = static_cast<double>(bytes) * 1e9 /
                            static_cast<double>(std::max<std::int64_t>(middle->count(), 1));
  return result;
}

// ------------------------------------------------------------------------------------------ disk

DiskRate measure_disk(const std::string& folder, Duration length, const StopRequested& stop) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  constexpr std::size_t kAlignment = 4096;
  constexpr std::uint64_t kMost = std::uint64_t{8} << 30;
  const auto refused = [&](const std::string& why) { return DiskRate{0, folder + ": " + why}; };

  const int fd = ::open(folder.c_str(),  // NOLINT
                        O_TMPFILE | O_WRONLY | O_DIRECT | O_CLOEXEC, 0600);
  if (fd < 0) return refused(text_of(errno));
  struct Closer {
    int fd;
    explicit Closer(int descriptor) : fd(descriptor) {}
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;
    ~Closer() { ::close(fd); }
  } const closer(fd);
  struct statvfs space {};
  if (::fstatvfs(fd, &space) != 0) return refused(text_of(errno));
  const std::uint64_t most = std::min(kMost, space.f_bavail * space.f_frsize / 10);
  if (most < kBlock) return refused("less than 10 MiB are free");

  const std::unique_ptr<void, decltype(&std::free)> block(std::aligned_alloc(kAlignment, kBlock),
                                                          &std::free);
  if (!block) return refused("no memory");
  std::memset(block.get(), 0x5A, kBlock);

  const auto& clock = shm::system_clock();
  const MonotonicTime begin = clock.now();
  std::uint64_t written = 0;
  std::uint64_t at = 0;
  while (clock.now() - begin < length && !(stop && stop())) {
    if (at + kBlock > most) at = 0;  // over what was written before: the disk works as hard
    const ssize_t got = ::pwrite(fd, block.get(), kBlock, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return refused(text_of(errno));
    written += static_cast<std::uint64_t>(got);
    at += kBlock;
  }
  if (::fdatasync(fd) != 0) return refused(text_of(errno));
  const double seconds = static_cast<double>((clock.now() - begin).count()) / 1e9;
  return {seconds > 0 ? static_cast<double>(written) / seconds : 0, {}};
}

}  // namespace daohil::hil::host
