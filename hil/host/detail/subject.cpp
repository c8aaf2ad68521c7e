#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {

using namespace std::chrono_literals;

void Subject::wait(shm::Duration length) const {
  const auto& clock = shm::system_clock();
  const auto deadline = clock.now() + length;
  while (!stopped && clock.now() < deadline)
    clock.sleep_until(std::min(deadline, clock.now() + 20ms));
}

Cpus Subject::online() const {
  const auto line = root.line("/sys/devices/system/cpu/online");
  return line ? parse_cpu_list(*line).value_or(Cpus{}) : Cpus{};
}

Cpus Subject::isolated() const {
  const auto line = root.line("/sys/devices/system/cpu/isolated");
  Cpus cpus = line ? parse_cpu_list(*line).value_or(Cpus{}) : Cpus{};
  // A partition of cgroup 2 does the same without a reboot.
  if (const auto more = root.line("/sys/fs/cgroup/cpuset.cpus.isolated"))
    cpus.merge(parse_cpu_list(*more).value_or(Cpus{}));
  for (const auto& name : root.list("/sys/fs/cgroup")) {
    const std::string folder = "/sys/fs/cgroup/" + name;
    if (root.line(folder + "/cpuset.cpus.partition") != "isolated") continue;
    if (const auto more = root.line(folder + "/cpuset.cpus.effective"))
      cpus.merge(parse_cpu_list(*more).value_or(Cpus{}));
  }
  return cpus;
}

Cpus Subject::rt_cores() const {
  return request.cores.empty() ? isolated() : Cpus(request.cores.begin(), request.cores.end());
}

Cpus Subject::measured() const {
  Cpus cores = rt_cores();
  if (!cores.empty()) return cores;
  const auto allowed =
      value_of(root.read("/proc/self/status").text.value_or(""), "Cpus_allowed_list");
  return common(parse_cpu_list(allowed.value_or("")).value_or(Cpus{}), online());
}

std::string Subject::cmdline() const { return root.read("/proc/cmdline").text.value_or(""); }

Subject::Machine Subject::machine() const {
  const auto flags = value_of(root.read("/proc/cpuinfo").text.value_or(""), "flags").value_or("");
  const auto words = words_of(flags);
  const bool guest = std::find(words.begin(), words.end(), "hypervisor") != words.end() ||
                     root.exists("/sys/hypervisor/type");
  return guest ? Machine::virtual_machine : Machine::real;
}

ClaimEvidence::Kernel Subject::kernel() const {
  const auto version = root.line("/proc/sys/kernel/version").value_or("");
  const auto words = words_of(version);
  // PREEMPT_RT is a word of its own: a kernel that could be told so says PREEMPT_DYNAMIC.
  const bool realtime = root.line("/sys/kernel/realtime") == "1" ||
                        std::find(words.begin(), words.end(), "PREEMPT_RT") != words.end();
  return realtime ? ClaimEvidence::Kernel::preempt_rt : ClaimEvidence::Kernel::ordinary;
}

std::vector<std::filesystem::path> Subject::stream_folders() const {
  return request.stream_folders.empty() ? shm::stream_folders() : request.stream_folders;
}

Finding& Findings::add(std::string_view id, Status status, std::string_view observed,
                       Remedy remedy) {
  const auto checks = catalogue();
  const auto check =
      std::find_if(checks.begin(), checks.end(), [&](const Check& c) { return c.id == id; });
  // A command is run as it stands or not at all: one that a device's name has spoilt is dropped.
  if (std::any_of(remedy.fix.begin(), remedy.fix.end(), [](char c) { return c < ' ' || c > '~'; }))
    remedy.fix.clear();
  if (check == checks.end()) throw std::logic_error(fmt::format("{} is no check", id));
  findings_.push_back({.id = std::string(id),
                       .group = check->group,
                       .status = status,
                       .observed = printable_ascii(observed),
                       .wanted = std::string(check->wanted),
                       .reason = printable_ascii(remedy.reason),
                       .fix = std::move(remedy.fix),
                       .why = std::string(check->why),
                       .reference = std::string(check->reference)});
  return findings_.back();
}

std::string mib_text(std::uint64_t bytes) {
  return fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
}

}  // namespace daohil::hil::host::detail
