#include "hil/host_gate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/registry.hpp"
#include "hil/judge/host.hpp"

namespace daohil::hil {
namespace {

using judge::Verdict;

host::ClaimClass claim_of(plan::HostClass wanted) {
  switch (wanted) {
    case plan::HostClass::any:
    case plan::HostClass::desktop:
      return host::ClaimClass::desktop;
    case plan::HostClass::rt:
      return host::ClaimClass::rt;
    case plan::HostClass::summit:
      return host::ClaimClass::summit;
  }
  return host::ClaimClass::desktop;
}

// What the cameras of the bench make the host carry.
void add_load(const std::vector<plan::SourcePlan>& sources, host::Request& request) {
  double bytes_per_second = 0;
  for (const auto& source : sources) {
    const auto camera = drivers::make_camera(source.kind, shm::system_clock());
    camera->configure(source.settings);
    const auto description = camera->describe();
    bytes_per_second += static_cast<double>(description.format.bytes()) * description.rate.hertz();
    if (!request.frame_rate || *request.frame_rate < description.rate)
      request.frame_rate = description.rate;
  }
  if (bytes_per_second > 0) request.stream_rate = bytes_per_second;
}

bool looks_at(const plan::Case& planned, host::Group group) {
  const auto& groups = planned.host->groups;
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

}  // namespace

judge::CaseResult HostGate::examine(const plan::Case& planned,
                                    const std::function<bool()>& stop_requested) {
  host::Request request;
  request.groups = planned.host->groups;
  request.floor = planned.host->floor;
  request.claim = claim_of(planned.host->claim);
  request.stop_requested = stop_requested;
  add_load(planned.host->sources, request);

  const host::Examination found = host::examine(request);
  judge::CaseResult result = judge::judge_host(planned, found);
  learn(planned, found, result);
  return result;
}

void HostGate::learn(const plan::Case& planned, const host::Examination& found,
                     const judge::CaseResult& result) {
  Bench& bench = benches_[planned.bench];
  // A look that was stopped measured nothing.
  if (looks_at(planned, host::Group::rt) && found.end == host::Examination::End::complete) {
    bench.measured = found.claim;
    claim_ = fmt::format("{} ({})", host::name_of(found.claim), found.claim_why);
  }
  if (result.verdict == Verdict::fail && bench.failed.empty())
    bench.failed = fmt::format("{} FAIL: {}", planned.scenario, result.why);
  for (const auto& finding : found.findings)
    if (finding.status == host::Status::fail || finding.status == host::Status::warn)
      findings_.push_back(finding);
}

const HostGate::Bench* HostGate::known(const plan::Case& planned) const {
  if (planned.host || planned.mode == plan::Mode::virtual_time) return nullptr;
  const auto bench = benches_.find(planned.bench);
  return bench == benches_.end() ? nullptr : &bench->second;
}

std::string HostGate::refusal(const plan::Case& planned) const {
  const Bench* bench = known(planned);
  if (bench == nullptr || !bench->measured || *bench->measured >= claim_of(planned.host_class))
    return {};
  return fmt::format("needs a host of class {}, this one was measured as {}",
                     plan::name_of(planned.host_class), claim_);
}

std::string HostGate::unfit(const plan::Case& planned) const {
  const Bench* bench = known(planned);
  return bench == nullptr ? std::string{} : bench->failed;
}

void HostGate::judge_retry(judge::CaseResult& result) const {
  const std::string why = unfit(result.planned);
  if (why.empty() || (result.verdict != Verdict::pass && result.verdict != Verdict::marginal))
    return;
  result.why = fmt::format(
      "attempt {} gave {} after one that was INCONCLUSIVE, on a host that is "
      "not fit: {}",
      result.attempt, name_of(result.verdict), why);
  result.verdict = Verdict::inconclusive;
}

std::vector<std::pair<std::string, std::string>> HostGate::facts() const {
  std::vector<std::pair<std::string, std::string>> facts;
  facts.emplace_back("class", claim_.empty() ? "desktop (not measured)" : claim_);
  // One line for each check: of several findings the first, which is the worst.
  for (const auto& finding : findings_) {
    const auto same = [&](const auto& fact) { return fact.first == finding.id; };
    if (std::any_of(facts.begin(), facts.end(), same)) continue;
    facts.emplace_back(finding.id, fmt::format("{} {}; wanted {}", host::name_of(finding.status),
                                               finding.observed, finding.wanted));
  }
  return facts;
}

}  // namespace daohil::hil
