#include "hil/report/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace daohil::hil::report {
namespace {

using judge::Verdict;

constexpr int kIdWidth = 40;
constexpr int kHeadlineWidth = 58;

std::string counter(std::size_t number, std::size_t of) {
  const auto width = fmt::formatted_size("{}", of);
  return fmt::format("[{:>{}}/{}]", number, width, of);
}

std::string row(const std::string& number, const std::string& id, const std::string& headline,
                Verdict verdict) {
  return fmt::format("{} {:<{}} {:<{}} {}\n", number, id, kIdWidth, headline, kHeadlineWidth,
                     judge::name_of(verdict));
}

// Frames delivered in real time with a proof of their content, over all cases.
struct Power {
  std::uint64_t good = 0;
  std::uint64_t bad = 0;
};

Power power_of(const SuiteResult& suite) {
  Power power;
  for (std::size_t i = 0; i < suite.results.size(); ++i) {
    const judge::CaseResult& result = suite.results[i];
    if (superseded(suite, i) || result.planned.mode != plan::Mode::sim) continue;
    for (const auto& [name, value] : result.metrics) {
      if (!std::holds_alternative<std::int64_t>(value)) continue;
      const auto n = static_cast<std::uint64_t>(std::get<std::int64_t>(value));
      if (name.ends_with(".content_good")) power.good += n;
      if (name.ends_with(".content_bad")) power.bad += n;
    }
  }
  return power;
}

}  // namespace

std::string duration_text(shm::Duration duration) {
  const double s = std::chrono::duration<double>(duration).count();
  if (s < 60) return fmt::format("{:.1f}s", s);
  const auto whole = static_cast<long>(s);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

std::string case_row(const SuiteResult& suite, const judge::CaseResult& result, std::size_t number,
                     std::size_t of) {
  std::string headline = result.headline;
  if (result.attempt > 1) headline += fmt::format("  (attempt {})", result.attempt);
  std::string text = row(counter(number, of), result.planned.id, headline, result.verdict);
  if (result.verdict == Verdict::pass) return text;
  if (!result.why.empty()) text += fmt::format("        why: {}\n", result.why);
  if (result.verdict != Verdict::skip)
    text += fmt::format("        rerun: {}\n", rerun_of(suite, result));
  return text;
}

std::string group_row(const std::vector<judge::CaseResult>& passed, std::size_t last_number,
                      std::size_t of) {
  const plan::Case& first = passed.front().planned;
  return row(
      counter(last_number, of), fmt::format("{}@{}", first.scenario, first.bench),
      fmt::format(
          "{} cases, {} ... {}", passed.size(),
          first.id.substr(first.scenario.size(), first.id.find('@') - first.scenario.size()),
          passed.back().planned.id.substr(
              first.scenario.size(), passed.back().planned.id.find('@') - first.scenario.size())),
      Verdict::pass);
}

std::string verdict_line(const SuiteResult& suite) {
  std::map<Verdict, std::size_t> counts;
  for (std::size_t i = 0; i < suite.results.size(); ++i)
    if (!superseded(suite, i)) counts[suite.results[i].verdict] += 1;
  std::string text = fmt::format("VERDICT {}  ", judge::name_of(suite.verdict));
  for (const auto& [verdict, n] : counts) {
    std::string name(judge::name_of(verdict));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    text += fmt::format(" {} {}", n, name);
  }
  return text + fmt::format("   {}   exit {}\n", duration_text(suite.elapsed),
                            exit_code_of(suite));
}

std::string verdict_text(const SuiteResult& suite) {
  std::string text = verdict_line(suite) + "\n";
  text +=
      fmt::format("started  {}\ncommand  {}\n\n", shm::to_iso8601(suite.started), suite.command);
  for (std::size_t i = 0; i < suite.results.size(); ++i)
    text += case_row(suite, suite.results[i], i + 1, suite.results.size());

  const Power power = power_of(suite);
  if (const std::uint64_t n = power.good + power.bad; n > 0) {
    text += fmt::format("\n{} frames that prove their content were delivered in real time, {} bad",
                        n, power.bad);
    // 0 of n: the 95 % upper bound of the rate is 3/n (rule of three).
    if (power.bad == 0)
      text += fmt::format("; a rate above {:.1e} is excluded (95 %)", 3.0 / static_cast<double>(n));
    text += "\n";
  }
  std::string untested;
  for (const auto& result : suite.results)
    if (result.verdict == Verdict::skip)
      untested += fmt::format("  {}: {}\n", result.planned.id, result.why);
  if (!untested.empty()) text += "\nnot tested\n" + untested;

  text += "\nhost\n";
  for (const auto& [name, value] : suite.host) text += fmt::format("  {:<16} {}\n", name, value);
  return text;
}

}  // namespace daohil::hil::report
