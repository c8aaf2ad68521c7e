#include "shm/detail/writer_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace daohil::shm::detail {
namespace {

struct flock writer_lock(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = 0;
  lock.l_len = 1;
  return lock;
}

}  // namespace

// Open-file-description locks: held by whoever holds the descriptor, so that threads and a second
// mapping of one process exclude each other too (POSIX locks would not); freed when it is closed.
bool try_writer_lock(int fd) {
  auto lock = writer_lock(F_WRLCK);
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void release_writer_lock(int fd) {
  auto lock = writer_lock(F_UNLCK);
  ::fcntl(fd, F_OFD_SETLK, &lock);
}

bool someone_holds_writer_lock(int fd) {
  auto lock = writer_lock(F_RDLCK);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace daohil::shm::detail
