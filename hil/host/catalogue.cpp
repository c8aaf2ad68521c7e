#include <array>

#include "hil/host/finding.hpp"

namespace daohil::hil::host {
namespace {

constexpr std::string_view kParameters =
    "https://docs.kernel.org/admin-guide/kernel-parameters.html";
constexpr std::string_view kSysctlKernel = "https://docs.kernel.org/admin-guide/sysctl/kernel.html";
constexpr std::string_view kCgroup2 = "https://docs.kernel.org/admin-guide/cgroup-v2.html";
constexpr std::string_view kUsbPower =
    "https://docs.kernel.org/driver-api/usb/power-management.html";
constexpr std::string_view kIpSysctl = "https://docs.kernel.org/networking/ip-sysctl.html";
constexpr std::string_view kShmReadme = "shm/README.md";

using enum Group;

constexpr std::array kChecks{
    // ---------------------------------------------------------------------------------------- rt
    Check{"host.rt.kernel", rt, 1, "PREEMPT_RT",
          "only a PREEMPT_RT kernel bounds how long the kernel itself holds up a wake-up",
          "https://wiki.linuxfoundation.org/realtime/start"},
    Check{"host.rt.isolation", rt, 2, "a core of its own for each real-time thread, one NUMA node",
          "the scheduler puts other work on a core that is not isolated", kParameters},
    Check{"host.rt.nohz_full", rt, 3, "nohz_full and rcu_nocbs cover the isolated cores",
          "the scheduler's tick and RCU callbacks interrupt a core",
          "https://docs.kernel.org/timers/no_hz.html"},
    Check{"host.rt.smt", rt, 4, "no sibling threads of real-time cores online",
          "two threads of one core share its execution units and caches",
          "https://docs.kernel.org/admin-guide/hw-vuln/core-scheduling.html"},
    Check{"host.rt.rights", rt, 8, "SCHED_FIFO up to priority 90",
          "without real-time priority any process may hold up a reader", "man 7 sched"},
    Check{"host.rt.floor", rt, 32, "p99.99 <= 50 us on isolated cores, else <= 200 us",
          "no result of this host can be better than its own wake-ups", "hil/host/README.md"},
    Check{"host.rt.cyclictest", rt, 32, "p99.99 <= 50 us on isolated cores, else <= 200 us",
          "a second opinion on the wake-ups, by the tool that others quote", "man 8 cyclictest"},
    Check{"host.rt.oslat", rt, 32, "max <= 50 us on isolated cores, else <= 200 us",
          "a polling reader is held up by whatever takes its core away", "man 8 oslat"},
    Check{"host.rt.class", rt, 32, "the class that was asked for",
          "what a report of this host may claim", "hil/host/README.md"},
    // ------------------------------------------------------------------------------------ tuning
    Check{"host.tuning.governor", tuning, 5, "performance",
          "a core that has clocked down answers late",
          "https://docs.kernel.org/admin-guide/pm/cpufreq.html"},
    Check{"host.tuning.preference", tuning, 5, "performance",
          "the processor's own hint to save energy delays its clock",
          "https://docs.kernel.org/admin-guide/pm/intel_pstate.html"},
    Check{"host.tuning.turbo", tuning, 5, "recorded",
          "with turbo the clock depends on what other cores do",
          "https://docs.kernel.org/admin-guide/pm/intel_pstate.html"},
    Check{"host.tuning.cstates", tuning, 6, "deepest idle state enabled leaves within 10 us",
          "a core takes up to hundreds of us to leave a deep idle state",
          "https://docs.kernel.org/admin-guide/pm/cpuidle.html"},
    Check{"host.tuning.throttling", tuning, 7, "-1, or 950000 with no thread that polls all day",
          "a real-time thread that polls is stopped for 50 ms of each second",
          "https://docs.kernel.org/scheduler/sched-rt-group.html"},
    Check{"host.tuning.memlock", tuning, 9, "unlimited, or twice the bytes of all FIFOs",
          "a page that is not locked may be taken away, and faults in when a frame comes",
          "man 2 mlock"},
    Check{"host.tuning.irqs", tuning, 10, "no interrupts on real-time cores",
          "an interrupt handler runs before any thread",
          "https://docs.kernel.org/core-api/irq/irq-affinity.html"},
    Check{"host.tuning.irqbalance", tuning, 11, "stopped, or banned from the real-time cores",
          "it moves interrupts onto cores that were kept free of them", "man 1 irqbalance"},
    Check{"host.tuning.thp", tuning, 25, "madvise or never",
          "huge pages are put together behind a process's back, which stops it",
          "https://docs.kernel.org/admin-guide/mm/transhuge.html"},
    Check{"host.tuning.nmi_watchdog", tuning, 27, "0", "its interrupts cannot be kept off a core",
          kSysctlKernel},
    Check{"host.tuning.timer_migration", tuning, 27, "0",
          "timers of idle cores move onto those that are awake", kSysctlKernel},
    Check{"host.tuning.stat_interval", tuning, 27, ">= 10 s",
          "the kernel visits every core to add up its memory counters",
          "https://docs.kernel.org/admin-guide/sysctl/vm.html"},
    Check{"host.tuning.autogroup", tuning, 27, "0",
          "it changes the share of a process by the terminal it was started from", "man 7 sched"},
    Check{"host.tuning.pressure", tuning, 27, "cpu some avg10 < 1 %",
          "other work competes for the cores just now",
          "https://docs.kernel.org/accounting/psi.html"},
    Check{"host.tuning.mitigations", tuning, 28, "recorded",
          "mitigations make every system call dearer; results compare only between equals",
          "https://docs.kernel.org/admin-guide/hw-vuln/index.html"},
    Check{"host.tuning.thermal", tuning, 29, "no core throttles, no sensor near its limit",
          "a hot core clocks down", "https://docs.kernel.org/driver-api/thermal/index.html"},
    Check{"host.tuning.cgroup", tuning, 31, "all cores, no quota",
          "a quota stops every thread of a service until its period is over", kCgroup2},
    // ------------------------------------------------------------------------------------ memory
    Check{"host.memory.bandwidth", memory, 25, ">= 3 times the stream",
          "a frame is copied by its writer and by its readers", "hil/host/README.md"},
    Check{"host.memory.numa_balancing", memory, 25, "0",
          "the kernel takes pages away to see who uses them", kSysctlKernel},
    Check{"host.memory.numa_pages", memory, 25, "pages of the FIFOs on the real-time cores' node",
          "memory of another node is slower, and its link is shared", "man 7 numa"},
    Check{"host.memory.swap", memory, 26, "no swap, or swappiness <= 10",
          "a page that was swapped out takes milliseconds to come back",
          "https://docs.kernel.org/admin-guide/sysctl/vm.html"},
    // --------------------------------------------------------------------------------------- usb
    Check{"host.usb.controllers", usb, 22, "recorded", "which camera hangs on which controller",
          "man 8 lsusb"},
    Check{"host.usb.usbfs", usb, 21, "0, or >= 1000 MB",
          "transfers of a camera are refused beyond this, and frames are lost", kParameters},
    Check{"host.usb.speed", usb, 22, ">= 5000 Mbit/s",
          "a bad cable or port falls back to USB 2 without a word", "man 8 lsusb"},
    Check{"host.usb.autosuspend", usb, 22, "power/control on",
          "a camera that is put to sleep disconnects or loses its first frames", kUsbPower},
    Check{"host.usb.sharing", usb, 22, "a controller of its own for each camera",
          "devices of one controller share its bandwidth", kUsbPower},
    Check{"host.usb.access", usb, 23, "the device's node may be read and written",
          "a camera that may not be opened is as good as absent", "man 7 udev"},
    // --------------------------------------------------------------------------------------- shm
    Check{"host.shm.filesystem", Group::shm, 14, "tmpfs",
          "a file on a disk is written back, at times that nobody chose",
          "https://docs.kernel.org/filesystems/tmpfs.html"},
    Check{"host.shm.space", Group::shm, 14, "1.5 times the FIFOs free, less than 80 % in use",
          "a write to a full tmpfs kills the writer (SIGBUS)",
          "https://docs.kernel.org/filesystems/tmpfs.html"},
    Check{"host.shm.protected", Group::shm, 15, "streams in sticky folders are your own",
          "in /tmp another user's file cannot be opened for creation, not even by root",
          "https://docs.kernel.org/admin-guide/sysctl/fs.html"},
    Check{"host.shm.private_tmp", Group::shm, 16, "the /tmp of all",
          "streams in a private /tmp are seen by nobody else", "man 5 systemd.exec"},
    Check{"host.shm.leftovers", Group::shm, 17, "none",
          "streams and semaphores of dead processes hold memory and mislead readers", kShmReadme},
    Check{"host.shm.surplus", Group::shm, 17, "10 semaphores a stream",
          "an old reader of a stream with more of them overruns its table", kShmReadme},
    Check{"host.shm.duplicates", Group::shm, 18, "names differ before the first dot",
          "streams of one base name share their semaphores: readers wake for frames of the other",
          kShmReadme},
    Check{"host.shm.abi", Group::shm, 19, "the layout of this library",
          "a program built with another version of DAO reads garbage", kShmReadme},
    Check{"host.shm.netd", Group::shm, 20, "semaphore 9 belongs to one reader",
          "DAO's network daemon waits on semaphore 9 and steals posts from a reader there",
          kShmReadme},
    // -------------------------------------------------------------------------------------- time
    Check{"host.time.clocksource", Group::time, 12, "tsc, or the hypervisor's clock",
          "reading a slow clock takes a us, of which two are needed a frame",
          "https://docs.kernel.org/timers/timekeeping.html"},
    Check{"host.time.sync", Group::time, 13, "synchronised",
          "times of frames of two hosts cannot be compared", "man 2 adjtimex"},
    Check{"host.time.tai", Group::time, 13, "TAI - UTC known (37 s since 2017)",
          "PTP and telescope control use TAI; a kernel that does not know it is 37 s off",
          "man 2 adjtimex"},
    // --------------------------------------------------------------------------------------- net
    Check{"host.net.mtu", net, 24, "9000 on the link of a GigE camera",
          "small packets mean six times the interrupts for a frame", "man 8 ip-link"},
    Check{"host.net.rmem_max", net, 24, ">= 33554432",
          "packets beyond the socket's buffer are dropped", "man 7 socket"},
    Check{"host.net.rp_filter", net, 24, "0 or 2",
          "packets of a camera in another subnet are dropped without a word", kIpSysctl},
    Check{"host.net.coalescing", net, 24, "rx-usecs <= 10",
          "the card holds packets back to save interrupts", "man 8 ethtool"},
    // -------------------------------------------------------------------------------------- disk
    Check{"host.disk.recording", disk, 30, ">= 1.5 times the stream",
          "a recording that cannot keep up loses frames", "man 2 open"},
};

struct Number {
  Group group;
  std::string_view name;  // below host.<group>.
};
constexpr std::array kNumbers{
    Number{rt, "class"},
    Number{rt, "p50_us"},
    Number{rt, "p99_us"},
    Number{rt, "p9999_us"},
    Number{rt, "max_us"},
    Number{rt, "samples"},
    Number{rt, "cyclictest.p9999_us"},
    Number{rt, "cyclictest.max_us"},
    Number{rt, "oslat.max_us"},
    Number{rt, "realtime_kernel"},
    Number{rt, "isolated_cores"},
    Number{rt, "fifo_priority"},
    Number{tuning, "deepest_idle_us"},
    Number{tuning, "rt_runtime_us"},
    Number{tuning, "cpu_pressure"},
    Number{memory, "gbps"},
    Number{memory, "stream_ratio"},
    Number{usb, "usbfs_mb"},
    Number{usb, "cameras"},
    Number{usb, "controllers"},
    Number{Group::shm, "free_bytes"},
    Number{Group::shm, "streams"},
    Number{Group::time, "max_error_us"},
    Number{Group::time, "tai_offset_s"},
    Number{disk, "mbps"},
};

constexpr std::array kGroups{rt, tuning, memory, usb, Group::shm, Group::time, net, disk};

}  // namespace

std::span<const Check> catalogue() { return kChecks; }
std::vector<std::string> metric_names(Group group) {
  const std::string prefix = "host." + std::string(name_of(group)) + ".";
  std::vector<std::string> names{prefix + "fails", prefix + "warnings"};
  for (const Number& number : kNumbers)
    if (number.group == group) names.push_back(prefix + std::string(number.name));
  for (const Check& check : kChecks)
    if (check.group == group) names.push_back(std::string(check.id) + ".level");
  return names;
}

std::span<const Group> all_groups() { return kGroups; }

std::string_view name_of(Status status) {
  static constexpr std::array<std::string_view, 5> kNames{"FAIL", "WARN", "N/A", "INFO", "PASS"};
  return kNames.at(static_cast<std::size_t>(status));
}

std::string_view name_of(Group group) {
  static constexpr std::array<std::string_view, kGroups.size()> kNames{
      "rt", "tuning", "memory", "usb", "shm", "time", "net", "disk"};
  return kNames.at(static_cast<std::size_t>(group));
}

std::optional<Group> group_named(std::string_view name) {
  for (const Group group : kGroups)
    if (name_of(group) == name) return group;
  return std::nullopt;
}

std::string_view name_of(ClaimClass claim) {
  static constexpr std::array<std::string_view, 3> kNames{"desktop", "rt", "summit"};
  return kNames.at(static_cast<std::size_t>(claim));
}

std::optional<ClaimClass> claim_named(std::string_view name) {
  for (const auto claim : {ClaimClass::desktop, ClaimClass::rt, ClaimClass::summit})
    if (name_of(claim) == name) return claim;
  return std::nullopt;
}

}  // namespace daohil::hil::host
