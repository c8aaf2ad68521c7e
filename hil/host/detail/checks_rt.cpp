#include <fmt/format.h>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

constexpr int kPriority = 90;

void kernel(const Subject& subject, Findings& findings) {
  const auto release = subject.root.line("/proc/sys/kernel/osrelease").value_or("unknown release");
  const bool realtime = subject.kernel() == ClaimEvidence::Kernel::preempt_rt;
  findings.metric("host.rt.realtime_kernel", realtime ? 1 : 0);
  if (realtime)
    findings.pass("host.rt.kernel", release + ", PREEMPT_RT");
  else
    findings.add(
        "host.rt.kernel", Status::warn, release + ", not PREEMPT_RT",
        {"the class summit needs it",
         "sudo apt install \"linux-image-rt-$(dpkg --print-architecture)\"    # then reboot"});
}

std::map<int, Cpus> nodes_of(const Subject& subject) {
  std::map<int, Cpus> nodes;
  for (const auto& name : subject.root.list("/sys/devices/system/node")) {
    const auto number =
        name.starts_with("node") ? number_in<int>(std::string_view(name).substr(4)) : std::nullopt;
    const auto line =
        number ? subject.root.line("/sys/devices/system/node/" + name + "/cpulist") : std::nullopt;
    if (const auto cpus = line ? parse_cpu_list(*line) : std::nullopt) nodes[*number] = *cpus;
  }
  return nodes;
}

void isolation(const Subject& subject, Findings& findings) {
  const Cpus isolated = subject.isolated();
  findings.metric("host.rt.isolated_cores", static_cast<double>(isolated.size()));
  // Below 100 us a claim rests on cores that nothing else runs on.
  const Status bad = subject.request.claim == ClaimClass::summit ? Status::fail : Status::warn;
  const auto online = static_cast<int>(subject.online().size());
  const std::string fix = fmt::format(
      "echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX isolcpus={0} nohz_full={0} "
      "rcu_nocbs={0}\"' | sudo tee /etc/default/grub.d/90-dao-hil.cfg && sudo update-grub    # "
      "then reboot",
      online > 2 ? fmt::format("{}-{}", (online + 1) / 2, online - 1) : "1");
  if (isolated.empty()) {
    findings.add("host.rt.isolation", bad, "no core is isolated",
                 {"claims below 100 us need isolated cores", online > 1 ? fix : ""});
    return;
  }
  const Cpus cores = subject.rt_cores();
  if (!covers(isolated, cores)) {
    findings.add("host.rt.isolation", bad,
                 fmt::format("isolated {}, real-time cores {}", cpu_list_text(isolated),
                             cpu_list_text(cores)),
                 {"some real-time cores are not isolated", fix});
    return;
  }
  int used = 0;
  for (const auto& [node, cpus] : nodes_of(subject)) used += common(cpus, cores).empty() ? 0 : 1;
  if (used > 1)
    findings.add("host.rt.isolation", Status::warn,
                 fmt::format("cores {} are on {} NUMA nodes", cpu_list_text(cores), used),
                 {"a stream that crosses nodes is slower", fix});
  else
    findings.pass("host.rt.isolation", "cores " + cpu_list_text(isolated));
}

void nohz_full(const Subject& subject, Findings& findings) {
  const Cpus cores = subject.rt_cores();
  if (cores.empty())
    return findings.not_applicable("host.rt.nohz_full", "no core is isolated or was asked for");
  const auto ticks =
      parse_cpu_list(subject.root.line("/sys/devices/system/cpu/nohz_full").value_or(""));
  const std::string cmdline = subject.cmdline();
  const auto option = boot_option(cmdline, "rcu_nocbs").value_or("");
  // nohz_full implies rcu_nocbs for its cores; "all" is a word that the kernel knows.
  const auto callbacks =
      option == "all" ? subject.online() : parse_cpu_list(option).value_or(Cpus{});
  const Cpus quiet = ticks.value_or(Cpus{});  // "(null)" where it was built in and not asked for
  Cpus offloaded = callbacks;
  offloaded.insert(quiet.begin(), quiet.end());
  const std::string observed =
      fmt::format("nohz_full {}, rcu_nocbs {}", quiet.empty() ? "none" : cpu_list_text(quiet),
                  offloaded.empty() ? "none" : cpu_list_text(offloaded));
  if (covers(quiet, cores) && covers(offloaded, cores))
    return findings.pass("host.rt.nohz_full", observed);
  const auto list = cpu_list_text(cores);
  findings.add("host.rt.nohz_full", Status::warn, observed,
               {"the tick interrupts cores " + list,
                fmt::format("echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX nohz_full={0} "
                            "rcu_nocbs={0}\"' | sudo tee /etc/default/grub.d/91-dao-hil-nohz.cfg "
                            "&& sudo update-grub   # then reboot",
                            list)});
}

void smt(const Subject& subject, Findings& findings) {
  const auto active = subject.root.line("/sys/devices/system/cpu/smt/active");
  Cpus cores = subject.rt_cores();
  if (cores.empty()) cores = subject.online();
  const Cpus online = subject.online();
  Cpus siblings;
  bool read = false;
  for (const int cpu : cores) {
    const auto line = subject.root.line(
        fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    const auto list = line ? parse_cpu_list(*line) : std::nullopt;
    if (!list) continue;
    read = true;
    for (const int sibling : *list)
      if (sibling != cpu && online.contains(sibling)) siblings.insert(sibling);
  }
  if (!read && !active)
    return findings.not_applicable("host.rt.smt", "the topology cannot be read");
  if (siblings.empty() && (read || active == "0"))
    return findings.pass("host.rt.smt", "no sibling threads online");
  findings.add(
      "host.rt.smt", Status::warn,
      siblings.empty() ? "SMT is active" : "siblings " + cpu_list_text(siblings) + " online",
      {"they share a core with real-time threads",
       "echo off | sudo tee /sys/devices/system/cpu/smt/control"});
}

void rights(const Subject& subject, Findings& findings) {
  const auto limits = subject.root.read("/proc/self/limits");
  const auto limit = soft_limit(limits.text.value_or(""), "Max realtime priority");
  const auto capabilities =
      capabilities_of(subject.root.read("/proc/self/status").text.value_or(""));
  const bool nice = capabilities && ((*capabilities >> kCapSysNice) & 1) != 0;
  const auto granted = subject.probes().try_fifo(kPriority);
  const std::string observed =
      fmt::format("SCHED_FIFO {} {}, RLIMIT_RTPRIO {}, CAP_SYS_NICE {}", kPriority,
                  granted.priority > 0 ? "granted" : "refused (" + granted.reason + ")",
                  limit ? std::to_string(*limit) : "unknown", nice ? "yes" : "no");
  findings.metric("host.rt.fifo_priority", granted.priority);
  if (granted.priority >= kPriority) return findings.pass("host.rt.rights", observed);
  const bool lower = limit && *limit > 0;
  findings.add("host.rt.rights", Status::fail, observed,
               {lower ? "the limit is too low" : "this user has no right to real-time priority",
                "echo \"$(id -un) - rtprio 95\" | sudo tee "
                "/etc/security/limits.d/90-dao-hil-rtprio.conf   # then log in again"});
}

}  // namespace

std::vector<Step> rt_steps() {
  return {{{"host.rt.kernel"}, kernel},
          {{"host.rt.isolation"}, isolation},
          {{"host.rt.nohz_full"}, nohz_full},
          {{"host.rt.smt"}, smt},
          {{"host.rt.rights"}, rights}};
}

}  // namespace daohil::hil::host::detail
