#include "shm/shared_block.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "shm/error.hpp"

namespace daohil::shm {

SharedBlock::SharedBlock(std::size_t bytes) : bytes_(bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    const char* why = std::strerror(errno);
    throw Error(Errc::no_space,
                fmt::format("share {} bytes between processes: {}", bytes, why));
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
  for (std::size_t i = 0; i < bytes_; i += kPage) {
    auto* byte = reinterpret_cast<volatile std::byte*>(data_ + i);
    *byte = *byte;
  }
}

}  // namespace daohil::shm
