#include "hil/report/junit.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace daohil::hil::report {
namespace {

using judge::Verdict;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no way to write the other control characters.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string outcome(const judge::CaseResult& result) {
  const auto element = [&](std::string_view name, std::string_view type) {
    return fmt::format("      <{} type=\"{}\" message=\"{}\"/>\n", name, type, escaped(result.why));
  };
  switch (result.verdict) {
    case Verdict::pass:
    case Verdict::marginal:
      return {};
    case Verdict::fail:
      return element("failure", "fail");
    case Verdict::flaky:
      return element("failure", "flaky");
    case Verdict::inconclusive:
      return element("error", "inconclusive");
    case Verdict::error:
      return element("error", "error");
    case Verdict::aborted:
      return element("error", "aborted");
    case Verdict::skip:
      return fmt::format("      <skipped message=\"{}\"/>\n", escaped(result.why));
  }
  return {};
}

std::string testcase(const judge::CaseResult& result) {
  std::string xml = fmt::format(
      "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">\n      <properties>\n",
      escaped(result.planned.scenario), escaped(result.planned.id),
      std::chrono::duration<double>(result.elapsed).count());
  const auto property = [&](std::string_view name, std::string_view value) {
    xml += fmt::format("        <property name=\"{}\" value=\"{}\"/>\n", escaped(name),
                       escaped(value));
  };
  property("attempt", fmt::format("{}", result.attempt));
  property("verdict", judge::name_of(result.verdict));
  for (const auto& m : result.measurements)
    property(m.id, fmt::format("{} ({})", judge::to_text(m.observed), m.limit));
  return xml + "      </properties>\n" + outcome(result) + "    </testcase>\n";
}

}  // namespace

std::string junit_xml(const SuiteResult& suite) {
  const auto count = [&](auto... verdicts) {
    return std::count_if(suite.results.begin(), suite.results.end(),
                         [&](const auto& result) { return ((result.verdict == verdicts) || ...); });
  };
  const std::string totals =
      fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\"",
                  suite.results.size(), count(Verdict::fail, Verdict::flaky),
                  count(Verdict::error, Verdict::inconclusive, Verdict::aborted),
                  count(Verdict::skip), std::chrono::duration<double>(suite.elapsed).count());
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n"
      "  <testsuite name=\"dao-hil\" timestamp=\"{}\" {}>\n",
      totals, shm::to_iso8601(suite.started), totals);
  for (const auto& result : suite.results) xml += testcase(result);
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace daohil::hil::report
