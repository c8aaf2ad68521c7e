#include "hil/host/parse.hpp"

#include <algorithm>
#include <limits>

namespace daohil::hil::host {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";
constexpr int kMostCpus = 65536;
constexpr std::size_t kMostCharacters = 400;

// mountinfo writes blanks and the like as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octal = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' && octal(i + 1) &&
        octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                               (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

template <typename Number>
std::optional<Number> hex_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    const auto begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const auto end = std::min(text.find_first_of(kSpace), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string printable_ascii(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMostCharacters)) out += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kMostCharacters) out += "...";
  return out;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+=:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::optional<Cpus> parse_cpu_list(std::string_view text) {
  text = trim(text);
  Cpus cpus;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto range = text.substr(0, end);
    const auto dash = range.find('-');
    const auto first = number_in<int>(range.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : number_in<int>(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last >= kMostCpus) return std::nullopt;
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.insert(cpu);
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;
  }
  return cpus;
}

std::string cpu_list_text(const Cpus& cpus) {
  std::string text;
  for (auto at = cpus.begin(); at != cpus.end();) {
    const int first = *at;
    int last = first;
    while (++at != cpus.end() && *at == last + 1) last = *at;
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (last > first) text += "-" + std::to_string(last);
  }
  return text;
}

bool covers(const Cpus& all, const Cpus& part) {
  return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

Cpus common(const Cpus& a, const Cpus& b) {
  Cpus both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

std::optional<std::string> value_of(std::string_view text, std::string_view key) {
  for (const auto line : lines_of(text)) {
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && trim(line.substr(0, colon)) == key)
      return std::string(trim(line.substr(colon + 1)));
  }
  return std::nullopt;
}

std::optional<std::uint64_t> memory_of(std::string_view meminfo, std::string_view key) {
  const auto value = value_of(meminfo, key);
  if (!value) return std::nullopt;
  const auto words = words_of(*value);
  if (words.size() != 2 || words[1] != "kB") return std::nullopt;
  const auto kib = number_in<std::uint64_t>(words[0]);
  if (!kib || *kib > UINT64_MAX / 1024) return std::nullopt;
  return *kib * 1024;
}

std::optional<std::uint64_t> soft_limit(std::string_view limits, std::string_view name) {
  for (const auto line : lines_of(limits)) {
    if (!line.starts_with(name)) continue;
    const auto words = words_of(line.substr(name.size()));
    if (words.empty()) return std::nullopt;
    if (words[0] == "unlimited") return kUnlimited;
    return number_in<std::uint64_t>(words[0]);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> capabilities_of(std::string_view status) {
  const auto value = value_of(status, "CapEff");
  return value ? hex_in<std::uint64_t>(*value) : std::nullopt;
}

std::optional<std::string> boot_option(std::string_view cmdline, std::string_view name) {
  std::optional<std::string> found;
  std::string word;
  bool quoted = false;
  const auto take = [&] {
    if (word == name) found = "";
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=')
      found = word.substr(name.size() + 1);
    word.clear();
  };
  for (const char c : cmdline) {
    if (c == '"')
      quoted = !quoted;
    else if (!quoted && kSpace.find(c) != std::string_view::npos)
      take();
    else
      word += c;
  }
  take();
  return found;
}

std::optional<std::string> chosen_of(std::string_view choices) {
  const auto open = choices.find('[');
  const auto close = choices.find(']', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos || close == open + 1)
    return std::nullopt;
  return std::string(choices.substr(open + 1, close - open - 1));
}

std::vector<Interrupt> parse_interrupts(std::string_view text) {
  const auto lines = lines_of(text);
  std::vector<Interrupt> interrupts;
  if (lines.empty()) return interrupts;
  std::vector<int> cpus;
  for (const auto word : words_of(lines[0])) {
    const auto cpu = word.starts_with("CPU") ? number_in<int>(word.substr(3)) : std::nullopt;
    if (!cpu || *cpu < 0) return interrupts;
    cpus.push_back(*cpu);
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto words = words_of(lines[i]);
    if (words.size() < 1 + cpus.size() || !words[0].ends_with(':')) continue;
    const auto number = number_in<int>(words[0].substr(0, words[0].size() - 1));
    if (!number || *number < 0) continue;  // those of the processor itself have letters
    Interrupt interrupt{.number = *number, .counts = {}, .name = {}};
    for (std::size_t c = 0; c < cpus.size(); ++c)
      interrupt.counts[cpus[c]] = number_in<std::uint64_t>(words[1 + c]).value_or(0);
    for (std::size_t w = 1 + cpus.size(); w < words.size(); ++w)
      interrupt.name += (interrupt.name.empty() ? "" : " ") + std::string(words[w]);
    interrupts.push_back(std::move(interrupt));
  }
  return interrupts;
}

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for (const auto line : lines_of(mountinfo)) {
    // id parent major:minor root point options [optional fields] - type source options
    const auto words = words_of(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 7 || dash == words.end() || dash + 1 == words.end() ||
        dash < words.begin() + 6)
      continue;
    mounts.push_back({unescaped(words[3]), unescaped(words[4]), std::string(*(dash + 1))});
  }
  return mounts;
}

const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  for (const auto& mount : mounts) {
    const std::string_view point = mount.point;
    const bool below =
        point == "/" || path == point ||
        (path.starts_with(point) && path.size() > point.size() && path[point.size()] == '/');
    if (below && (best == nullptr || point.size() >= best->point.size())) best = &mount;
  }
  return best;
}

std::optional<double> pressure_avg10(std::string_view pressure) {
  constexpr std::string_view kKey = "avg10=";
  for (const auto line : lines_of(pressure)) {
    const auto words = words_of(line);
    if (words.size() >= 2 && words[0] == "some" && words[1].starts_with(kKey))
      return number_in<double>(words[1].substr(kKey.size()));
  }
  return std::nullopt;
}

std::optional<double> cores_of_quota(std::string_view cpu_max) {
  const auto words = words_of(cpu_max);
  if (words.size() != 2) return std::nullopt;
  const auto period = number_in<std::uint64_t>(words[1]);
  if (!period || *period == 0) return std::nullopt;
  if (words[0] == "max") return std::numeric_limits<double>::infinity();
  const auto quota = number_in<std::uint64_t>(words[0]);
  if (!quota) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<std::string> cgroup_path(std::string_view cgroup, std::string_view controller) {
  for (const auto line : lines_of(cgroup)) {
    const auto first = line.find(':');
    if (first == std::string_view::npos) continue;
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    std::string_view names = line.substr(first + 1, second - first - 1);
    for (;;) {
      const auto comma = std::min(names.find(','), names.size());
      if (names.substr(0, comma) == controller) return std::string(line.substr(second + 1));
      if (comma == names.size()) break;
      names.remove_prefix(comma + 1);
    }
  }
  return std::nullopt;
}

std::map<int, std::uint64_t> pages_by_node(std::string_view numa_maps, std::string_view path) {
  std::map<int, std::uint64_t> pages;
  const std::string wanted = "file=" + std::string(path);
  for (const auto line : lines_of(numa_maps)) {
    const auto words = words_of(line);
    if (std::find(words.begin(), words.end(), wanted) == words.end()) continue;
    for (const auto word : words) {
      const auto equals = word.find('=');
      if (!word.starts_with('N') || equals == std::string_view::npos) continue;
      const auto node = number_in<int>(word.substr(1, equals - 1));
      const auto count = number_in<std::uint64_t>(word.substr(equals + 1));
      if (node && count) pages[*node] += *count;
    }
  }
  return pages;
}

Port port_state(std::string_view sockets, std::uint16_t port) {
  constexpr unsigned kListen = 0x0A;   // TCP_LISTEN
  constexpr unsigned kUdpOpen = 0x07;  // a bound UDP socket is in state CLOSE
  for (const auto line : lines_of(sockets)) {
    const auto words = words_of(line);
    if (words.size() < 4) continue;
    const auto colon = words[1].rfind(':');
    if (colon == std::string_view::npos) continue;
    const auto local = hex_in<unsigned>(words[1].substr(colon + 1));
    const auto state = hex_in<unsigned>(words[3]);
    if (local && state && *local == port && (*state == kListen || *state == kUdpOpen))
      return Port::listening;
  }
  return Port::silent;
}

std::optional<std::uint64_t> cache_bytes(std::string_view size) {
  size = trim(size);
  if (size.empty()) return std::nullopt;
  const char unit = size.back();
  const unsigned shift = unit == 'K' ? 10 : unit == 'M' ? 20 : unit == 'G' ? 30 : 0;
  if (shift != 0) size.remove_suffix(1);
  const auto number = number_in<std::uint64_t>(size);
  if (!number || *number > (UINT64_MAX >> 31)) return std::nullopt;
  return *number << shift;
}

}  // namespace daohil::hil::host
