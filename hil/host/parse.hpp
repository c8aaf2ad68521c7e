#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What the kernel writes into /proc and /sys, read: text in, value out. Nothing for a text that
/// is not as documented; no text is an error, and none makes a function slow or large. All are
/// pure and safe from any thread.
namespace daohil::hil::host {

/// Without white space at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);
/// At white space, none empty.
[[nodiscard]] std::vector<std::string_view> words_of(std::string_view text);
/// At '\n', without it.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

/// A whole text, white space at its ends aside, that is one decimal number of this type.
template <typename Number>
[[nodiscard]] std::optional<Number> number_in(std::string_view text) {
  text = trim(text);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Printable ASCII, at most 400 characters: others are '?'. Names come from devices.
[[nodiscard]] std::string printable_ascii(std::string_view text);
/// A word of a shell: as it stands if it is plain, else in single quotes.
[[nodiscard]] std::string shell_word(std::string_view text);

/// Numbers of logical processors, each below 65536.
using Cpus = std::set<int>;
/// "0-3,8": the kernel's list format; an empty text is the empty set.
[[nodiscard]] std::optional<Cpus> parse_cpu_list(std::string_view text);
/// "0-3,8"
[[nodiscard]] std::string cpu_list_text(const Cpus& cpus);
[[nodiscard]] bool covers(const Cpus& all, const Cpus& part);
[[nodiscard]] Cpus common(const Cpus& a, const Cpus& b);

/// Of lines "key : value", as in /proc/self/status and /proc/cpuinfo: the first of that key.
[[nodiscard]] std::optional<std::string> value_of(std::string_view text, std::string_view key);
/// Of /proc/meminfo, in bytes.
[[nodiscard]] std::optional<std::uint64_t> memory_of(std::string_view meminfo,
                                                     std::string_view key);

inline constexpr std::uint64_t kUnlimited = UINT64_MAX;
/// The soft limit of a row of /proc/self/limits.
[[nodiscard]] std::optional<std::uint64_t> soft_limit(std::string_view limits,
                                                      std::string_view name);
/// The bits of CapEff of /proc/self/status.
[[nodiscard]] std::optional<std::uint64_t> capabilities_of(std::string_view status);
inline constexpr unsigned kCapIpcLock = 14;
inline constexpr unsigned kCapSysNice = 23;

/// The last value of an option of the kernel's command line; "" for one without a value.
[[nodiscard]] std::optional<std::string> boot_option(std::string_view cmdline,
                                                     std::string_view name);
/// "always [madvise] never" -> "madvise"
[[nodiscard]] std::optional<std::string> chosen_of(std::string_view choices);

struct Interrupt {
  int number = 0;
  std::map<int, std::uint64_t> counts;  ///< by cpu, since boot
  std::string name;                     ///< chip, trigger and handlers
};
/// /proc/interrupts, those with a number.
[[nodiscard]] std::vector<Interrupt> parse_interrupts(std::string_view text);

struct Mount {
  std::string root;   ///< which folder of the file system
  std::string point;  ///< where it is seen
  std::string type;   ///< "tmpfs"
};
/// /proc/self/mountinfo, in its order.
[[nodiscard]] std::vector<Mount> parse_mounts(std::string_view mountinfo);
/// The mount that an absolute path lies on: the longest, and of equals the last.
[[nodiscard]] const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path);

/// "some avg10=0.70 ...", %
[[nodiscard]] std::optional<double> pressure_avg10(std::string_view pressure);

/// cpu.max of cgroup 2, in cores; infinity for "max".
[[nodiscard]] std::optional<double> cores_of_quota(std::string_view cpu_max);
/// The path of this process in the hierarchy of a controller by /proc/self/cgroup; "" is cgroup 2.
[[nodiscard]] std::optional<std::string> cgroup_path(std::string_view cgroup,
                                                     std::string_view controller);

/// Pages of one file on each node, by /proc/<pid>/numa_maps.
[[nodiscard]] std::map<int, std::uint64_t> pages_by_node(std::string_view numa_maps,
                                                         std::string_view path);

/// Does anything listen on this port, by /proc/net/tcp, tcp6, udp?
enum class Port { silent, listening };
[[nodiscard]] Port port_state(std::string_view sockets, std::uint16_t port);

/// "32M" of a cache's size, in bytes.
[[nodiscard]] std::optional<std::uint64_t> cache_bytes(std::string_view size);

}  // namespace daohil::hil::host
