#pragma once

#include <stdexcept>
#include <string>

namespace daohil::shm {

/// Why a call on a stream failed. The numbers are not part of any file format.
enum class Errc {
  invalid_argument,  ///< a parameter is out of its documented range
  not_found,         ///< no such file or folder
  permission,        ///< the file system or the file's mode refuses
  busy,              ///< another writer holds the stream
  bad_layout,        ///< the file is not a FIFO stream this library can read
  no_space,          ///< the file system is full
  io,                ///< any other failure of the operating system
};

/// Thrown where a failure is not part of normal work: creating, opening, wrong arguments.
/// What is normal at frame rate (nothing new, lapped, time-out) is a ReadStatus, never an Error.
///
/// The message names the action, the object, the value and the way out, on one line.
class Error : public std::runtime_error {
 public:
  Error(Errc code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }

 private:
  Errc code_;
};

}  // namespace daohil::shm
