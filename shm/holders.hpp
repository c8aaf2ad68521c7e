#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace daohil::shm {

/// A file, whatever its name.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

/// A process that has a file mapped.
struct Holder {
  enum class Role { maps, writes };  ///< writes: holds the stream's writer lock
  pid_t pid = 0;
  std::string command;  ///< its name as the kernel has it, at most 15 bytes
  Role role = Role::maps;
};

/// Which processes map which files, as /proc said at one moment. Only processes of this PID
/// namespace are seen, and those of other users only by root: no holder found does not prove that
/// there is none.
class Holders {
 public:
  /// Reads the maps of every process; a few milliseconds. Never throws for a process that may not
  /// be looked at or is gone meanwhile.
  static Holders of_host();

  /// Those of one file, by process id.
  [[nodiscard]] std::vector<Holder> of(const FileIdentity& file) const;
  [[nodiscard]] bool holds(const FileIdentity& file) const { return pids_.contains(file); }
  /// Could every process be looked at?
  [[nodiscard]] bool complete() const { return complete_; }
  /// Paths of all files that some process maps, as the kernel states them.
  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }

 private:
  void read_maps_of(pid_t pid);

  std::map<FileIdentity, std::vector<pid_t>> pids_;
  std::vector<std::string> paths_;
  bool complete_ = true;
};

}  // namespace daohil::shm
