#include <fmt/format.h>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

std::size_t nodes(const Subject& subject) {
  std::size_t count = 0;
  for (const auto& name : subject.root.list("/sys/devices/system/node"))
    if (name.starts_with("node") && number_in<int>(std::string_view(name).substr(4))) ++count;
  return count;
}

void numa_balancing(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.memory.numa_balancing";
  const auto value = subject.root.line("/proc/sys/kernel/numa_balancing");
  if (!value) return findings.not_applicable(kId, "the kernel does not have it");
  if (*value == "0") return findings.pass(kId, "0");
  if (nodes(subject) <= 1) return findings.pass(kId, *value + ", of one node: without effect");
  findings.add(
      kId, Status::warn, *value,
      {"pages of readers are taken away for a while", "sudo sysctl -w kernel.numa_balancing=0"});
}

void numa_pages(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.memory.numa_pages";
  if (nodes(subject) <= 1) return findings.not_applicable(kId, "one NUMA node");
  const Cpus cores = subject.rt_cores();
  if (cores.empty()) return findings.not_applicable(kId, "no core is isolated or was asked for");
  Cpus near;  // numbers of nodes
  for (const auto& name : subject.root.list("/sys/devices/system/node")) {
    const auto number =
        name.starts_with("node") ? number_in<int>(std::string_view(name).substr(4)) : std::nullopt;
    const auto line = subject.root.line("/sys/devices/system/node/" + name + "/cpulist");
    const auto cpus = line ? parse_cpu_list(*line) : std::nullopt;
    if (number && cpus && !common(*cpus, cores).empty()) near.insert(*number);
  }
  const auto folders = subject.stream_folders();
  const auto streams = subject.probes().streams(folders);
  std::string far;
  int seen = 0;
  for (const auto& stream : streams.reports)
    for (const auto& holder : stream.holders) {
      const auto maps = subject.root.read(fmt::format("/proc/{}/numa_maps", holder.pid)).text;
      if (!maps) continue;
      for (const auto& [node, pages] : pages_by_node(*maps, stream.path.string())) {
        ++seen;
        if (!near.contains(node) && pages > 0)
          far += fmt::format("{}{}: {} pages on node {}", far.empty() ? "" : ", ",
                             stream.path.string(), pages, node);
      }
    }
  if (seen == 0)
    return findings.not_applicable(kId, "no process that may be looked at maps a stream");
  if (far.empty()) return findings.pass(kId, "all on the node of the real-time cores");
  findings.add(
      kId, Status::warn, far,
      {fmt::format("the first to write a stream decides where its pages are: start its creator "
                   "with taskset -c {}",
                   cpu_list_text(cores)),
       ""});
}

void swap(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.memory.swap";
  const auto swaps = subject.root.read("/proc/swaps").text;
  if (!swaps || lines_of(*swaps).size() <= 1) return findings.pass(kId, "no swap");
  const auto line = subject.root.line("/proc/sys/vm/swappiness");
  const auto value = line ? number_in<int>(*line) : std::nullopt;
  if (!value) return findings.not_applicable(kId, "/proc/sys/vm/swappiness cannot be read");
  const std::string observed = fmt::format("swap in use, swappiness {}", *value);
  if (*value <= 10) return findings.pass(kId, observed);
  findings.add(
      kId, Status::warn, observed,
      {"a stream that nobody locks may be swapped out", "sudo sysctl -w vm.swappiness=10"});
}

}  // namespace

std::vector<Step> memory_steps() {
  return {{{"host.memory.numa_balancing"}, numa_balancing},
          {{"host.memory.numa_pages"}, numa_pages},
          {{"host.memory.swap"}, swap}};
}

}  // namespace daohil::hil::host::detail
