#include "hil/judge/host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "hil/judge/holding.hpp"

namespace daohil::hil::judge {
namespace {

using host::Finding;
using host::Status;

// "host.rt." of "host.rt.cyclictest.max_us"
std::string group_prefix(const std::string& metric) {
  return metric.substr(0, metric.find('.', metric.find('.') + 1) + 1);
}

class HostJudgement {
 public:
  HostJudgement(const plan::Case& planned, const host::Examination& found) : found_(found) {
    result_.planned = planned;
    for (const auto& [name, value] : found.metrics) result_.metrics[name] = value;
  }

  CaseResult conclude() {
    for (const auto& expectation : result_.planned.expect) measure(expectation);
    if (result_.verdict == Verdict::pass && !absent_.empty()) {
      result_.verdict = Verdict::skip;
      result_.why = absent_;
    }
    if (!found_.defects.empty())
      raise(Verdict::error, "the doctor broke: " + found_.defects.front());
    if (found_.end == host::Examination::End::stopped)
      raise(Verdict::aborted, "stopped by the user");
    result_.headline = headline();
    return std::move(result_);
  }

 private:
  void measure(const plan::Expectation& expectation) {
    Measurement m;
    m.id = expectation.id;
    m.metric = expectation.metric;
    m.tier = expectation.tier;
    m.limit = limit_text(expectation);
    const auto known = result_.metrics.find(expectation.metric);
    if (known == result_.metrics.end()) {
      m.observed = std::string("not measured");
      miss(m);
    } else {
      m.observed = known->second;
      compare(expectation, m);
    }
    raise(m.verdict, m.why);
    result_.measurements.push_back(std::move(m));
  }

  static void compare_margin(const plan::Expectation& expectation, Measurement& m) {
    if (!in_margin(expectation, m.observed)) return;
    m.verdict = Verdict::marginal;
    m.why = fmt::format("{}: observed {}, holds {} but is beyond the margin of {}", m.metric,
                        to_text(m.observed), m.limit, to_text(*expectation.marginal));
  }

  void compare(const plan::Expectation& expectation, Measurement& m) const {
    if (holds(expectation, m.observed)) return compare_margin(expectation, m);
    m.verdict = Verdict::fail;
    m.why = fmt::format("{}: observed {}, expected {}{}", m.metric, to_text(m.observed), m.limit,
                        reason_of(m.metric));
  }

  // What the doctor says of it, with the way out: of this check, else the worst of the group.
  [[nodiscard]] std::string reason_of(const std::string& metric) const {
    const Finding* worst = nullptr;
    for (const Finding& finding : found_.findings) {
      if (finding.status != Status::fail && finding.status != Status::warn) continue;
      if (!finding.id.starts_with(group_prefix(metric))) continue;
      const bool of_this = metric.starts_with(finding.id + ".");
      if (of_this || worst == nullptr) worst = &finding;
      if (of_this) break;
    }
    if (worst == nullptr) return {};
    std::string text = fmt::format("; {}: {}", worst->id, worst->observed);
    if (!worst->fix.empty()) text += "; fix: " + worst->fix;
    return text;
  }

  // The doctor says why a number is not there, in the check that the number is of.
  void miss(Measurement& m) {
    const auto prefix = group_prefix(m.metric);
    const Finding* cause = nullptr;
    for (const Finding& finding : found_.findings) {
      if (finding.status != Status::not_applicable || !finding.id.starts_with(prefix)) continue;
      const bool of_this = m.metric.starts_with(finding.id + ".");
      if (of_this || cause == nullptr) cause = &finding;
      if (of_this) break;
    }
    m.why = fmt::format("{}: {}", m.metric, cause == nullptr ? "was not measured" : cause->reason);
    // A tool that can be installed is named in the fix.
    const bool tool_absent = cause != nullptr && !cause->fix.empty();
    m.verdict = tool_absent ? Verdict::skip : Verdict::inconclusive;
    if (tool_absent && absent_.empty()) absent_ = m.why + "; fix: " + cause->fix;
  }

  void raise(Verdict verdict, const std::string& why) {
    if (verdict <= result_.verdict) return;
    result_.verdict = verdict;
    result_.why = why;
  }

  [[nodiscard]] std::string headline() const {
    std::string text = fmt::format("class {}", host::name_of(found_.claim));
    if (!found_.claim_why.empty()) text += ": " + found_.claim_why;
    const bool rt = std::any_of(found_.findings.begin(), found_.findings.end(),
                                [](const Finding& f) { return f.group == host::Group::rt; });
    if (rt) return text;
    return fmt::format("{} fail  {} warn  {} pass", found_.count(Status::fail),
                       found_.count(Status::warn), found_.count(Status::pass));
  }

  const host::Examination& found_;
  CaseResult result_;
  std::string absent_;  // the first tool that is not there
};

}  // namespace

CaseResult judge_host(const plan::Case& planned, const host::Examination& found) {
  return HostJudgement(planned, found).conclude();
}

}  // namespace daohil::hil::judge
