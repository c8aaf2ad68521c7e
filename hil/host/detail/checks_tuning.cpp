#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

constexpr std::string_view kCpu = "/sys/devices/system/cpu";

// For files of sysfs that exist for each core: the cores that matter.
Cpus cores_that_matter(const Subject& subject) {
  const Cpus cores = subject.rt_cores();
  return cores.empty() ? subject.online() : cores;
}

// "performance" or, where cores differ, "performance (0-2), powersave (3)".
std::string by_value(const std::map<std::string, Cpus>& values) {
  if (values.size() == 1) return values.begin()->first;
  std::string text;
  for (const auto& [value, cpus] : values)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", value, cpu_list_text(cpus));
  return text;
}

std::map<std::string, Cpus> of_cores(const Subject& subject, std::string_view file) {
  std::map<std::string, Cpus> values;
  for (const int cpu : cores_that_matter(subject))
    if (const auto value = subject.root.line(fmt::format("{}/cpu{}/{}", kCpu, cpu, file)))
      values[*value].insert(cpu);
  return values;
}

void frequency(const Subject& subject, Findings& findings) {
  const bool real = subject.machine() == Subject::Machine::real;
  const std::string none =
      real ? "no frequency driver is loaded" : "virtual machine: the clock is its host's";
  const auto governors = of_cores(subject, "cpufreq/scaling_governor");
  const std::string fix =
      "echo performance | sudo tee /sys/devices/system/cpu/cpufreq/policy*/scaling_governor";
  if (governors.empty()) {
    findings.not_applicable("host.tuning.governor", none);
  } else if (governors.size() == 1 && governors.contains("performance")) {
    findings.pass("host.tuning.governor", "performance");
  } else {
    findings.add("host.tuning.governor",
                 governors.contains("powersave") ? Status::fail : Status::warn, by_value(governors),
                 {"cores clock down when idle", fix});
  }

  const auto preferences = of_cores(subject, "cpufreq/energy_performance_preference");
  if (preferences.empty())
    findings.not_applicable("host.tuning.preference", "the driver has no such hint");
  else if (preferences.size() == 1 &&
           (preferences.contains("performance") || preferences.contains("0")))
    findings.pass("host.tuning.preference", by_value(preferences));
  else
    findings.add("host.tuning.preference", Status::warn, by_value(preferences),
                 {"the processor saves energy",
                  "echo performance | sudo tee "
                  "/sys/devices/system/cpu/cpufreq/policy*/energy_performance_preference"});

  const auto no_turbo = subject.root.line("/sys/devices/system/cpu/intel_pstate/no_turbo");
  const auto boost = subject.root.line("/sys/devices/system/cpu/cpufreq/boost");
  if (no_turbo)
    findings.info("host.tuning.turbo", *no_turbo == "1" ? "off" : "on");
  else if (boost)
    findings.info("host.tuning.turbo", *boost == "1" ? "on" : "off");
  else
    findings.not_applicable("host.tuning.turbo", none);
}

void cstates(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.cstates";
  constexpr std::int64_t kMost = 10;
  std::int64_t deepest = -1;
  std::string name;
  for (const int cpu : cores_that_matter(subject)) {
    const std::string folder = fmt::format("{}/cpu{}/cpuidle", kCpu, cpu);
    for (const auto& state : subject.root.list(folder)) {
      const auto latency = subject.root.line(folder + "/" + state + "/latency");
      const auto us = latency ? number_in<std::int64_t>(*latency) : std::nullopt;
      if (!us || subject.root.line(folder + "/" + state + "/disable").value_or("0") != "0")
        continue;
      if (*us > deepest) {
        deepest = *us;
        name = subject.root.line(folder + "/" + state + "/name").value_or(state);
      }
    }
  }
  if (deepest < 0) {
    findings.not_applicable(kId, subject.machine() == Subject::Machine::real
                                     ? "no idle driver: idle=poll, or the firmware decides"
                                     : "virtual machine: idle states are its host's");
    return;
  }
  findings.metric("host.tuning.deepest_idle_us", static_cast<double>(deepest));
  const std::string observed = fmt::format("{} takes {} us to leave", name, deepest);
  if (deepest <= kMost) return findings.pass(kId, observed);
  const auto held = subject.probes().dma_latency_us();
  if (held && *held <= kMost)
    return findings.pass(kId,
                         fmt::format("held at {} us by a process (/dev/cpu_dma_latency)", *held));
  findings.add(
      kId, Status::warn, observed,
      {held ? "no process holds /dev/cpu_dma_latency down"
            : "whether a process holds /dev/cpu_dma_latency down is for root to read",
       fmt::format("sudo apt install linux-cpupower && sudo cpupower idle-set -D {}", kMost)});
}

