#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/frame.hpp"
#include "shm/holders.hpp"
#include "shm/layout.hpp"
#include "shm/time.hpp"

namespace daohil::shm {

/// Looking at streams from outside: files are read, never mapped, locked or written, so that a
/// survey disturbs nobody and survives a file that is cut short meanwhile.

/// What the metadata of one slot said.
struct SlotReport {
  std::uint32_t slot = 0;
  Counter counter;  ///< 0: never written
  FrameId id;
  UtcTime time;  ///< of the commit
  enum class State { whole, being_written } state = State::whole;
};

struct KeywordReport {
  std::string name;
  char type = 'N';  ///< 'N' unused, 'L' integer, 'D' floating point, 'S' text
  std::string value;
  std::string comment;
};

/// The semaphores that belong to a base name, by the files of /dev/shm.
struct SemaphoreReport {
  std::uint32_t present = 0;  ///< of sem00 .. sem09, 10 in a sound stream
  std::uint32_t surplus = 0;  ///< sem10 .. sem99: an old reference reader overruns its table
  enum class Log { absent, present } log = Log::absent;
};

enum class WriterPresence {
  alive,    ///< holds the writer lock
  unknown,  ///< no lock, but some process maps the file: a reference writer, or readers only
  none,     ///< no lock, and no process that may be looked at maps the file
};
/// "alive", "maybe", "no"
[[nodiscard]] std::string_view name_of(WriterPresence state);

struct StreamReport {
  std::filesystem::path path;
  /// Nothing: the file is no DAO stream.
  std::optional<RecognisedLayout> layout;
  /// Why this library cannot read the file, one line; empty for a stream of its own layout.
  std::string reason;

  std::uint64_t file_bytes = 0;
  mode_t mode = 0;  ///< permission bits
  uid_t owner = 0;
  FileIdentity file;

  // Only with a layout:
  std::string name;  ///< as the metadata has it, which a moved file contradicts
  UtcTime created;
  std::optional<SlotReport> newest;  ///< nothing before the first frame
  /// Frames per second by the commit times of the frames still in the ring; nothing with fewer
  /// than two of them.
  std::optional<double> rate_hz;
  std::vector<SlotReport> slots;
  std::vector<KeywordReport> keywords;

  SemaphoreReport semaphores;
  std::vector<std::filesystem::path> shares_semaphores_with;
  WriterPresence writer = WriterPresence::none;
  std::vector<Holder> holders;

  /// Can a Reader open it?
  [[nodiscard]] bool is_stream() const {
    return layout && layout->version == LayoutVersion::fifo && reason.empty();
  }
};

/// Everything that can be seen of one file.
/// @throws Error not_found, permission, io when the file cannot be looked at; what it contains is
///         never an error
[[nodiscard]] StreamReport survey_file(const std::filesystem::path& path, const Holders& holders);

/// The files named *.im.shm of these folders (not of folders in them), by name. A file that
/// cannot be looked at is reported with the reason; one that vanishes meanwhile is left out.
/// @throws Error not_found, permission, io when a folder cannot be listed
[[nodiscard]] std::vector<StreamReport> survey(std::span<const std::filesystem::path> folders,
                                               const Holders& holders);

/// Where streams are by convention, as far as they exist: /tmp, /dev/shm, $MILK_SHM_DIR.
[[nodiscard]] std::vector<std::filesystem::path> stream_folders();

/// Does the name end in .im.shm?
[[nodiscard]] bool has_stream_name(const std::filesystem::path& path);

/// What the semaphores of a stream are named after: the file's name to its first dot.
[[nodiscard]] std::string semaphore_base_of(const std::filesystem::path& path);

/// Streams at other paths whose semaphores are those of `path`, because their names agree to the
/// first dot. That is the reference's rule; a reader of either that waits for a semaphore is woken
/// by the writers of both. Looked for in the folder of `path`, in stream_folders() and in what
/// processes map; the rest of the host is not known.
[[nodiscard]] std::vector<std::filesystem::path> streams_sharing_semaphores(
    const std::filesystem::path& path, const Holders& holders);
/// One line for who has just created `path`; nothing if there are no others.
[[nodiscard]] std::optional<std::string> shared_semaphores_warning(
    const std::filesystem::path& path, std::span<const std::filesystem::path> others);

/// Rate by the commit times of frames of one ring, in any order: from the oldest to the newest of
/// those that follow each other without a gap. Nothing with fewer than two, or if time stands.
[[nodiscard]] std::optional<double> rate_of(std::span<const SlotReport> slots);

}  // namespace daohil::shm
