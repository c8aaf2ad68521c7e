#include "hil/host/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <new>
#include <thread>
#include <tuple>

#include "hil/host/detail/checks.hpp"
#include "hil/host/measure.hpp"
#include "hil/host/rt_tests.hpp"

namespace daohil::hil::host {
namespace {

using namespace std::chrono_literals;
using detail::Findings;
using detail::Step;
using detail::Subject;
using shm::Duration;

constexpr Duration kPatience = 10s;  // for a check that reads

double us(Duration duration) { return static_cast<double>(duration.count()) / 1e3; }

std::string us_text(std::optional<Duration> duration) {
  return duration ? fmt::format("{:.0f} us", us(*duration)) : "-";
}

std::vector<Step> steps_of(Group group) {
  switch (group) {
    case Group::rt:
      return detail::rt_steps();
    case Group::tuning:
      return detail::tuning_steps();
    case Group::memory:
      return detail::memory_steps();
    case Group::usb:
      return detail::usb_steps();
    case Group::shm:
      return detail::shm_steps();
    case Group::time:
      return detail::time_steps();
    case Group::net:
      return detail::net_steps();
    case Group::disk:
      return {};
  }
  return {};
}

// What a step that runs on a thread of its own leaves behind.
struct Outcome {
  Findings findings;
  std::string defect;
  std::atomic<bool> done{false};
};

class Examiner {
 public:
  explicit Examiner(const Request& request)
      : request_(request), subject_(std::make_shared<Subject>(request)) {
    // These are for the calling thread; a thread that is left behind must not reach them.
    subject_->request.stop_requested = nullptr;
    subject_->request.progress = nullptr;
  }

  Examination run() {
    const auto asked = [&](Group group) {
      return request_.groups.empty() || std::find(request_.groups.begin(), request_.groups.end(),
                                                  group) != request_.groups.end();
    };
    for (const Group group : all_groups()) {
      if (!asked(group)) continue;
      for (const Step& step : steps_of(group)) take(step);
      if (group == Group::memory) bandwidth();
      if (group == Group::disk) recording();
    }
    // Last, so that nothing of ours disturbs what is measured.
    const bool rt = asked(Group::rt);
    if (rt) wake_ups();
    claim(rt);
    finish(asked);
    return std::move(result_);
  }

 private:
  bool stop() {
    if (!subject_->stopped && request_.stop_requested && request_.stop_requested())
      subject_->stopped = true;
    return subject_->stopped;
  }

  void tell(std::string_view what, Duration length) const {
    if (request_.progress) request_.progress(what, length);
  }

  void keep(Findings& found) {
    std::move(found.all().begin(), found.all().end(), std::back_inserter(result_.findings));
    result_.metrics.merge(found.metrics());
  }

  // A file system that does not answer, a process that the kernel has stopped in its tracks: the
  // thread that waits for it is left to itself.
  void take(const Step& step) {
    const auto missing = [&](const std::string& reason) {
      Findings none;
      for (const auto id : step.ids) none.not_applicable(id, reason);
      keep(none);
    };
    if (stop()) return missing("stopped");
    const auto outcome = std::make_shared<Outcome>();
    std::thread([outcome, subject = subject_, look = step.look] {
      try {
        look(*subject, outcome->findings);
      } catch (const std::exception& error) {
        outcome->defect = error.what();
      }
      outcome->done = true;
    }).detach();
    const auto& clock = shm::system_clock();
    const auto deadline = clock.now() + kPatience;
    Duration look = 50us;  // most answer at once
    while (!outcome->done) {
      // A step that was stopped needs a moment to end.
      if (stop() && clock.now() > deadline - kPatience + 200ms) return missing("stopped");
      if (clock.now() > deadline) return missing("no answer within 10 s");
      clock.sleep_until(clock.now() + look);
      look = std::min<Duration>(look * 2, 20ms);
    }
    Findings& found = outcome->findings;
    for (const auto id : step.ids) {
      const auto same = [&](const Finding& finding) { return finding.id == id; };
      if (std::any_of(found.all().begin(), found.all().end(), same)) continue;
      const std::string why = outcome->defect.empty() ? "it found nothing" : outcome->defect;
      result_.defects.push_back(fmt::format("{}: {}", id, printable_ascii(why)));
      found.not_applicable(id, "the check broke: " + why);
    }
    keep(found);
  }

