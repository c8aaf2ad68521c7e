#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The host doctor: is this machine fit to run a bench, and what has to be changed?
namespace daohil::hil::host {

/// In the order of a report: worst first.
enum class Status {
  fail,            ///< measurements here mean nothing, or streams will break
  warn,            ///< works, with a known cost
  not_applicable,  ///< could not be read or measured, or there is no such thing; the reason says
  info,            ///< recorded, not judged
  pass,
};
/// "FAIL", "WARN", "N/A", "INFO", "PASS"
[[nodiscard]] std::string_view name_of(Status status);

enum class Group { rt, tuning, memory, usb, shm, time, net, disk };
/// "rt", "tuning", ...
[[nodiscard]] std::string_view name_of(Group group);
[[nodiscard]] std::optional<Group> group_named(std::string_view name);
[[nodiscard]] std::span<const Group> all_groups();

/// What timing a result of this host may claim; claim.hpp has the limits. Higher is better.
enum class ClaimClass { desktop, rt, summit };
/// "desktop", "rt", "summit"
[[nodiscard]] std::string_view name_of(ClaimClass claim);
[[nodiscard]] std::optional<ClaimClass> claim_named(std::string_view name);

/// What one check found: printable ASCII on one line each, whatever the host said.
struct Finding {
  std::string id;  ///< stable: "host.<group>.<check>"; several findings may share one
  Group group = Group::rt;
  Status status = Status::not_applicable;
  std::string observed;
  std::string wanted;
  std::string reason;     ///< why it is not a PASS; for N/A always there
  std::string fix;        ///< a command for a shell; empty where there is nothing to do
  std::string why;        ///< what the check protects from
  std::string reference;  ///< where that is documented
};

/// Numbers by name, for scenarios to assert on; the README lists them. What was not measured is
/// not in the map.
using Metrics = std::map<std::string, double>;

/// A check that the doctor knows. `row`: its number in the house's table of host checks, 1 .. 32.
struct Check {
  std::string_view id;
  Group group;
  int row;
  std::string_view wanted;
  std::string_view why;
  std::string_view reference;
};
/// All of them, by group.
[[nodiscard]] std::span<const Check> catalogue();

/// Every number that a look at the group may come to: those that the README lists.
[[nodiscard]] std::vector<std::string> metric_names(Group group);

}  // namespace daohil::hil::host
