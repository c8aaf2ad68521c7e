#include "shm/cleanup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <set>

#include "shm/detail/file_descriptor.hpp"
#include "shm/detail/semaphore_files.hpp"
#include "shm/detail/writer_lock.hpp"
#include "shm/error.hpp"
#include "shm/survey.hpp"

namespace daohil::shm {
namespace {

namespace fs = std::filesystem;
using detail::FileDescriptor;
using detail::SemaphoreFile;

using Refusal = std::optional<std::string>;

FileIdentity identity_of(const struct stat& status) { return {status.st_dev, status.st_ino}; }

// 0 when there is no such file.
std::int64_t changed_at(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return 0;
  return std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
}

// A file that nobody else has open, and that nobody can open as long as this lives.
class Claim {
 public:
  Claim(const fs::path& path, const FileIdentity& expected, const Holders& holders)
      : fd_(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)),
        refusal_(take(path, expected, holders)) {}

  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

 private:
  Refusal take(const fs::path& path, const FileIdentity& expected, const Holders& holders) const;
  [[nodiscard]] Refusal take_lease() const;

  FileDescriptor fd_;
  Refusal refusal_;
};

std::string list_of(const std::vector<Holder>& holders) {
  std::string text;
  for (const auto& holder : holders)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", holder.pid, holder.command);
  return text;
}

Refusal Claim::take(const fs::path& path, const FileIdentity& expected,
                    const Holders& holders) const {
  if (!fd_) return fmt::format("it cannot be opened: {}", std::strerror(errno));
  struct stat opened {};
  struct stat named {};
  if (::fstat(fd_.get(), &opened) != 0 || !S_ISREG(opened.st_mode) ||
      identity_of(opened) != expected)
    return "it is another file now";
  if (const auto found = holders.of(expected); !found.empty())
    return fmt::format("in use by {}", list_of(found));
  // With the lock no creator of ours can rename a new stream over this name: who replaces a
  // stream holds the old one's lock.
  if (!detail::try_writer_lock(fd_.get())) return "a writer holds it";
  if (auto refusal = take_lease()) return refusal;
  if (::lstat(path.c_str(), &named) != 0 || identity_of(named) != expected)
    return "it is another file now";
  return std::nullopt;
}

Refusal Claim::take_lease() const {
  // Who opens the file meanwhile breaks the lease, which is told by a signal: one that is ignored
  // unless asked for, instead of SIGIO, which would end the process.
  if (::fcntl(fd_.get(), F_SETSIG, SIGURG) == 0 && ::fcntl(fd_.get(), F_SETLEASE, F_WRLCK) == 0)
    return std::nullopt;
  if (errno == EAGAIN) return "some process that cannot be seen from here has it open";
  if (errno == EACCES || errno == EPERM)
    return "it belongs to another user: whether it is in use cannot be told";
  return fmt::format("its file system cannot tell whether it is in use ({})", std::strerror(errno));
}

// The creator's process id in "<stream>.im.shm.new-<pid>-<n>".
std::optional<pid_t> creator_of(const fs::path& path) {
  constexpr std::string_view kMark = ".new-";
  const std::string name = path.filename().string();
  const auto mark = name.rfind(kMark);
  if (mark == std::string::npos || !has_stream_name(name.substr(0, mark))) return std::nullopt;
  const char* end = name.data() + name.size();
  pid_t pid = 0;
  unsigned attempt = 0;
  const auto first = std::from_chars(name.data() + mark + kMark.size(), end, pid);
  if (first.ec != std::errc{} || pid <= 0 || first.ptr == end || *first.ptr != '-')
    return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, attempt);
  if (second.ec != std::errc{} || second.ptr != end) return std::nullopt;
  return pid;
}

