#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hil/host/detail/checks.hpp"

namespace daohil::hil::host::detail {
namespace {

using shm::StreamReport;

// "a, b and 3 more": a host may have hundreds.
class Names {
 public:
  void add(const std::string& name) {
    if (++count_ <= kShown) text_ += (text_.empty() ? "" : ", ") + name;
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::string text() const {
    return count_ <= kShown ? text_ : fmt::format("{} and {} more", text_, count_ - kShown);
  }

 private:
  static constexpr std::size_t kShown = 3;
  std::size_t count_ = 0;
  std::string text_;
};

void place(const Subject& subject, Findings& findings) {
  const auto mounts = parse_mounts(subject.root.read("/proc/self/mountinfo").text.value_or(""));
  const auto folders = subject.stream_folders();
  if (folders.empty()) {
    findings.not_applicable("host.shm.filesystem", "there is no folder for streams");
    findings.not_applicable("host.shm.space", "there is no folder for streams");
    return;
  }
  std::optional<std::uint64_t> least;
  for (const auto& folder : folders) {
    const auto* mount = mount_of(mounts, folder.string());
    if (mount == nullptr)
      findings.not_applicable("host.shm.filesystem", folder.string() + " is on no known mount");
    else if (mount->type == "tmpfs" || mount->type == "ramfs")
      findings.pass("host.shm.filesystem", folder.string() + " is " + mount->type);
    else
      findings.add("host.shm.filesystem", Status::warn, folder.string() + " is " + mount->type,
                   {"keep streams in /dev/shm, or make this one a tmpfs",
                    folder == "/tmp" ? "sudo cp /usr/share/systemd/tmp.mount /etc/systemd/system/ "
                                       "&& sudo systemctl enable tmp.mount   # at the next boot"
                                     : "export MILK_SHM_DIR=/dev/shm"});
    const auto space = subject.probes().space(folder);
    if (!space || space->total == 0) {
      findings.not_applicable("host.shm.space", folder.string() + " does not say");
      continue;
    }
    least = std::min(least.value_or(UINT64_MAX), space->free);
    const double used = 1 - static_cast<double>(space->free) / static_cast<double>(space->total);
    const auto& fifos = subject.request.fifo_bytes;
    const bool fits =
        !fifos || static_cast<double>(space->free) >= 1.5 * static_cast<double>(*fifos);
    const std::string observed = fmt::format("{}: {} free, {:.0f} % in use", folder.string(),
                                             mib_text(space->free), 100 * used);
    if (fits && used < 0.8)
      findings.pass("host.shm.space", observed);
    else
      findings.add(
          "host.shm.space", Status::warn, observed,
          {fits ? "nearly full" : "the FIFOs need " + mib_text(*fifos),
           folder == "/dev/shm" ? "hil stream clean   # or: sudo mount -o remount,size=75% /dev/shm"
                                : "hil stream clean"});
  }
  if (least) findings.metric("host.shm.free_bytes", static_cast<double>(*least));
}

void private_tmp(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.shm.private_tmp";
  const auto text = subject.root.read("/proc/self/mountinfo").text;
  if (!text) return findings.not_applicable(kId, "/proc/self/mountinfo cannot be read");
  const auto mounts = parse_mounts(*text);
  const auto* tmp = mount_of(mounts, "/tmp");
  if (tmp != nullptr && tmp->root.find("systemd-private-") != std::string::npos)
    findings.add(kId, Status::fail, "a private /tmp: " + tmp->root,
                 {"programs outside this service do not see its streams",
                  "systemctl status $$   # shows the unit: set PrivateTmp=no there"});
  else if (subject.root.exists("/.dockerenv") || subject.root.exists("/run/.containerenv"))
    findings.add(
        kId, Status::warn, "a container",
        {"its /tmp and /dev/shm are its own unless it was started with -v /tmp:/tmp --ipc=host",
         ""});
  else
    findings.pass(kId, "shared");
}

void streams(const Subject& subject, Findings& findings) {
  const auto folders = subject.stream_folders();
  const auto found = subject.probes().streams(folders);
  const auto me = subject.probes().user();
  Names dead;
  Names surplus;
  Names shared;
  Names foreign_layout;
  Names foreign_owner;
  std::set<std::string> bases;
  std::size_t count = 0;
  for (const StreamReport& stream : found.reports) {
    bases.insert(shm::semaphore_base_of(stream.path));
    const std::string path = stream.path.string();
    const std::string_view folder_path = stream.path.parent_path().native();
    if (stream.owner != me && (folder_path == "/tmp" || folder_path == "/dev/shm"))
      foreign_owner.add(fmt::format("{} (user {})", path, stream.owner));
    if (!stream.layout) continue;
    ++count;
    if (stream.layout->version != shm::LayoutVersion::fifo)
      foreign_layout.add(fmt::format("{} ({})", path, shm::name_of(stream.layout->version)));
    if (stream.writer == shm::WriterPresence::none && stream.holders.empty()) dead.add(path);
    if (stream.semaphores.surplus > 0)
      surplus.add(fmt::format("{} ({} more)", path, stream.semaphores.surplus));
    if (!stream.shares_semaphores_with.empty())
      shared.add(path + " and " + stream.shares_semaphores_with.front().string());
  }
  findings.metric("host.shm.streams", static_cast<double>(count));

  // sem.<base>_sem00 .. and sem.<base>_semlog without a stream anywhere that was looked at.
  Names orphans;
  std::set<std::string> orphan_bases;
  for (const auto& name : subject.root.list("/dev/shm")) {
    const auto end = name.rfind("_sem");
    if (!name.starts_with("sem.") || end == std::string::npos || end <= 4) continue;
    const std::string base = name.substr(4, end - 4);
    if (!bases.contains(base) && orphan_bases.insert(base).second) orphans.add(base);
  }
  const bool all = found.sight == Probes::Streams::Sight::all;
  if (dead.count() + orphans.count() == 0) {
    findings.pass("host.shm.leftovers", fmt::format("none among {} streams", count));
  } else {
    std::string observed;
    if (dead.count() > 0)
      observed = fmt::format("{} streams that nobody maps: {}", dead.count(), dead.text());
    if (orphans.count() > 0)
      observed += fmt::format("{}semaphores without a stream: {}", observed.empty() ? "" : "; ",
                              orphans.text());
    findings.add("host.shm.leftovers", Status::warn, observed,
                 {all ? "an unused stream may still hold a background that somebody wants"
                      : "processes of other users could not be looked at",
                  "hil stream clean   # shows what it would remove; with --yes it does"});
  }
  if (surplus.count() == 0)
    findings.pass("host.shm.surplus", "none");
  else
    findings.add("host.shm.surplus", Status::warn, surplus.text(),
                 {"", "hil stream clean   # shows what it would remove; with --yes it does"});
  if (shared.count() == 0)
    findings.pass("host.shm.duplicates", "none");
  else
    findings.add("host.shm.duplicates", Status::fail, shared.text(),
                 {"rename one of each pair", "hil stream ls"});
  if (foreign_layout.count() == 0)
    findings.pass("host.shm.abi", count == 0 ? "no stream" : fmt::format("{} streams", count));
  else
    findings.add(
        "host.shm.abi", Status::fail, foreign_layout.text(),
        {"rebuild the program that makes them against this library", "hil stream ls --all"});

  const auto sysctl = subject.root.line("/proc/sys/fs/protected_regular");
  const std::string setting = "fs.protected_regular " + sysctl.value_or("unknown");
  if (foreign_owner.count() == 0 || sysctl == "0")
    findings.pass("host.shm.protected",
                  setting + (foreign_owner.count() == 0 ? ", no stream of another user" : ""));
  else
    findings.add("host.shm.protected", Status::fail,
                 setting + ", of other users: " + foreign_owner.text(),
                 {"a program of this user that creates one of them is refused",
                  "hil stream ls --all   # run readers and writers as one user"});
}

void netd(const Subject& subject, Findings& findings) {
  constexpr std::string_view kId = "host.shm.netd";
  constexpr std::uint16_t kPort = 7709;
  std::string found;
  for (const auto& pid : subject.root.list("/proc"))
    if (number_in<int>(pid) && subject.root.line("/proc/" + pid + "/comm") == "daoShmNetd")
      found = "daoShmNetd runs as process " + pid;
  for (const std::string_view file : {"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp"})
    if (found.empty() &&
        port_state(subject.root.read(file).text.value_or(""), kPort) == Port::listening)
      found = fmt::format("port {} is open", kPort);
  if (found.empty())
    return findings.pass(kId, "no network daemon; which semaphore a reader uses cannot be seen");
  findings.add(kId, Status::warn, found,
               {"no reader may use semaphore 9", "hil stream ls   # readers with 0 .. 8 only"});
}

}  // namespace

std::vector<Step> shm_steps() {
  return {{{"host.shm.filesystem", "host.shm.space"}, place},
          {{"host.shm.private_tmp"}, private_tmp},
          {{"host.shm.leftovers", "host.shm.surplus", "host.shm.duplicates", "host.shm.abi",
            "host.shm.protected"},
           streams},
          {{"host.shm.netd"}, netd}};
}

}  // namespace daohil::hil::host::detail