void throttling(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.throttling";
  const auto line = subject.root.line("/proc/sys/kernel/sched_rt_runtime_us");
  const auto us = line ? number_in<std::int64_t>(*line) : std::nullopt;
  if (!us)
    return findings.not_applicable(kId, "/proc/sys/kernel/sched_rt_runtime_us cannot be read");
  findings.metric("host.tuning.rt_runtime_us", static_cast<double>(*us));
  constexpr std::int64_t kUsual = 950'000;
  const std::string observed = fmt::format("sched_rt_runtime_us {}", *us);
  const bool polls = subject.request.polling == Request::Polling::planned;
  if (*us == -1 || (*us >= kUsual && !polls)) return findings.pass(kId, observed);
  findings.add(kId, Status::warn, observed,
               {polls ? "a reader that polls is stopped once a second"
                      : "less real-time than a kernel usually grants",
                polls ? "sudo sysctl -w kernel.sched_rt_runtime_us=-1   # a thread that spins by "
                        "mistake then keeps its core"
                      : "sudo sysctl -w kernel.sched_rt_runtime_us=950000"});
}

void memlock(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.memlock";
  const auto limit =
      soft_limit(subject.root.read("/proc/self/limits").text.value_or(""), "Max locked memory");
  if (!limit) return findings.not_applicable(kId, "/proc/self/limits cannot be read");
  const auto capabilities =
      capabilities_of(subject.root.read("/proc/self/status").text.value_or(""));
  if (*limit == kUnlimited) return findings.pass(kId, "unlimited");
  const std::string observed = mib_text(*limit);
  if (capabilities && ((*capabilities >> kCapIpcLock) & 1) != 0)
    return findings.pass(kId, observed + ", not binding: CAP_IPC_LOCK");
  const auto& fifos = subject.request.fifo_bytes;
  if (fifos && *limit / 2 >= *fifos) return findings.pass(kId, observed);
  auto& finding = findings.add(
      kId, fifos ? Status::fail : Status::warn, observed,
      {fifos ? "too little to lock the FIFOs" : "how much is needed was not said: --shape --depth",
       "echo \"$(id -un) - memlock unlimited\" | sudo tee "
       "/etc/security/limits.d/90-dao-hil-memlock.conf   # then log in again"});
  if (fifos) finding.wanted = ">= " + mib_text(*fifos > UINT64_MAX / 2 ? UINT64_MAX : *fifos * 2);
}

std::map<std::string, std::uint64_t> throttle_counts(const Subject& subject) {
  std::map<std::string, std::uint64_t> counts;
  for (const int cpu : subject.online())
    for (const std::string_view kind : {"core", "package"}) {
      const auto line = subject.root.line(
          fmt::format("{}/cpu{}/thermal_throttle/{}_throttle_count", kCpu, cpu, kind));
      const auto count = line ? number_in<std::uint64_t>(*line) : std::nullopt;
      if (count) counts[fmt::format("cpu{} {}", cpu, kind)] = *count;
    }
  return counts;
}

// The sensor that is closest to its limit, in degrees below it.
struct Sensor {
  double margin = std::numeric_limits<double>::infinity();
  double degrees = 0;
  std::string name;
};
Sensor hottest(const Subject& subject) {
  Sensor closest;
  for (const auto& chip : subject.root.list("/sys/class/hwmon")) {
    const std::string folder = "/sys/class/hwmon/" + chip;
    for (const auto& file : subject.root.list(folder)) {
      if (!file.starts_with("temp") || !file.ends_with("_input")) continue;
      const std::string sensor = folder + "/" + file.substr(0, file.size() - 6);
      const auto milli = [&](const std::string& path) -> std::optional<double> {
        const auto line = subject.root.line(path);
        return line ? number_in<double>(*line) : std::nullopt;
      };
      const auto now = milli(sensor + "_input");
      auto limit = milli(sensor + "_crit");
      if (!limit) limit = milli(sensor + "_max");
      if (!now || !limit || *limit <= 0) continue;
      const double margin = (*limit - *now) / 1e3;
      if (margin < closest.margin)
        closest = {margin, *now / 1e3, subject.root.line(folder + "/name").value_or(chip)};
    }
  }
  return closest;
}

