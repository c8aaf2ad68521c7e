#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "shm/dao.h"
#include "shm/detail/semaphores.hpp"
#include "shm/error.hpp"
#include "shm/reader.hpp"
#include "shm/segment.hpp"
#include "shm/writer.hpp"

/// What the files of the C interface share: the handle behind an IMAGE, and the border between
/// exceptions and codes.
namespace daohil::shm::detail {

/// A writer that all IMAGEs of one stream in this process share.
struct ProcessWriter {
  Writer writer;
  bool retired = false;  ///< the process has created the stream anew since
};

/// This process' writer of a stream: the one that some IMAGE has already, or a new one over this
/// mapping. @throws Error busy when another process writes, or when the stream has been replaced
std::shared_ptr<ProcessWriter> process_writer(const Segment& segment);

/// The process creates the stream anew: its own writer of the old one does not stand in the way.
void retire_process_writer(const std::string& path);

/// What an IMAGE holds beyond its public fields, kept in semReadPID, a field that the reference
/// never uses.
struct Handle {
  static constexpr std::uint64_t kMagic = 0x64616f2d68696c31;  // "dao-hil1"

  std::uint64_t magic = kMagic;
  Segment memory;  // what IMAGE.md and IMAGE.array point to
  Reader reader;
  Semaphores semaphores;
  std::array<sem_t*, Layout::kSemaphores> semaphore_table{};
  ReadResult last_read{};
  Counter woken_at{};                     // newest frame at the last wake-up by a semaphore
  std::shared_ptr<ProcessWriter> writer;  // from the first write on
  std::optional<Slot> open_slot;          // being written in parts
  Duration next_look{0};                  // at the path of a stream being written

  explicit Handle(Segment segment);
  void open_semaphores();
  /// @throws Error busy, permission
  Writer& writing();
};

struct BadImage {};

/// @throws BadImage
Handle& handle_of(IMAGE* image);
/// Fill an IMAGE, whatever it held before.
void attach(IMAGE* image, std::unique_ptr<Handle> handle);

/// Note what was wrong for daoLastError() and print it. @returns DAO_ERROR
int_fast8_t fail(const std::string& why) noexcept;

/// Print it, unless daoLogLevel is below warnings.
void warn(const std::string& what) noexcept;

/// @throws Error invalid_argument unless the condition holds
void require(bool condition, const std::string& why);

/// Whatever the body throws stays in this process.
template <typename Body>
int_fast8_t guarded(const char* function, const Body& body) noexcept {
  try {
    return static_cast<int_fast8_t>(body());
  } catch (const BadImage&) {
    return fail(fmt::format("{}: the IMAGE is NULL, closed or was never opened", function));
  } catch (const std::exception& error) {
    return fail(fmt::format("{}: {}", function, error.what()));
  }
}

}  // namespace daohil::shm::detail
