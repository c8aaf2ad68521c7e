#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/error.hpp"
#include "shm/frame.hpp"
#include "shm/reader.hpp"
#include "shm/segment.hpp"
#include "shm/writer.hpp"

namespace daohil::shm {
inline void PrintTo(ReadStatus status, std::ostream* out) { *out << name_of(status); }
}  // namespace daohil::shm

/// What the tests of shm/ share. Offsets are written here by hand, as measured on the reference
/// library, and never taken from shm/layout.hpp: a wrong constant there must not hide itself.
namespace daohil::shm::test {

using Bytes = std::vector<std::byte>;

// ---------------------------------------------------------------------------- streams and files

/// A name that no other test uses; the stream, its semaphores and half-made files are gone with it.
class TempStream {
 public:
  explicit TempStream(std::string_view folder = "/dev/shm") : owner_(::getpid()) {
    static std::atomic<int> count{0};
    path_ = fmt::format("{}/t{}-{}.im.shm", folder, owner_, count++);
  }
  TempStream(const TempStream&) = delete;
  TempStream& operator=(const TempStream&) = delete;
  ~TempStream() {
    if (::getpid() != owner_) return;  // a forked child does not own the name
    std::error_code ignored;
    try {
      Segment::unlink(path_);
    } catch (const std::exception&) {
      std::filesystem::remove_all(path_, ignored);
    }
    for (const auto& left : leftovers()) std::filesystem::remove(left, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// What the semaphores are named after: the last path component up to its first dot.
  [[nodiscard]] std::string base() const {
    const std::string file = path_.filename().string();
    return file.substr(0, file.find('.'));
  }
  /// Other files in the folder whose name begins with the stream's.
  [[nodiscard]] std::vector<std::filesystem::path> leftovers() const {
    std::vector<std::filesystem::path> found;
    const std::string file = path_.filename().string();
    for (const auto& entry : std::filesystem::directory_iterator(path_.parent_path())) {
      const std::string other = entry.path().filename().string();
      if (other != file && other.find(file) != std::string::npos) found.push_back(entry.path());
    }
    return found;
  }

 private:
  pid_t owner_;
  std::filesystem::path path_;
};

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

template <typename T>
T get(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <typename T>
void put(std::span<std::byte> bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

// ---------------------------------------------------------------------- a stream without library

/// The arguments of a stream in plain numbers.
struct Geometry {
  std::vector<std::uint32_t> axes{4, 4};
  std::uint8_t atype = 5;  // u32
  std::size_t element = 4;
  std::uint32_t depth = 1;
  std::uint16_t keywords = 0;

  [[nodiscard]] std::uint64_t elements() const {
    std::uint64_t n = 1;
    for (const auto axis : axes) n *= axis;
    return n;
  }
  [[nodiscard]] std::size_t frame_bytes() const { return elements() * element; }
  [[nodiscard]] FrameFormat format() const {
    return {Shape(std::span<const std::uint32_t>(axes)), static_cast<PixelType>(atype)};
  }
  [[nodiscard]] CreateOptions options(mode_t mode = 0600) const {
    return {.format = format(), .depth = depth, .keywords = keywords, .mode = mode};
  }
};

/// Bytes of one slot's metadata, measured on the reference; its earlier and later versions differ.
inline constexpr std::size_t kMeta = 4304;

inline std::size_t slot_at(std::uint32_t slot) { return slot * kMeta; }
inline std::size_t pixels_at(const Geometry& g, std::uint32_t slot, std::size_t meta = kMeta) {
  return g.depth * meta + slot * g.frame_bytes();
}

/// The file that the reference leaves after create, byte by byte.
inline Bytes fresh_file(const Geometry& g, std::string_view name, double created,
                        std::size_t meta = kMeta) {
  Bytes file(g.depth * (meta + g.frame_bytes()) + g.keywords * 120U);
  for (std::uint32_t slot = 0; slot < g.depth; ++slot) {
    const std::size_t at = slot * meta;
    std::memcpy(file.data() + at, name.data(), name.size());
    put(file, at + 80, static_cast<std::uint8_t>(g.axes.size()));
    for (std::size_t i = 0; i < g.axes.size(); ++i) put(file, at + 84 + 4 * i, g.axes[i]);
    put(file, at + 96, g.elements());
    put(file, at + 104, g.atype);
    put(file, at + 112, created);
    put(file, at + 120, created);
    put(file, at + 144, std::uint8_t{1});
    put(file, at + 178, g.keywords);
  }
  put(file, 148, std::uint16_t{10});
  if (meta >= kMeta) {
    put(file, 4296, g.depth);
    put(file, 4300, g.depth - 1);
  }
  for (std::size_t k = 0; k < g.keywords; ++k)
    put(file, g.depth * (meta + g.frame_bytes()) + k * 120 + 16, 'N');
  return file;
}

/// A shared mapping of a whole file, without the library.
class RawMapping {
 public:
  explicit RawMapping(const std::filesystem::path& path);
  RawMapping(const RawMapping&) = delete;
  RawMapping& operator=(const RawMapping&) = delete;
  ~RawMapping();
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }

  template <typename T>
  [[nodiscard]] T load(std::size_t at) const {
    return std::atomic_ref<T>(*reinterpret_cast<T*>(data_ + at)).load(std::memory_order_seq_cst);
  }
  template <typename T>
  void store(std::size_t at, T value) const {
    std::atomic_ref<T>(*reinterpret_cast<T*>(data_ + at)).store(value, std::memory_order_seq_cst);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// ----------------------------------------------------------------------------------- the pixels

/// Word i of frame k. For one i, frames differ in every word; `salt` tells two frames of one
/// counter apart.
inline std::uint32_t word_of(std::uint64_t frame, std::size_t i, std::uint32_t salt = 0) {
  return static_cast<std::uint32_t>(frame) * 2654435761U + static_cast<std::uint32_t>(i) +
         (salt << 24);
}

inline Bytes pixels_of(std::size_t bytes, std::uint64_t frame, std::uint32_t salt = 0) {
  Bytes pixels(bytes);
  for (std::size_t i = 0; i < bytes; i += 4) {
    const std::uint32_t word = word_of(frame, i / 4, salt);
    std::memcpy(pixels.data() + i, &word, std::min<std::size_t>(4, bytes - i));
  }
  return pixels;
}

inline bool holds(std::span<const std::byte> pixels, std::uint64_t frame, std::uint32_t salt = 0) {
  const Bytes expected = pixels_of(pixels.size(), frame, salt);
  return std::memcmp(pixels.data(), expected.data(), expected.size()) == 0;
}

/// Write the next frame as its counter prescribes; the frame id is 1000 + counter.
inline Counter write_next(Writer& writer, std::uint32_t salt = 0) {
  const std::uint64_t k = writer.newest().value + 1;
  return writer.write(pixels_of(writer.format().bytes(), k, salt), FrameId{1000 + k});
}

inline void write_frames(Writer& writer, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) write_next(writer);
}

// ------------------------------------------------------------------------------------ the errors

/// The error that `action` throws, or nothing.
inline std::optional<Error> error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

inline std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::permission:
      return "permission";
    case Errc::busy:
      return "busy";
    case Errc::bad_layout:
      return "bad_layout";
    case Errc::no_space:
      return "no_space";
    case Errc::io:
      return "io";
  }
  return "?";
}

/// Does `action` throw that error, with a message of one line that contains every text?
inline testing::AssertionResult fails_with(Errc code, const std::vector<std::string>& texts,
                                           const std::function<void()>& action) {
  const auto error = error_of(action);
  if (!error) return testing::AssertionFailure() << "no error, " << name_of(code) << " expected";
  const std::string message = error->what();
  if (error->code() != code)
    return testing::AssertionFailure()
           << name_of(error->code()) << " instead of " << name_of(code) << ": " << message;
  for (const auto& text : texts)
    if (message.find(text) == std::string::npos)
      return testing::AssertionFailure() << "no '" << text << "' in: " << message;
  if (message.find('\n') != std::string::npos)
    return testing::AssertionFailure() << "more than one line: " << message;
  return testing::AssertionSuccess();
}

// --------------------------------------------------------------------------------- the processes

/// A forked child that runs `body` and ends with its result, without any destructor of the
/// parent's objects. An exception ends it with 99. Killed and reaped with this object.
class Child {
 public:
  explicit Child(const std::function<int()>& body) : pid_(::fork()) {
    if (pid_ != 0) return;
    int code = 99;
    try {
      code = body();
    } catch (const std::exception& error) {
      fmt::print(stderr, "child: {}\n", error.what());
    }
    ::_exit(code);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) kill();
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill() {
    ::kill(pid_, SIGKILL);
    wait();
  }
  /// Its exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// Blocks until the child sleeps in the kernel.
  void wait_until_asleep() const {
    for (;;) {
      std::ifstream stat(fmt::format("/proc/{}/stat", pid_));
      std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
      const auto bracket = text.rfind(')');  // the name before it may contain anything
      if (bracket == std::string::npos || bracket + 2 >= text.size()) return;
      if (text[bracket + 2] == 'S' || text[bracket + 2] == 'Z') return;
      ::usleep(200);
    }
  }

 private:
  pid_t pid_;
};

/// One-way signal between processes.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void signal() const {
    const char byte = 1;
    while (::write(ends_[1], &byte, 1) < 0 && errno == EINTR) {
    }
  }
  void await() const {
    char byte = 0;
    while (::read(ends_[0], &byte, 1) < 0 && errno == EINTR) {
    }
  }

 private:
  int ends_[2]{};
};

/// Become a user without privileges (nobody), for this process for good.
inline bool become_nobody() { return ::setgid(65534) == 0 && ::setuid(65534) == 0; }

/// A deadline that is only reached when a wake-up was lost.
inline MonotonicTime far_deadline() { return system_clock().now() + std::chrono::seconds(60); }

}  // namespace daohil::shm::test
