#include <fmt/format.h>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

void cards(const Subject& subject, Findings& findings) {
  constexpr std::string_view kNet = "/sys/class/net";
  int links = 0;
  for (const auto& name : subject.root.list(kNet)) {
    const std::string folder = std::string(kNet) + "/" + name;
    // Only cards: those of the kernel's own making have no device.
    if (!subject.root.exists(folder + "/device") ||
        subject.root.line(folder + "/operstate").value_or("unknown") == "down")
      continue;
    ++links;
    const auto line = subject.root.line(folder + "/mtu");
    const auto mtu = line ? number_in<int>(*line) : std::nullopt;
    const std::string observed = fmt::format("{}: {}", name, mtu.value_or(0));
    if (!mtu)
      findings.not_applicable("host.net.mtu", name + " does not say");
    else if (*mtu >= 9000)
      findings.pass("host.net.mtu", observed);
    else
      findings.add("host.net.mtu", Status::warn, observed,
                   {"only matters on the link of a camera; its switch must allow it too",
                    fmt::format("sudo ip link set dev {} mtu 9000", shell_word(name))});

    const auto filter = subject.root.line("/proc/sys/net/ipv4/conf/" + name + "/rp_filter");
    const auto all = subject.root.line("/proc/sys/net/ipv4/conf/all/rp_filter");
    // The kernel uses the larger of both.
    const int mode = std::max(number_in<int>(filter.value_or("")).value_or(0),
                              number_in<int>(all.value_or("")).value_or(0));
    if (!filter)
      findings.not_applicable("host.net.rp_filter", name + " has no such setting");
    else if (mode != 1)
      findings.pass("host.net.rp_filter", fmt::format("{}: {}", name, mode));
    else
      findings.add("host.net.rp_filter", Status::warn, fmt::format("{}: {}", name, mode),
                   {"strict: what comes by another way than its answer would go is dropped",
                    "sudo sysctl -w " + shell_word("net.ipv4.conf." + name + ".rp_filter=2")});

    const auto us = subject.probes().rx_coalescing_us(name);
    if (!us)
      findings.not_applicable("host.net.coalescing", name + ": its driver does not say");
    else if (*us <= 10)
      findings.pass("host.net.coalescing", fmt::format("{}: {} us", name, *us));
    else
      findings.add(
          "host.net.coalescing", Status::warn, fmt::format("{}: {} us", name, *us),
          {"only matters on the link of a camera",
           fmt::format("sudo ethtool -C {} adaptive-rx off rx-usecs 10", shell_word(name))});
  }
  if (links == 0)
    for (const std::string_view id : {"host.net.mtu", "host.net.rp_filter", "host.net.coalescing"})
      findings.not_applicable(id, "no network card is up");
}

void buffers(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.net.rmem_max";
  constexpr std::int64_t kWanted = 33'554'432;
  const auto line = subject.root.line("/proc/sys/net/core/rmem_max");
  const auto bytes = line ? number_in<std::int64_t>(*line) : std::nullopt;
  if (!bytes) return findings.not_applicable(kId, "/proc/sys/net/core/rmem_max cannot be read");
  if (*bytes >= kWanted) return findings.pass(kId, std::to_string(*bytes));
  findings.add(kId, Status::warn, std::to_string(*bytes),
               {"only matters for cameras on the network",
                fmt::format("sudo sysctl -w net.core.rmem_max={}", kWanted)});
}

}  // namespace

std::vector<Step> net_steps() {
  return {{{"host.net.mtu", "host.net.rp_filter", "host.net.coalescing"}, cards},
          {{"host.net.rmem_max"}, buffers}};
}

}  // namespace daohil::hil::host::detail