  void bandwidth() {
    constexpr std::string_view kId = "host.memory.bandwidth";
    constexpr double kFactor = 3;
    Findings found;
    const auto memory = subject_->root.read("/proc/meminfo").text.value_or("");
    std::uint64_t cache = 0;
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache";
    for (const auto& name : subject_->root.list(folder))
      cache = std::max(
          cache,
          cache_bytes(subject_->root.line(folder + "/" + name + "/size").value_or("")).value_or(0));
    const auto available = memory_of(memory, "MemAvailable");
    if (request_.bandwidth == Request::Measure::skip) {
      found.not_applicable(kId, "not asked for");
      return keep(found);
    }
    if (stop()) {
      found.not_applicable(kId, "stopped");
      return keep(found);
    }
    tell("memory bandwidth", 1s);
    Bandwidth measured;
    try {
      measured = measure_bandwidth(cache, available.value_or(std::uint64_t{1} << 30),
                                   [this] { return stop(); });
    } catch (const std::bad_alloc&) {
      found.not_applicable(kId, "not enough memory to measure");
      return keep(found);
    }
    if (measured.rounds == 0) {
      found.not_applicable(kId, stop() ? "stopped" : "not enough memory to measure");
      return keep(found);
    }
    const double rate = measured.bytes_per_second;
    found.metric("host.memory.gbps", rate / 1e9);
    std::string observed = fmt::format("memcpy {:.1f} GB/s (buffers of {})", rate / 1e9,
                                       detail::mib_text(measured.buffer_bytes));
    if (cache > 0 && measured.buffer_bytes < 2 * cache) observed += ", partly from the cache";
    if (!request_.stream_rate || *request_.stream_rate <= 0) {
      found.info(kId, observed, "what is needed was not said: --stream-rate");
    } else {
      const double ratio = rate / *request_.stream_rate;
      found.metric("host.memory.stream_ratio", ratio);
      observed += fmt::format(", {:.1f} times the stream's {:.3f} GB/s", ratio,
                              *request_.stream_rate / 1e9);
      if (ratio >= kFactor)
        found.pass(kId, observed);
      else
        found.add(
            kId, Status::fail, observed,
            {"other work takes the memory's bandwidth, or the stream is too fast for it",
             "sudo dmidecode -t memory | grep -E 'Locator|Speed'   # is every channel used?"});
    }
    keep(found);
  }

  void recording() {
    constexpr std::string_view kId = "host.disk.recording";
    constexpr double kFactor = 1.5;
    Findings found;
    if (!request_.record_folder) {
      found.not_applicable(kId, "where recordings go was not said: the probe writes there",
                           "hil host disk --record FOLDER");
      return keep(found);
    }
    tell("disk", request_.record_probe);
    const auto measured = measure_disk(request_.record_folder->string(), request_.record_probe,
                                       [this] { return stop(); });
    if (!measured.refused.empty() || stop()) {
      found.not_applicable(kId, stop() ? "stopped" : measured.refused);
      return keep(found);
    }
    const double rate = measured.bytes_per_second;
    found.metric("host.disk.mbps", rate / 1e6);
    const std::string observed = fmt::format("writes {:.0f} MB/s", rate / 1e6);
    if (!request_.stream_rate || *request_.stream_rate <= 0)
      found.info(kId, observed, "what is needed was not said: --stream-rate");
    else if (rate >= kFactor * *request_.stream_rate)
      found.pass(kId, observed);
    else
      found.add(kId, Status::fail, observed,
                {fmt::format("the stream has {:.0f} MB/s", *request_.stream_rate / 1e6),
                 "lsblk -d -o NAME,ROTA,TRAN,MODEL   # record on another disk"});
    keep(found);
  }

  struct Worst {
    std::optional<Duration> p9999 = Duration{0};
    Duration max{0};
  };

  void wake_ups() {
    const Cpus cores = subject_->measured();
    const Cpus isolated = subject_->isolated();
    if (request_.floor <= Duration{0}) return unmeasured("not asked for: --floor 10s");
    if (cores.empty()) return unmeasured("no core may be used");
    own_floor(cores, isolated);
    if (request_.rt_tests == Request::Measure::skip) {
      Findings found;
      found.not_applicable("host.rt.cyclictest", "not asked for");
      found.not_applicable("host.rt.oslat", "not asked for");
      return keep(found);
    }
    tool("cyclictest", cores, isolated, run_cyclictest);
    tool("oslat", cores, isolated, run_oslat);
  }

  void unmeasured(const std::string& reason) {
    Findings found;
    for (const std::string_view id : {"host.rt.floor", "host.rt.cyclictest", "host.rt.oslat"})
      found.not_applicable(id, reason);
    keep(found);
  }

  ClaimEvidence::Core evidence_of(int cpu, const Cpus& isolated, bool fifo,
                                  const LatencyHistogram& latency) const {
    using Core = ClaimEvidence::Core;
    return {
        .cpu = cpu,
        .isolation = isolated.contains(cpu) ? Core::Isolation::isolated : Core::Isolation::shared,
        .policy = fifo ? Core::Policy::fifo : Core::Policy::other,
        .p9999 = latency.p9999(),
        .max = latency.max()};
  }