bool process_lives(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

// Files of the folder by name; nothing of a folder that cannot be listed.
std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    paths.push_back(entry->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Where a stream may lie that keeps its semaphores in use: more places than are cleaned.
std::vector<fs::path> folders_that_count(std::span<const fs::path> given) {
  std::vector<fs::path> folders = stream_folders();
  folders.insert(folders.end(), given.begin(), given.end());
  folders.emplace_back("/milk/shm");  // where milk looks unless told otherwise
  return folders;
}

std::set<std::string> bases_in_use(std::span<const fs::path> folders, const Holders& holders,
                                   const std::set<fs::path>& but) {
  std::set<std::string> bases;
  for (const auto& folder : folders_that_count(folders))
    for (const auto& path : files_in(folder)) {
      if (but.contains(fs::weakly_canonical(path))) continue;
      if (has_stream_name(path) || creator_of(path)) bases.insert(semaphore_base_of(path));
    }
  constexpr std::string_view kDeleted = " (deleted)";
  for (std::string path : holders.paths()) {
    if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
    if (has_stream_name(path)) bases.insert(semaphore_base_of(path));
  }
  return bases;
}

bool is_semaphore_folder(const fs::path& folder) {
  std::error_code ignored;
  return fs::equivalent(folder, detail::kSemaphoreFolder, ignored);
}

class Finder {
 public:
  Finder(std::span<const fs::path> folders, const Holders& holders, std::string_view select)
      : folders_(folders), holders_(holders), select_(select) {}

  CleanPlan find() {
    for (const auto& report : survey(folders_, holders_))
      if (selected(report.path)) look_at_stream(report);
    for (const auto& folder : folders_)
      for (const auto& path : files_in(folder))
        if (selected(path)) look_at_temporary(path);
    look_at_semaphores();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool selected(const fs::path& path) const {
    return path.filename().string().find(select_) != std::string::npos;
  }
  void keep(const fs::path& path, std::string why) { plan_.kept.push_back({path, std::move(why)}); }
  // A leftover, if nobody uses it.
  void consider(Leftover leftover) {
    leftover.changed = changed_at(leftover.path);
    const Claim claim(leftover.path, leftover.file, holders_);
    if (claim.refusal()) return keep(leftover.path, *claim.refusal());
    plan_.leftovers.push_back(std::move(leftover));
  }

  void look_at_stream(const StreamReport& report);
  void look_at_temporary(const fs::path& path);
  void look_at_semaphores();

  std::span<const fs::path> folders_;
  const Holders& holders_;
  std::string_view select_;
  CleanPlan plan_;
  std::set<fs::path> seen_;
};

void Finder::look_at_stream(const StreamReport& report) {
  if (!report.layout) return keep(report.path, fmt::format("no stream of DAO: {}", report.reason));
  if (fs::is_symlink(report.path)) return keep(report.path, "a symbolic link");
  if (report.writer == WriterPresence::alive) return keep(report.path, "a writer holds it");
  consider({.kind = Leftover::Kind::stream,
            .path = report.path,
            .file = report.file,
            .bytes = report.file_bytes,
            .why = fmt::format("no process has it open; newest frame {}",
                               report.newest ? to_iso8601(report.newest->time) : "none")});
}

void Finder::look_at_temporary(const fs::path& path) {
  const auto creator = creator_of(path);
  struct stat status {};
  if (!creator || ::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      !seen_.insert(fs::weakly_canonical(path)).second)
    return;
  if (process_lives(*creator))
    return keep(path, fmt::format("its creator, process {}, lives", *creator));
  consider({.kind = Leftover::Kind::temporary,
            .path = path,
            .file = identity_of(status),
            .bytes = static_cast<std::uint64_t>(status.st_size),
            .why = fmt::format("its creator, process {}, died before it was a stream", *creator)});
}

void Finder::look_at_semaphores() {
  std::set<fs::path> going;
  std::set<std::string> bases_going;
  for (const auto& leftover : plan_.leftovers) {
    going.insert(fs::weakly_canonical(leftover.path));
    bases_going.insert(semaphore_base_of(leftover.path));
  }
  const bool all = std::any_of(folders_.begin(), folders_.end(), is_semaphore_folder);
  const auto in_use = bases_in_use(folders_, holders_, going);
  for (const auto& semaphore : detail::semaphore_files()) {
    const bool goes_with_its_stream = bases_going.contains(semaphore.base);
    if (in_use.contains(semaphore.base) || !(all || goes_with_its_stream) ||
        !selected(semaphore.path))
      continue;
    struct stat status {};
    if (::lstat(semaphore.path.c_str(), &status) != 0) continue;
    consider({.kind = Leftover::Kind::semaphore,
              .path = semaphore.path,
              .file = identity_of(status),
              .bytes = static_cast<std::uint64_t>(status.st_size),
              .why = goes_with_its_stream
                         ? fmt::format("of {}.im.shm, which goes too", semaphore.base)
                         : fmt::format("there is no stream {}.im.shm", semaphore.base)});
  }
}

std::string base_of_semaphore(const fs::path& path) {
  for (const auto& file : detail::semaphore_files())
    if (file.path == path) return file.base;
  return {};
}

}  // namespace

std::string_view name_of(Leftover::Kind kind) {
  switch (kind) {
    case Leftover::Kind::stream:
      return "stream";
    case Leftover::Kind::temporary:
      return "temporary";
    case Leftover::Kind::semaphore:
      return "semaphore";
  }
  return "?";
}

CleanPlan find_leftovers(std::span<const fs::path> folders, const Holders& holders,
                         std::string_view select) {
  return Finder(folders, holders, select).find();
}

Refusal remove_leftover(const Leftover& leftover, std::span<const fs::path> folders) {
  const Holders holders = Holders::of_host();
  if (leftover.kind == Leftover::Kind::semaphore &&
      bases_in_use(folders, holders, {}).contains(base_of_semaphore(leftover.path)))
    return "a stream of its name exists";
  if (changed_at(leftover.path) != leftover.changed) return "it is another file now";
  const Claim claim(leftover.path, leftover.file, holders);
  if (claim.refusal()) return claim.refusal();
  if (::unlink(leftover.path.c_str()) == 0) return std::nullopt;
  return fmt::format("it cannot be removed: {}", std::strerror(errno));
}

std::vector<fs::path> remove_stream(const fs::path& path, InUse in_use) {
  const Holders holders = Holders::of_host();
  const StreamReport report = survey_file(path, holders);
  const auto fail = [&](Errc code, const std::string& why) {
    throw Error(code, fmt::format("unlink stream {}: {}", path.string(), why));
  };
  if (!report.layout) fail(Errc::bad_layout, "no stream of DAO: " + report.reason);
  std::optional<Claim> claim;
  if (in_use == InUse::refuse) {
    claim.emplace(path, report.file, holders);
    if (claim->refusal()) fail(Errc::busy, *claim->refusal());
  }
  if (::unlink(path.c_str()) != 0)
    fail(errno == EACCES || errno == EPERM ? Errc::permission : Errc::io, std::strerror(errno));
  std::vector<fs::path> removed{path};
  const std::string base = semaphore_base_of(path);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  // Who keeps this one mapped does not keep its semaphores' names.
  const Holders& others = in_use == InUse::refuse ? holders : Holders{};
  if (bases_in_use(std::span(&folder, 1), others, {}).contains(base)) return removed;
  for (const auto& semaphore : detail::semaphore_files())
    if (semaphore.base == base && ::unlink(semaphore.path.c_str()) == 0)
      removed.push_back(semaphore.path);
  return removed;
}

}  // namespace daohil::shm
