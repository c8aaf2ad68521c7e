#include "shm/shared_block.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "shm/error.hpp"

namespace daohil::shm {

namespace {

// MemAvailable of proc(5): what can be had without swapping, page cache included.
std::uint64_t available_memory() {
  std::ifstream in("/proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string name;
    std::uint64_t kib = 0;
    if (fields >> name >> kib && name == "MemAvailable:") return kib << 10;
  }
  return UINT64_MAX;
}

}  // namespace

SharedBlock::SharedBlock(std::size_t bytes) : bytes_(bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    const char* why = std::strerror(errno);
    throw Error(Errc::no_space, fmt::format("share {} bytes between processes: {}", bytes, why));
  }
  data_ = static_cast<std::byte*>(at);
}

SharedBlock::SharedBlock(SharedBlock&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

SharedBlock& SharedBlock::operator=(SharedBlock&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

SharedBlock::~SharedBlock() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

void SharedBlock::prefault() {
  constexpr std::size_t kPage = 4096;
  // Small blocks are not worth the look.
  constexpr std::size_t kLarge = std::size_t{64} << 20;
  if (bytes_ >= kLarge && bytes_ > available_memory())
    throw Error(Errc::no_space,
                fmt::format("share {} bytes between processes: only {} bytes of memory are "
                            "available; use fewer frames or free some",
                            bytes_, available_memory()));
  for (std::size_t i = 0; i < bytes_; i += kPage) {
    auto* byte = reinterpret_cast<volatile std::byte*>(data_ + i);
    *byte = *byte;
  }
}

}  // namespace daohil::shm
