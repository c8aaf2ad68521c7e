#include "tests/shm/support.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

namespace daohil::shm::test {

RawMapping::RawMapping(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) throw std::runtime_error("open " + path.string());
  size_ = static_cast<std::size_t>(status.st_size);
  void* at = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) throw std::runtime_error("map " + path.string());
  data_ = static_cast<std::byte*>(at);
}

RawMapping::~RawMapping() { ::munmap(data_, size_); }

}  // namespace daohil::shm::test
