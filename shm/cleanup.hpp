#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/holders.hpp"

namespace daohil::shm {

/// Removing what dead processes left behind, and nothing else.
///
/// A file is a leftover only if it is recognisably ours or DAO's, no process that may be looked at
/// maps it, nobody holds its writer lock, and the kernel grants a write lease on it: that proves
/// that no process at all has it open or mapped, of whatever user or container. What cannot be
/// proved unused is kept. An unused stream may still hold something that somebody wants, such as
/// a background: so find first, show, and remove what was agreed to.

struct Leftover {
  enum class Kind {
    stream,     ///< *.im.shm of any known layout
    temporary,  ///< *.im.shm.new-<pid>-<n> of a creator that has died
    semaphore,  ///< a DAO semaphore of whose base there is no stream, or only leftovers
  } kind = Kind::stream;
  std::filesystem::path path;
  FileIdentity file;
  std::int64_t changed =
      0;  ///< its ctime, ns: a number of a file is given out again when it is gone
  std::uint64_t bytes = 0;
  std::string why;  ///< one line
};
[[nodiscard]] std::string_view name_of(Leftover::Kind kind);

struct Kept {
  std::filesystem::path path;
  std::string why;
};

struct CleanPlan {
  std::vector<Leftover> leftovers;  ///< streams and temporary files before semaphores
  std::vector<Kept> kept;           ///< files with the name of a stream or a temporary file
};

/// Look, remove nothing. Semaphores are looked at if their folder, /dev/shm, is one of those given;
/// those of a stream that is a leftover always. A base is in use if any folder given, any of
/// stream_folders() or any process knows a stream of it.
/// @param select only files whose name contains this text are considered
/// Not quite without trace: a process that opens an unused stream in the microseconds of the lease
/// waits, or is told EWOULDBLOCK if it opens without blocking (Segment::open tries again).
/// @throws Error not_found, permission, io when a folder cannot be listed
[[nodiscard]] CleanPlan find_leftovers(std::span<const std::filesystem::path> folders,
                                       const Holders& holders, std::string_view select = {});

/// Remove one, after all that made it a leftover has been looked at once more.
/// @param folders as given to find_leftovers
/// @returns nothing when it is gone, else why it was kept
[[nodiscard]] std::optional<std::string> remove_leftover(
    const Leftover& leftover, std::span<const std::filesystem::path> folders);

enum class InUse { refuse, allow };

/// Remove a stream of any known layout, and its semaphores unless another stream shares them.
/// Processes attached to it keep their mapping.
/// @returns the files removed
/// @throws Error not_found; bad_layout when the file is no DAO stream; busy when it is in use, or
///         cannot be proved unused, and InUse says refuse; permission, io
std::vector<std::filesystem::path> remove_stream(const std::filesystem::path& path, InUse in_use);

}  // namespace daohil::shm
