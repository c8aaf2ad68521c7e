#include "hil/host/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace daohil::hil::host {
namespace {

constexpr int kFormat = 1;
constexpr std::array kStatuses{Status::fail, Status::warn, Status::not_applicable, Status::info,
                               Status::pass};

std::string line_of(const Finding& finding, std::size_t width) {
  std::string text = fmt::format("{:<4}  {:<{}}  {}", name_of(finding.status), finding.id, width,
                                 finding.observed);
  const bool bad = finding.status == Status::fail || finding.status == Status::warn;
  if (bad) text += fmt::format("; wanted {}", finding.wanted);
  if (!finding.reason.empty()) text += (finding.observed.empty() ? "" : "; ") + finding.reason;
  if (!finding.fix.empty()) text += "   fix: " + finding.fix;
  return text + "\n";
}

}  // namespace

std::string table(const Examination& examination, Lines lines) {
  std::size_t width = 0;
  for (const auto& finding : examination.findings) width = std::max(width, finding.id.size());
  std::string text;
  for (const auto& finding : examination.findings)
    if (lines == Lines::all || finding.status != Status::pass) text += line_of(finding, width);
  for (const auto& defect : examination.defects) text += "the doctor broke: " + defect + "\n";
  std::string counts;
  for (const Status status : kStatuses)
    if (const auto count = examination.count(status); count > 0)
      counts += fmt::format("   {} {}", count, name_of(status));
  return text + fmt::format("class {}   {}{}\n", name_of(examination.claim), examination.claim_why,
                            counts);
}

std::string to_json(const Examination& examination) {
  using Json = nlohmann::ordered_json;
  Json json{{"format", kFormat},
            {"end", examination.end == Examination::End::complete ? "complete" : "stopped"},
            {"class", name_of(examination.claim)},
            {"class_why", examination.claim_why},
            {"counts", Json::object()},
            {"findings", Json::array()},
            {"metrics", Json::object()},
            {"defects", examination.defects}};
  for (const Status status : kStatuses)
    json["counts"][std::string(name_of(status))] = examination.count(status);
  for (const auto& finding : examination.findings)
    json["findings"].push_back({{"id", finding.id},
                                {"group", name_of(finding.group)},
                                {"status", name_of(finding.status)},
                                {"observed", finding.observed},
                                {"wanted", finding.wanted},
                                {"reason", finding.reason},
                                {"fix", finding.fix},
                                {"why", finding.why},
                                {"reference", finding.reference}});
  for (const auto& [name, value] : examination.metrics) json["metrics"][name] = value;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace daohil::hil::host
