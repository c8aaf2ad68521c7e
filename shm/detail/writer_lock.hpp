#pragma once

namespace daohil::shm::detail {

/// Take a stream's writer lock; it is freed with the last descriptor of this open file.
/// @param fd open for writing
/// @returns false when somebody else holds it
bool try_writer_lock(int fd);

/// Let another have it. Nothing happens if it is not held.
void release_writer_lock(int fd);

/// False for its holder, who would not exclude himself.
bool someone_holds_writer_lock(int fd);

}  // namespace daohil::shm::detail