  void own_floor(const Cpus& cores, const Cpus& isolated) {
    constexpr std::string_view kId = "host.rt.floor";
    Findings found;
    tell("wake-ups", request_.floor);
    const auto measured = measure_floor(cores, request_.floor, [this] { return stop(); });
    if (stop()) {
      found.not_applicable(kId, "stopped");
      return keep(found);
    }
    LatencyHistogram all;
    std::uint64_t fewest = UINT64_MAX;
    std::vector<ClaimEvidence::Core> evidence;
    bool refused = false;
    for (const auto& core : measured) {
      if (!core.refused.empty() || core.lateness.samples() == 0) {
        refused = true;
        found.not_applicable(kId, fmt::format("core {}: {}", core.cpu,
                                              core.refused.empty() ? "no time" : core.refused));
        continue;
      }
      all.merge(core.lateness);
      fewest = std::min(fewest, core.lateness.samples());
      const bool fifo = core.policy == CoreFloor::Policy::fifo;
      evidence.push_back(evidence_of(core.cpu, isolated, fifo, core.lateness));
      judge(found, kId, evidence.back(), core.lateness,
            fifo ? fmt::format(" (SCHED_FIFO {})", core.priority) : " (no SCHED_FIFO)");
    }
    if (!evidence.empty()) {
      const auto worst = worst_of(evidence);
      found.metric("host.rt.samples", static_cast<double>(fewest));
      found.metric("host.rt.p50_us", us(all.percentile(5'000).value_or(Duration{0})));
      found.metric("host.rt.p99_us", us(all.percentile(9'900).value_or(Duration{0})));
      if (worst.p9999) found.metric("host.rt.p9999_us", us(*worst.p9999));
      found.metric("host.rt.max_us", us(worst.max));
    }
    // A core that could not be measured may be the worst of all: no claim without it.
    if (!refused) evidence_ = std::move(evidence);
    keep(found);
  }

  static Worst worst_of(const std::vector<ClaimEvidence::Core>& cores) {
    Worst worst;
    for (const auto& core : cores) {
      worst.max = std::max(worst.max, core.max);
      if (!core.p9999)
        worst.p9999.reset();
      else if (worst.p9999)
        worst.p9999 = std::max(worst.p9999, core.p9999);
    }
    return worst;
  }

  void judge(Findings& found, std::string_view id, const ClaimEvidence::Core& core,
             const LatencyHistogram& latency, const std::string& note) {
    const bool isolated = core.isolation == ClaimEvidence::Core::Isolation::isolated;
    const Duration limit = isolated ? kSummitP9999 : kRtP9999;
    const std::string observed =
        fmt::format("core {}: p50 {} p99 {} p99.99 {} max {}, n {}{}", core.cpu,
                    us_text(latency.percentile(5'000)), us_text(latency.percentile(9'900)),
                    us_text(core.p9999), us_text(core.max), latency.samples(), note);
    Status status = Status::pass;
    std::string reason;
    if (!core.p9999) {
      status = Status::info;
      reason = fmt::format("p99.99 needs {} samples", kSamplesForP9999);
    } else if (*core.p9999 > limit) {
      status = Status::warn;
      reason = "it sets the class of this host";
    }
    if (request_.frame_rate && core.max > request_.frame_rate->period() / kPeriodsForWorstWakeUp) {
      status = Status::warn;
      reason =
          fmt::format("the latest wake-up took more than a tenth of a frame period ({:.0f} us)",
                      us(request_.frame_rate->period()));
    }
    auto& finding = found.add(id, status, observed, {reason, ""});
    finding.wanted = fmt::format("p99.99 <= {:.0f} us{}", us(limit), isolated ? " (isolated)" : "");
    if (status == Status::warn) finding.fix = "hil host rt tuning --floor 0s   # what to change";
    if (status == Status::info && !core.p9999) finding.fix = "hil host rt --floor 10s";
  }

  void tool(const std::string& name, const Cpus& cores, const Cpus& isolated,
            RtTestResult (*measure)(const Cpus&, Duration, const StopRequested&)) {
    const std::string id = "host.rt." + name;
    Findings found;
    RtTestResult measured{.end = RtTestResult::End::stopped, .cores = {}, .reason = "stopped"};
    if (!stop()) {
      tell(name, request_.floor + 1s);
      measured = measure(cores, request_.floor, [this] { return stop(); });
    }
    if (measured.end != RtTestResult::End::measured) {
      found.not_applicable(
          id, measured.reason,
          measured.end == RtTestResult::End::absent ? "sudo apt install rt-tests" : "");
      return keep(found);
    }
    const bool sleeps = name == "cyclictest";
    std::vector<ClaimEvidence::Core> evidence;
    for (const auto& core : measured.cores) {
      evidence.push_back(evidence_of(core.cpu, isolated, true, core.latency));
      if (sleeps)
        judge(found, id, evidence.back(), core.latency, "");
      else
        judge_busy(found, id, evidence.back());
    }
    const auto worst = worst_of(evidence);
    found.metric(id + ".max_us", us(worst.max));
    if (sleeps && worst.p9999) found.metric(id + ".p9999_us", us(*worst.p9999));
    // oslat looks at interruptions, of which most samples are none: no percentile of wake-ups.
    if (sleeps && !evidence_.empty())
      evidence_.insert(evidence_.end(), evidence.begin(), evidence.end());
    keep(found);
  }

  void judge_busy(Findings& found, std::string_view id, const ClaimEvidence::Core& core) {
    const bool isolated = core.isolation == ClaimEvidence::Core::Isolation::isolated;
    const Duration limit = isolated ? kSummitP9999 : kRtP9999;
    const bool good = core.max <= limit;
    auto& finding = found.add(
        id, good ? Status::pass : Status::warn,
        fmt::format("core {}: taken away for at most {}", core.cpu, us_text(core.max)),
        {good ? "" : "a polling reader at ordinary priority would be held up so long", ""});
    finding.wanted = fmt::format("max <= {:.0f} us{}", us(limit), isolated ? " (isolated)" : "");
    if (!good) finding.fix = "hil host rt tuning --floor 0s   # what to change";
  }

  void claim(bool judged) {
    ClaimEvidence evidence{.kernel = subject_->kernel(), .cores = evidence_, .frame_period = {}};
    if (request_.frame_rate) evidence.frame_period = request_.frame_rate->period();
    const Claim claim = claim_of(evidence);
    result_.claim = claim.claim;
    result_.claim_why = claim.why;
    if (!judged) return;
    Findings found;
    found.metric("host.rt.class", static_cast<double>(claim.claim));
    const std::string observed = fmt::format("{}: {}", name_of(claim.claim), claim.why);
    Finding* finding = nullptr;
    if (claim.claim >= request_.claim && request_.claim == ClaimClass::desktop)
      finding = &found.add("host.rt.class", Status::info, observed);
    else if (claim.claim >= request_.claim)
      finding = &found.add("host.rt.class", Status::pass, observed);
    else
      finding = &found.add("host.rt.class", stop() ? Status::not_applicable : Status::fail,
                           observed, {"", "hil host rt tuning --floor 0s   # what to change"});
    finding->wanted = std::string(name_of(request_.claim));
    if (stop()) finding->reason = "stopped";
    keep(found);
  }

  template <typename Asked>
  void finish(const Asked& asked) {
    if (stop()) result_.end = Examination::End::stopped;
    // By name as a second key: the same host gives the same report.
    std::stable_sort(result_.findings.begin(), result_.findings.end(),
                     [](const Finding& a, const Finding& b) {
                       return std::tie(a.status, a.group) < std::tie(b.status, b.group);
                     });
    // What a check came to, as a number: the worst of its findings.
    for (const auto& finding : result_.findings) {
      const double level = finding.status == Status::fail   ? 2
                           : finding.status == Status::warn ? 1
                                                            : 0;
      auto& kept = result_.metrics[finding.id + ".level"];
      kept = std::max(kept, level);
    }
    for (const Group group : all_groups()) {
      if (!asked(group)) continue;
      const auto of = [&](Status status) {
        return static_cast<double>(std::count_if(
            result_.findings.begin(), result_.findings.end(), [&](const Finding& finding) {
              return finding.group == group && finding.status == status;
            }));
      };
      const std::string prefix = fmt::format("host.{}.", name_of(group));
      result_.metrics[prefix + "fails"] = of(Status::fail);
      result_.metrics[prefix + "warnings"] = of(Status::warn);
    }
  }

  const Request& request_;
  std::shared_ptr<Subject> subject_;
  Examination result_;
  std::vector<ClaimEvidence::Core> evidence_;
};

}  // namespace

std::optional<UsbId> usb_id_in(std::string_view text) {
  constexpr std::size_t kDigits = 4;
  if (text.size() != 2 * kDigits + 1 || text[kDigits] != ':') return std::nullopt;
  const auto hex = [](std::string_view digits) -> std::optional<std::uint16_t> {
    std::uint16_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  const auto vendor = hex(text.substr(0, kDigits));
  const auto product = hex(text.substr(kDigits + 1));
  if (!vendor || !product) return std::nullopt;
  return UsbId{*vendor, *product};
}

std::size_t Examination::count(Status status) const {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [status](const Finding& finding) { return finding.status == status; }));
}

Examination examine(const Request& request) { return Examiner(request).run(); }

}  // namespace daohil::hil::host