void thermal(const Subject& subject, Findings& findings,
             const std::map<std::string, std::uint64_t>& before) {
  constexpr std::string_view kId = "host.tuning.thermal";
  constexpr double kNear = 10;
  const auto after = throttle_counts(subject);
  std::uint64_t since_boot = 0;
  std::uint64_t now = 0;
  for (const auto& [core, count] : after) {
    since_boot += count;
    const auto earlier = before.find(core);
    if (earlier != before.end() && count > earlier->second) now += count - earlier->second;
  }
  const Sensor sensor = hottest(subject);
  const bool sensed = std::isfinite(sensor.margin);
  if (after.empty() && !sensed)
    return findings.not_applicable(kId, "neither throttle counters nor sensors with a limit");
  const std::string observed =
      fmt::format("throttled {} times since boot{}", since_boot,
                  sensed ? fmt::format(", {} at {:.0f} C, {:.0f} below its limit", sensor.name,
                                       sensor.degrees, sensor.margin)
                         : "");
  if (now > 0)
    findings.add(kId, Status::warn, observed,
                 {"a core throttles just now: see to the cooling", ""});
  else if (sensed && sensor.margin < kNear)
    findings.add(kId, Status::warn, observed,
                 {"a sensor is near its limit: see to the cooling", ""});
  else
    findings.pass(kId, observed);
}

// Interrupts of devices that carry frames, or other bulk, must not be sent to real-time cores even
// if none came during the second that was watched.
bool carries_frames(const Subject& subject, const std::string& name) {
  if (name.find("xhci") != std::string::npos) return true;
  for (const auto& interface : subject.root.list("/sys/class/net"))
    if (interface != "lo" && name.find(interface) != std::string::npos) return true;
  return false;
}

void interrupts(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.irqs";
  const auto throttled = throttle_counts(subject);
  const Cpus cores = subject.rt_cores();
  const auto before = parse_interrupts(subject.root.read("/proc/interrupts").text.value_or(""));
  subject.wait(subject.request.watch);
  const auto after = parse_interrupts(subject.root.read("/proc/interrupts").text.value_or(""));
  thermal(subject, findings, throttled);
  if (cores.empty()) return findings.not_applicable(kId, "no core is isolated or was asked for");
  if (after.empty()) return findings.not_applicable(kId, "/proc/interrupts cannot be read");
  std::map<int, std::map<int, std::uint64_t>> earlier;
  for (const auto& interrupt : before) earlier[interrupt.number] = interrupt.counts;
  std::string bad;
  int number = 0;
  for (const auto& interrupt : after) {
    const auto& allowed = subject.request.allowed_irqs;
    if (std::find(allowed.begin(), allowed.end(), interrupt.number) != allowed.end()) continue;
    std::uint64_t came = 0;
    for (const int cpu : cores) {
      const auto now = interrupt.counts.find(cpu);
      if (now == interrupt.counts.end()) continue;
      const auto& counts = earlier[interrupt.number];
      const auto then = counts.find(cpu);
      if (then != counts.end() && now->second > then->second) came += now->second - then->second;
    }
    const auto line =
        subject.root.line(fmt::format("/proc/irq/{}/smp_affinity_list", interrupt.number));
    const auto affinity = line ? parse_cpu_list(*line) : std::nullopt;
    const bool aimed =
        affinity && !common(*affinity, cores).empty() && carries_frames(subject, interrupt.name);
    if (came == 0 && !aimed) continue;
    bad += fmt::format("{}{} ({}{})", bad.empty() ? "" : ", ", interrupt.number, interrupt.name,
                       came > 0 ? fmt::format(", {} came while watched", came) : "");
    if (number == 0) number = interrupt.number;
  }
  if (bad.empty()) return findings.pass(kId, "none on cores " + cpu_list_text(cores));
  Cpus rest;
  for (const int cpu : subject.online())
    if (!cores.contains(cpu)) rest.insert(cpu);
  findings.add(kId, Status::fail, bad,
               {"they run on cores " + cpu_list_text(cores),
                rest.empty() ? ""
                             : fmt::format("echo {} | sudo tee /proc/irq/{}/smp_affinity_list",
                                           cpu_list_text(rest), number)});
}

