#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "shm/layout.hpp"
#include "shm/segment.hpp"
#include "shm/writer.hpp"

namespace daohil::bench {

/// A stream with its writer, every page touched; file and semaphores are gone with it.
class OwnStream {
 public:
  OwnStream(const std::filesystem::path& folder, const std::string& name,
            const shm::CreateOptions& options)
      : path_(folder / fmt::format("bench-{}-{}.im.shm", ::getpid(), name)),
        owner_(::getpid()),
        writer_(shm::Writer::create(path_, options)) {
    for (std::uint32_t i = 0; i < 2 * options.depth; ++i) {
      shm::Slot slot = writer_.begin();
      std::memset(slot.pixels().data(), static_cast<int>(i % 256), slot.pixels().size());
      slot.commit(shm::FrameId{i});
    }
  }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  ~OwnStream() {
    if (::getpid() != owner_) return;
    try {
      shm::Segment::unlink(path_);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
    }
  }
  [[nodiscard]] shm::Writer& writer() { return writer_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  pid_t owner_;
  shm::Writer writer_;
};

/// What memcpy writes into: a shared mapping of a file with as many slots at the same places, and
/// nothing else. The same places, because memcpy takes up to three times longer where source and
/// destination lie unluckily to each other within their pages.
class BareRing {
 public:
  BareRing(const std::filesystem::path& folder, const shm::Layout& layout) : layout_(layout) {
    const std::string path = folder / fmt::format("bench-{}-ring", ::getpid());
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) throw std::runtime_error(fmt::format("create {}: {}", path, std::strerror(errno)));
    ::unlink(path.c_str());
    void* at = MAP_FAILED;
    const std::size_t bytes = layout.file_bytes();
    if (::posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0)
      at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED)
      throw std::runtime_error(fmt::format("no room for {} bytes in {}", bytes, folder.string()));
    data_ = static_cast<std::byte*>(at);
    std::memset(data_, 1, bytes);
  }
  BareRing(const BareRing&) = delete;
  BareRing& operator=(const BareRing&) = delete;
  ~BareRing() { ::munmap(data_, layout_.file_bytes()); }

  /// The slots in turn.
  [[nodiscard]] std::byte* next() {
    slot_ = layout_.slot_after(slot_);
    return data_ + layout_.pixels_at(slot_);
  }

 private:
  shm::Layout layout_;
  std::uint32_t slot_ = 0;
  std::byte* data_ = nullptr;
};

/// The cores this process may use.
[[nodiscard]] inline std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set)) cores.push_back(core);
  return cores;
}

inline void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace daohil::bench
