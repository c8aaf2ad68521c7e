#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "shm/layout.hpp"

namespace daohil::shm {

enum class Access { read, read_write };

struct CreateOptions {
  FrameFormat format;
  std::uint32_t depth = 1;
  std::uint16_t keywords = 0;
  /// Permissions of the file, before the umask. The reference uses 0600; 0660 lets a group read.
  mode_t mode = 0600;
};

/// The mapped file of one stream: created, opened, unlinked; no frame protocol.
/// Move-only; distinct objects may be used from distinct threads, also those that share a mapping.
class Segment {
 public:
  /// Make a new stream, complete before its name appears: readers attached to an older stream of
  /// that name keep their (now unlinked) file and are told by replaced().
  /// Space is reserved now, so that a full file system is an error here and not SIGBUS later.
  /// @throws Error invalid_argument, not_found (folder), permission, busy (a writer holds the
  ///         present stream, or the path is not a regular file), no_space, io
  static Segment create(const std::filesystem::path& path, const CreateOptions& options);

  /// The same without a file, for this process alone: no path, no semaphores, gone with the last
  /// Segment that shares it.
  /// @param name what the metadata call it, 1 to 79 bytes
  /// @throws Error invalid_argument, no_space
  static Segment create_private(std::string_view name, const CreateOptions& options);

  /// Open and validate an existing stream.
  /// Access::read maps read-only: a reader cannot damage a stream by mistake.
  /// @throws Error not_found, permission, bad_layout, io
  static Segment open(const std::filesystem::path& path, Access access);

  /// Remove the file and its semaphores. Processes attached to it keep their mapping.
  /// @returns false when there was no such file
  /// @throws Error permission, io
  static bool unlink(const std::filesystem::path& path);

  Segment(Segment&&) noexcept;
  Segment& operator=(Segment&&) noexcept;
  ~Segment();

  /// A second handle of the same mapping and the same lock, both given back with the last one.
  [[nodiscard]] Segment share() const;

  /// Of a private segment: its name.
  [[nodiscard]] const std::filesystem::path& path() const;
  [[nodiscard]] const Layout& layout() const;
  [[nodiscard]] bool is_private() const;
  [[nodiscard]] Access access() const;

  [[nodiscard]] const std::byte* metadata(std::uint32_t slot) const;
  [[nodiscard]] std::span<const std::byte> pixels(std::uint32_t slot) const;
  [[nodiscard]] std::span<const std::byte> bytes() const;

  /// @pre access() == Access::read_write
  [[nodiscard]] std::byte* writable_metadata(std::uint32_t slot);
  [[nodiscard]] std::span<std::byte> writable_pixels(std::uint32_t slot);

  /// The 120-byte records after the pixels; see keywords.hpp.
  [[nodiscard]] std::span<const std::byte> keywords() const;
  /// @pre access() == Access::read_write
  [[nodiscard]] std::span<std::byte> writable_keywords();

  /// The first page, writable where the file's mode allows it, else nullptr: a reader announces
  /// there that it sleeps, so that the writer makes no system call when nobody does. Those four
  /// bytes are all of a stream that our readers ever write, and they work without it.
  [[nodiscard]] std::byte* announcement_page();

  /// Take the stream's writer lock (advisory, freed by the kernel when the process dies).
  /// @returns false when another writer holds it
  bool lock_for_writing();
  /// Let another writer have it. Nothing happens if it is not held.
  void unlock_for_writing();
  /// Does someone else hold the writer lock? False for its holder, and a reference writer never
  /// takes it.
  [[nodiscard]] bool has_writer() const;
  /// Has the path been given to another file, or removed, since this one was opened? Or the file
  /// been truncated?
  [[nodiscard]] bool replaced() const;
  /// Has the file been cut short? Who touches what is gone is killed by SIGBUS, unless it has
  /// called survive_truncation().
  [[nodiscard]] bool truncated() const;
  /// Do both show the same memory, mapped once or twice?
  [[nodiscard]] bool same_stream(const Segment& other) const;

 private:
  struct State;
  explicit Segment(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace daohil::shm