void irqbalance(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.irqbalance";
  bool runs = false;
  for (const auto& pid : subject.root.list("/proc"))
    if (number_in<int>(pid) && subject.root.line("/proc/" + pid + "/comm") == "irqbalance")
      runs = true;
  if (!runs) return findings.pass(kId, "not running");
  const Cpus cores = subject.rt_cores();
  if (cores.empty()) return findings.info(kId, "running", "no real-time cores to keep it off");
  std::optional<Cpus> banned;
  const auto settings = subject.root.read("/etc/default/irqbalance").text.value_or("");
  for (const auto line : lines_of(settings)) {
    constexpr std::string_view kKey = "IRQBALANCE_BANNED_CPULIST=";
    auto value = trim(line);
    if (!value.starts_with(kKey)) continue;
    value.remove_prefix(kKey.size());
    while (value.starts_with('"')) value.remove_prefix(1);
    while (value.ends_with('"')) value.remove_suffix(1);
    banned = parse_cpu_list(value);
  }
  if (banned && covers(*banned, cores))
    return findings.pass(kId, "running, banned from " + cpu_list_text(*banned));
  findings.add(kId, Status::warn, "running",
               {"it may move interrupts to cores " + cpu_list_text(cores),
                fmt::format("echo 'IRQBALANCE_BANNED_CPULIST={}' | sudo tee -a "
                            "/etc/default/irqbalance && sudo systemctl restart irqbalance",
                            cpu_list_text(cores))});
}

void huge_pages(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.thp";
  const auto line = subject.root.line("/sys/kernel/mm/transparent_hugepage/enabled");
  const auto choice = line ? chosen_of(*line) : std::nullopt;
  if (!choice) return findings.not_applicable(kId, "the kernel has no transparent huge pages");
  if (*choice == "madvise" || *choice == "never") return findings.pass(kId, *choice);
  findings.add(kId, Status::warn, *choice,
               {"every process gets them",
                "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"});
}

struct Setting {
  std::string_view id;
  std::string_view name;  ///< of sysctl
  std::int64_t wanted;
  enum class Sense { equal, at_least } sense;
};
constexpr std::array kSettings{
    Setting{"host.tuning.nmi_watchdog", "kernel.nmi_watchdog", 0, Setting::Sense::equal},
    Setting{"host.tuning.timer_migration", "kernel.timer_migration", 0, Setting::Sense::equal},
    Setting{"host.tuning.stat_interval", "vm.stat_interval", 10, Setting::Sense::at_least},
    Setting{"host.tuning.autogroup", "kernel.sched_autogroup_enabled", 0, Setting::Sense::equal},
};

void settings(const Subject& subject, Findings& findings) {
  for (const auto& setting : kSettings) {
    std::string path = "/proc/sys/" + std::string(setting.name);
    std::replace(path.begin() + 10, path.end(), '.', '/');
    const auto line = subject.root.line(path);
    const auto value = line ? number_in<std::int64_t>(*line) : std::nullopt;
    if (!value) {
      findings.not_applicable(setting.id, "the kernel has no " + std::string(setting.name));
      continue;
    }
    const std::string observed = fmt::format("{} {}", setting.name, *value);
    const bool good = setting.sense == Setting::Sense::equal ? *value == setting.wanted
                                                             : *value >= setting.wanted;
    if (good)
      findings.pass(setting.id, observed);
    else
      findings.add(setting.id, Status::warn, observed,
                   {"", fmt::format("sudo sysctl -w {}={}", setting.name, setting.wanted)});
  }
}

void pressure(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.pressure";
  const auto text = subject.root.read("/proc/pressure/cpu").text;
  const auto percent = text ? pressure_avg10(*text) : std::nullopt;
  if (!percent) return findings.not_applicable(kId, "the kernel does not keep it (boot: psi=1)");
  findings.metric("host.tuning.cpu_pressure", *percent);
  const std::string observed = fmt::format("cpu some avg10 {:.2f} %", *percent);
  if (*percent < 1) return findings.pass(kId, observed);
  findings.add(kId, Status::warn, observed,
               {"processes wait for a core", "ps -eo pid,pcpu,comm --sort=-pcpu | head"});
}

