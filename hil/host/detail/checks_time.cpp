#include <fmt/format.h>

#include <algorithm>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

void clocksource(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.time.clocksource";
  const std::string folder = "/sys/devices/system/clocksource/clocksource0/";
  const auto now = subject.root.line(folder + "current_clocksource");
  if (!now) return findings.not_applicable(kId, folder + "current_clocksource cannot be read");
  constexpr std::array<std::string_view, 2> kGood{"tsc", "arch_sys_counter"};
  constexpr std::array<std::string_view, 2> kGuest{"kvm-clock", "hyperv_clocksource_tsc_page"};
  constexpr std::array<std::string_view, 3> kSlow{"hpet", "acpi_pm", "jiffies"};
  const auto among = [&](const auto& names) {
    return std::find(names.begin(), names.end(), *now) != names.end();
  };
  if (among(kGood) || (among(kGuest) && subject.machine() == Subject::Machine::virtual_machine))
    return findings.pass(kId, *now);
  const auto available = subject.root.line(folder + "available_clocksource").value_or("");
  const auto words = words_of(available);
  const bool tsc = std::find(words.begin(), words.end(), "tsc") != words.end();
  findings.add(kId, among(kSlow) ? Status::fail : Status::warn, *now,
               {tsc ? "tsc is available" : "the kernel has given up on tsc: its log says why",
                tsc ? "echo tsc | sudo tee " + folder + "current_clocksource"
                    : "sudo dmesg | grep -i -E 'tsc|clocksource'"});
}

void synchronisation(const Subject& subject, Findings& findings) {
  const auto clock = subject.probes().kernel_clock();
  if (!clock) {
    findings.not_applicable("host.time.sync", "adjtimex is refused");
    findings.not_applicable("host.time.tai", "adjtimex is refused");
    return;
  }
  findings.metric("host.time.max_error_us", static_cast<double>(clock->max_error_us));
  findings.metric("host.time.tai_offset_s", clock->tai_offset_s);
  if (clock->sync == Probes::KernelClock::Sync::synchronised)
    findings.pass("host.time.sync", fmt::format("synchronised, at most {:.3f} ms off",
                                                static_cast<double>(clock->max_error_us) / 1e3));
  else
    findings.add("host.time.sync", Status::warn, "nobody disciplines the clock",
                 {"times of this host compare only with themselves", "sudo apt install chrony"});
  constexpr int kSince2017 = 37;
  const std::string observed = fmt::format("TAI - UTC = {} s", clock->tai_offset_s);
  if (clock->tai_offset_s >= kSince2017)
    findings.pass("host.time.tai", observed);
  else
    findings.add("host.time.tai", Status::warn, observed,
                 {"nobody told the kernel",
                  "sudo apt install chrony   # Debian's chrony.conf has leapsectz right/UTC"});
}

}  // namespace

std::vector<Step> time_steps() {
  return {{{"host.time.clocksource"}, clocksource},
          {{"host.time.sync", "host.time.tai"}, synchronisation}};
}

}  // namespace daohil::hil::host::detail
