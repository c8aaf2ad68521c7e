#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "shm/segment.hpp"

namespace daohil::drivers::test {

/// The path of a stream that no other process or test of this program has at the same time; the
/// stream is removed at the end. Names in a stream hold 79 bytes, too few for most temporary
/// folders.
class StreamPath {
 public:
  StreamPath() : path_("/dev/shm/t" + std::to_string(getpid()) + "-drivers.im.shm") {}
  ~StreamPath() { shm::Segment::unlink(path_); }
  StreamPath(const StreamPath&) = delete;
  StreamPath& operator=(const StreamPath&) = delete;

  [[nodiscard]] const std::filesystem::path& get() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace daohil::drivers::test