void mitigations(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.mitigations";
  const std::string folder = fmt::format("{}/vulnerabilities", kCpu);
  int mitigated = 0;
  int vulnerable = 0;
  int unaffected = 0;
  for (const auto& name : subject.root.list(folder)) {
    const auto state = subject.root.line(folder + "/" + name).value_or("");
    if (state.starts_with("Mitigation")) ++mitigated;
    if (state.starts_with("Vulnerable")) ++vulnerable;
    if (state.starts_with("Not affected")) ++unaffected;
  }
  const auto option = boot_option(subject.cmdline(), "mitigations");
  if (mitigated + vulnerable + unaffected == 0)
    return findings.not_applicable(kId, folder + " cannot be read");
  findings.info(kId, fmt::format("{} mitigated, {} vulnerable, {} not affected; mitigations={}",
                                 mitigated, vulnerable, unaffected, option.value_or("default")));
}

// The tightest quota between a group and the root of its hierarchy.
double quota_along(const Subject& subject, const std::string& mount, std::string group,
                   std::optional<double> (*read)(const Root&, const std::string&)) {
  double cores = std::numeric_limits<double>::infinity();
  for (;;) {
    while (group.ends_with('/')) group.pop_back();
    if (const auto quota = read(subject.root, mount + group)) cores = std::min(cores, *quota);
    const auto slash = group.rfind('/');
    if (slash == std::string::npos) return cores;
    group.resize(slash);
  }
}

void cgroup(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.tuning.cgroup";
  const auto text = subject.root.read("/proc/self/cgroup").text;
  const Cpus online = subject.online();
  if (!text || online.empty())
    return findings.not_applicable(kId, "/proc/self/cgroup cannot be read");
  const std::string group = cgroup_path(*text, "").value_or("/");
  double quota = quota_along(subject, "/sys/fs/cgroup", group,
                             [](const Root& root, const std::string& folder) {
                               const auto line = root.line(folder + "/cpu.max");
                               return line ? cores_of_quota(*line) : std::nullopt;
                             });
  auto set = subject.root.line("/sys/fs/cgroup" + group + "/cpuset.cpus.effective");
  // The first version, a hierarchy for each controller.
  if (const auto old = cgroup_path(*text, "cpu"))
    quota = std::min(quota, quota_along(subject, "/sys/fs/cgroup/cpu", *old,
                                        [](const Root& root, const std::string& folder) {
                                          const auto most = root.line(folder + "/cpu.cfs_quota_us");
                                          const auto period =
                                              root.line(folder + "/cpu.cfs_period_us");
                                          if (!most || !period || most->starts_with('-'))
                                            return std::optional<double>{};
                                          return cores_of_quota(*most + " " + *period);
                                        }));
  if (const auto old = cgroup_path(*text, "cpuset"); old && !set)
    set = subject.root.line("/sys/fs/cgroup/cpuset" + *old + "/cpuset.effective_cpus");
  const auto cpus = set ? parse_cpu_list(*set) : std::nullopt;
  const bool all = !cpus || covers(*cpus, online);
  const std::string observed = fmt::format(
      "cores {} of {}, {}", cpus ? cpu_list_text(*cpus) : "unrestricted", cpu_list_text(online),
      std::isfinite(quota) ? fmt::format("quota of {:.2f} cores", quota) : "no quota");
  if (all && !std::isfinite(quota)) return findings.pass(kId, observed);
  findings.add(kId, Status::fail, observed,
               {std::isfinite(quota) ? "threads are stopped when the quota is used up"
                                     : "some cores are out of reach",
                "systemctl status $$   # shows the unit; its CPUQuota= and AllowedCPUs= must go"});
}

}  // namespace

std::vector<Step> tuning_steps() {
  return {{{"host.tuning.governor", "host.tuning.preference", "host.tuning.turbo"}, frequency},
          {{"host.tuning.cstates"}, cstates},
          {{"host.tuning.throttling"}, throttling},
          {{"host.tuning.memlock"}, memlock},
          {{"host.tuning.irqs", "host.tuning.thermal"}, interrupts},
          {{"host.tuning.irqbalance"}, irqbalance},
          {{"host.tuning.thp"}, huge_pages},
          {{"host.tuning.nmi_watchdog", "host.tuning.timer_migration", "host.tuning.stat_interval",
            "host.tuning.autogroup"},
           settings},
          {{"host.tuning.pressure"}, pressure},
          {{"host.tuning.mitigations"}, mitigations},
          {{"host.tuning.cgroup"}, cgroup}};
}

}  // namespace daohil::hil::host::detail
