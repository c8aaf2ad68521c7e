#include "shm/segment.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "shm/detail/file_descriptor.hpp"
#include "shm/detail/mapped_ranges.hpp"
#include "shm/detail/semaphores.hpp"
#include "shm/detail/writer_lock.hpp"
#include "shm/error.hpp"
#include "shm/time.hpp"

namespace daohil::shm {
namespace {

using detail::FileDescriptor;
using detail::someone_holds_writer_lock;
using detail::try_writer_lock;

constexpr std::size_t kPage = 4096;
static_assert(bytes::kSleepers < kPage && bytes::kDoorbell < kPage);

Errc errc_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission;
    case ENOSPC:
    case EDQUOT:
      return Errc::no_space;
    default:
      return Errc::io;
  }
}

[[noreturn]] void fail(int error, std::string_view action, const std::filesystem::path& path) {
  throw Error(errc_of(error),
              fmt::format("{} stream {}: {}", action, path.string(), std::strerror(error)));
}

class Mapping {
 public:
  Mapping() = default;
  Mapping(int fd, std::size_t size, int protection)
      : size_(size), at_(::mmap(nullptr, size, protection, MAP_SHARED, fd, 0)) {
    if (*this) detail::note_mapping({reinterpret_cast<std::uintptr_t>(at_), size_, protection});
  }
  static Mapping without_file(std::size_t size) {
    Mapping mapping;
    mapping.size_ = size;
    mapping.at_ = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapping;
  }
  Mapping(Mapping&& other) noexcept
      : size_(std::exchange(other.size_, 0)), at_(std::exchange(other.at_, MAP_FAILED)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(at_, other.at_);
    return *this;
  }
  ~Mapping() {
    if (!*this) return;
    detail::forget_mapping(reinterpret_cast<std::uintptr_t>(at_));
    ::munmap(at_, size_);
  }
  [[nodiscard]] explicit operator bool() const { return at_ != MAP_FAILED; }
  [[nodiscard]] std::byte* data() const { return static_cast<std::byte*>(at_); }

 private:
  std::size_t size_ = 0;
  void* at_ = MAP_FAILED;
};

// A temporary name beside the stream, gone unless renamed into place.
class NewFile {
 public:
  NewFile(const std::filesystem::path& target, mode_t mode) {
    // O_EXCL: never follow or truncate something that is already there, such as the remains of a
    // killed process that had our number.
    for (int attempt = 0; !fd_; ++attempt) {
      path_ = target.string() + fmt::format(".new-{}-{}", ::getpid(), attempt);
      fd_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (!fd_ && errno != EEXIST) {
        const int error = errno;
        path_.clear();
        fail(error, "create", target);
      }
    }
  }
  NewFile(const NewFile&) = delete;
  ~NewFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  /// False when the name is taken.
  bool try_rename_to(const std::filesystem::path& target) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == EEXIST) return false;
      fail(errno, "create", target);
    }
    path_.clear();
    return true;
  }
  void rename_over(const std::filesystem::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) fail(errno, "create", target);
    path_.clear();
  }
  FileDescriptor take() { return std::move(fd_); }
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  std::string path_;
  FileDescriptor fd_;
};

// A file of that name is replaced only if it is a stream nobody writes.
void refuse_to_replace(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISREG(status.st_mode))
    throw Error(Errc::busy, fmt::format("create stream {}: the path exists and is not a regular "
                                        "file; remove it or choose another name",
                                        path.string()));
  const FileDescriptor old(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (old && someone_holds_writer_lock(old.get()))
    throw Error(Errc::busy, fmt::format("create stream {}: another writer is alive and holds it; "
                                        "stop that one or choose another name",
                                        path.string()));
}

// Give the new file its name. Who replaces a stream holds that stream's writer lock meanwhile, so
// that of two creators only one can, and no writer can attach to the old one in between.
void take_name(NewFile& file, const std::filesystem::path& path) {
  while (!file.try_rename_to(path)) {
    refuse_to_replace(path);
    const FileDescriptor old(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!old) {
      if (errno == ENOENT) continue;
      fail(errno, "create", path);
    }
    if (!try_writer_lock(old.get())) {
      refuse_to_replace(path);
      continue;
    }
    struct stat locked {};
    struct stat named {};
    if (::fstat(old.get(), &locked) != 0 || ::lstat(path.c_str(), &named) != 0 ||
        locked.st_ino != named.st_ino || locked.st_dev != named.st_dev)
      continue;
    return file.rename_over(path);
  }
}

void reserve(int fd, std::size_t size, const std::filesystem::path& path) {
  const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(size));
  if (error == ENOSPC || error == EFBIG)
    throw Error(Errc::no_space, fmt::format("create stream {}: no room for {} bytes on its file "
                                            "system; free some or lower depth or shape",
                                            path.string(), size));
  if (error != 0) fail(error, "reserve space for", path);
}

}  // namespace

struct Segment::State {
  std::filesystem::path path;
  Access access;
  Layout layout;
  FileDescriptor fd;
  Mapping mapping;
  std::size_t size;
  Mapping announcement{};
};

Segment::Segment(std::shared_ptr<State> state) : state_(std::move(state)) {}
Segment::Segment(Segment&&) noexcept = default;
Segment& Segment::operator=(Segment&&) noexcept = default;
Segment::~Segment() = default;

Segment Segment::share() const { return Segment(state_); }

