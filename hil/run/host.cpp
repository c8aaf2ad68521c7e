#include "hil/run/host.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace daohil::hil::run {
namespace {

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.empty()) return "unknown";
  return line;
}

// "key : value" files of /proc.
std::string value_in(const std::filesystem::path& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "unknown";
}

std::string affinity() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return "unknown";
  return fmt::format("{} of {}", CPU_COUNT(&set), ::sysconf(_SC_NPROCESSORS_CONF));
}

std::string free_space(const char* folder) {
  struct statvfs status {};
  if (::statvfs(folder, &status) != 0) return "unknown";
  return fmt::format("{} MiB", status.f_bavail * status.f_frsize >> 20);
}

// CLOCK_TAI - CLOCK_REALTIME in seconds; 0 where nobody told the kernel.
std::string tai_offset() {
  timex state{};
  return ::adjtimex(&state) < 0 ? "unknown" : fmt::format("{} s", state.tai);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> host_facts() {
  utsname name{};
  ::uname(&name);
  return {
      {"host", name.nodename},
      {"machine", name.machine},
      {"kernel", fmt::format("{} {}", name.release, name.version)},
      {"realtime_kernel", first_line("/sys/kernel/realtime")},
      {"cpu", value_in("/proc/cpuinfo", "model name")},
      {"cores_usable", affinity()},
      {"isolated_cores", first_line("/sys/devices/system/cpu/isolated")},
      {"governor", first_line("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor")},
      {"clocksource",
       first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource")},
      {"memory", value_in("/proc/meminfo", "MemTotal")},
      {"shm_free", free_space("/dev/shm")},
      {"tai_offset", tai_offset()},
      {"load_average", first_line("/proc/loadavg")},
  };
}

}  // namespace daohil::hil::run
