#pragma once

#include <unistd.h>

#include <utility>

namespace daohil::shm::detail {

/// An open file, closed with its owner.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// open(2), never waiting for the other end of a named pipe. EWOULDBLOCK then means that somebody
/// finds out whether the file is in use (shm/cleanup.hpp), which takes microseconds: tried again.
FileDescriptor open_without_hanging(const char* path, int flags);

}  // namespace daohil::shm::detail