Segment Segment::create(const std::filesystem::path& path, const CreateOptions& options) {
  check_stream_name(path.string());
  const Layout layout(options.format, options.depth, options.keywords);
  refuse_to_replace(path);

  NewFile file(path, options.mode);
  const std::size_t size = layout.file_bytes();
  reserve(file.fd(), size, path);
  Mapping mapping(file.fd(), size, PROT_READ | PROT_WRITE);
  if (!mapping) fail(errno, "map", path);
  format_stream({mapping.data(), size}, layout, path.string(), system_clock().utc_now());
  // The lock comes before the name: nobody ever sees the stream without its writer.
  if (!try_writer_lock(file.fd())) fail(errno, "lock", path);
  detail::Semaphores::create(path);  // so that a reader of the reference library finds them
  take_name(file, path);
  return Segment(std::make_shared<State>(
      State{path, Access::read_write, layout, file.take(), std::move(mapping), size}));
}

Segment Segment::create_private(std::string_view name, const CreateOptions& options) {
  check_stream_name(name);
  const Layout layout(options.format, options.depth, options.keywords);
  const std::size_t size = layout.file_bytes();
  Mapping mapping = Mapping::without_file(size);
  if (!mapping)
    throw Error(Errc::no_space,
                fmt::format("create private stream {}: no memory for {} bytes", name, size));
  format_stream({mapping.data(), size}, layout, name, system_clock().utc_now());
  mapping.data()[bytes::kShared] = std::byte{0};
  return Segment(
      std::make_shared<State>(State{std::filesystem::path(name), Access::read_write, layout,
                                    FileDescriptor(), std::move(mapping), size}));
}

Segment Segment::open(const std::filesystem::path& path, Access access) {
  const bool writable = access == Access::read_write;
  FileDescriptor fd = detail::open_without_hanging(path.c_str(), writable ? O_RDWR : O_RDONLY);
  if (!fd) fail(errno, "open", path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) fail(errno, "open", path);
  if (!S_ISREG(status.st_mode))
    throw Error(Errc::bad_layout, fmt::format("open stream {}: not a regular file", path.string()));
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0)
    throw Error(Errc::bad_layout,
                fmt::format("open stream {}: the file has 0 bytes", path.string()));
  Mapping mapping(fd.get(), size, writable ? PROT_READ | PROT_WRITE : PROT_READ);
  if (!mapping) fail(errno, "map", path);
  const Layout layout = parse_layout({mapping.data(), size}, path.string());

  auto state =
      std::make_shared<State>(State{path, access, layout, std::move(fd), std::move(mapping), size});
  if (!writable) {
    const FileDescriptor again = detail::open_without_hanging(path.c_str(), O_RDWR);
    struct stat same {};
    if (again && ::fstat(again.get(), &same) == 0 && same.st_ino == status.st_ino &&
        same.st_dev == status.st_dev)
      state->announcement = Mapping(again.get(), kPage, PROT_READ | PROT_WRITE);
  }
  return Segment(std::move(state));
}

bool Segment::unlink(const std::filesystem::path& path) {
  detail::Semaphores::unlink(path);
  if (::unlink(path.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  fail(errno, "unlink", path);
}

const std::filesystem::path& Segment::path() const { return state_->path; }
const Layout& Segment::layout() const { return state_->layout; }
Access Segment::access() const { return state_->access; }
bool Segment::is_private() const { return !state_->fd; }

const std::byte* Segment::metadata(std::uint32_t slot) const {
  return state_->mapping.data() + state_->layout.metadata_at(slot);
}

std::span<const std::byte> Segment::pixels(std::uint32_t slot) const {
  return {state_->mapping.data() + state_->layout.pixels_at(slot), state_->layout.format().bytes()};
}

std::span<const std::byte> Segment::bytes() const { return {state_->mapping.data(), state_->size}; }

std::byte* Segment::writable_metadata(std::uint32_t slot) {
  return state_->mapping.data() + state_->layout.metadata_at(slot);
}

std::span<std::byte> Segment::writable_pixels(std::uint32_t slot) {
  return {state_->mapping.data() + state_->layout.pixels_at(slot), state_->layout.format().bytes()};
}

std::span<const std::byte> Segment::keywords() const {
  return bytes().subspan(state_->layout.keywords_at());
}

std::span<std::byte> Segment::writable_keywords() {
  return std::span(state_->mapping.data(), state_->size).subspan(state_->layout.keywords_at());
}

std::byte* Segment::announcement_page() {
  if (state_->access == Access::read_write) return state_->mapping.data();
  return state_->announcement ? state_->announcement.data() : nullptr;
}

// A private segment has no file and so nobody to exclude.
bool Segment::lock_for_writing() { return !state_->fd || try_writer_lock(state_->fd.get()); }

void Segment::unlock_for_writing() {
  if (state_->fd) detail::release_writer_lock(state_->fd.get());
}

bool Segment::has_writer() const {
  return state_->fd && someone_holds_writer_lock(state_->fd.get());
}

bool Segment::replaced() const {
  if (!state_->fd) return false;
  struct stat mine {};
  struct stat named {};
  if (::fstat(state_->fd.get(), &mine) != 0) return true;
  if (::stat(state_->path.c_str(), &named) != 0) return true;
  if (static_cast<std::size_t>(mine.st_size) < state_->size) return true;
  return mine.st_ino != named.st_ino || mine.st_dev != named.st_dev;
}

bool Segment::truncated() const {
  if (!state_->fd) return false;
  struct stat mine {};
  return ::fstat(state_->fd.get(), &mine) != 0 ||
         static_cast<std::size_t>(mine.st_size) < state_->size;
}

bool Segment::same_stream(const Segment& other) const {
  if (state_ == other.state_) return true;
  if (!state_->fd || !other.state_->fd) return false;
  struct stat mine {};
  struct stat others {};
  return ::fstat(state_->fd.get(), &mine) == 0 && ::fstat(other.state_->fd.get(), &others) == 0 &&
         mine.st_ino == others.st_ino && mine.st_dev == others.st_dev;
}

}  // namespace daohil::shm
