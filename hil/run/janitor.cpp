#include "hil/run/janitor.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <set>
#include <string>
#include <system_error>

#include "shm/segment.hpp"

namespace daohil::hil::run {
namespace {

void remove_stream(const std::filesystem::path& stream) {
  try {
    shm::Segment::unlink(stream);
  } catch (const std::exception&) {  // nobody is left to tell
  }
  // A writer killed while it created the stream leaves its temporary name.
  std::error_code ignored;
  const std::string temporary = stream.filename().string() + ".new-";
  for (const auto& entry : std::filesystem::directory_iterator(stream.parent_path(), ignored))
    if (entry.path().filename().string().starts_with(temporary))
      std::filesystem::remove(entry.path(), ignored);
}

// Lines "+path" and "-path" until the pipe closes, which it does when the bench is gone.
[[noreturn]] void keep_house(int pipe) {
  std::set<std::string> guarded;
  std::FILE* in = ::fdopen(pipe, "r");
  char line[4096];
  while (in != nullptr && std::fgets(line, sizeof line, in) != nullptr) {
    std::string path(line + 1);
    if (!path.empty() && path.back() == '\n') path.pop_back();
    if (line[0] == '+')
      guarded.insert(path);
    else
      guarded.erase(path);
  }
  if (!guarded.empty()) ::usleep(100'000);  // the actors die with the bench; let them
  for (const std::string& path : guarded) remove_stream(path);
  ::_exit(0);
}

}  // namespace

Janitor::Janitor() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe to the janitor");
  pid_ = ::fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork the janitor");
  if (pid_ == 0) {
    ::close(ends[1]);
    ::setsid();  // Ctrl-C in the terminal is not for it
    // Whoever reads our output must not wait for the janitor.
    const int null = ::open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= 2; ++fd) ::dup2(null, fd);
    keep_house(ends[0]);
  }
  ::close(ends[0]);
  pipe_ = ends[1];
}

Janitor::~Janitor() {
  ::close(pipe_);
  ::waitpid(pid_, nullptr, 0);
}

void Janitor::guard(const std::filesystem::path& stream) { tell('+', stream); }

void Janitor::release(const std::filesystem::path& stream) { tell('-', stream); }

void Janitor::tell(char what, const std::filesystem::path& stream) {
  const std::string line = what + stream.string() + '\n';
  // A short line into a pipe is one atomic write; a dead janitor is no reason to fail.
  if (::write(pipe_, line.data(), line.size()) < 0) return;
}

}  // namespace daohil::hil::run
