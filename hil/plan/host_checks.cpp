#include "hil/plan/host_checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

#include "hil/plan/show.hpp"

namespace daohil::hil::plan {
namespace {

host::Group read_group(const Field& field) {
  const auto word = field.text();
  if (const auto group = host::group_named(word)) return *group;
  std::vector<std::string_view> names;
  for (const auto group : host::all_groups()) names.push_back(host::name_of(group));
  field.fail(fmt::format("expected one of {}, got {}{}", fmt::join(names, ", "), show(word),
                         did_you_mean(word, names)),
             {word, names});
}

void read_groups(const Field& field, std::vector<host::Group>& groups) {
  const auto items = field.list();
  if (items.empty()) field.fail("is empty; list what to look at, such as [rt, tuning]");
  for (const auto& item : items) {
    item.gather([&] {
      const auto group = read_group(item);
      if (std::find(groups.begin(), groups.end(), group) != groups.end())
        item.fail(fmt::format("{} is listed twice", host::name_of(group)));
      groups.push_back(group);
    });
  }
}

}  // namespace

HostChecks read_host_checks(const Section& top, const Bench& bench, std::optional<Mode> mode) {
  HostChecks checks;
  top.take_needed("checks", [&](const Field& field) { read_groups(field, checks.groups); });
  top.take("duration", [&](const Field& duration) { checks.floor = duration.duration(); });
  top.take_needed("group", [](const Field& group) {
    if (group.text() != "host") group.fail("checks belong to group: host");
  });
  for (const auto* key :
       {"sources", "fifos", "readers", "frames", "warmup", "faults", "sinks", "sweep"})
    top.take(key, [](const Field& field) {
      field.fail("belongs to scenarios with a camera; checks look at the host alone, remove it");
    });
  if (mode == Mode::virtual_time)
    top.take("modes", [](const Field& modes) {
      modes.fail("in virtual time there is no host to check; remove virtual");
    });
  checks.claim = bench.host_class;
  for (const auto& [role, source] : bench.roles) checks.sources.push_back(source);
  return checks;
}

std::vector<Metric> metrics_of_host(std::span<const host::Group> groups) {
  std::vector<Metric> metrics;
  for (const auto group : groups)
    for (auto& name : host::metric_names(group))
      metrics.push_back({std::move(name), Quantity::number, Tier::a});
  return metrics;
}

}  // namespace daohil::hil::plan
