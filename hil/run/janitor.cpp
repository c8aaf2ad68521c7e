#include "hil/run/janitor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
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

// Lines "+path" and "-path" until the line closes, which it does when the bench is gone.
[[noreturn]] void keep_house(int bench) {
  std::set<std::string> guarded;
  std::FILE* in = ::fdopen(bench, "r");
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
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "line to the janitor");
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
  line_ = ends[1];
}

Janitor::~Janitor() {
  ::close(line_);
  ::waitpid(pid_, nullptr, 0);
}

void Janitor::guard(const std::filesystem::path& stream) { tell('+', stream); }

void Janitor::release(const std::filesystem::path& stream) { tell('-', stream); }

void Janitor::tell(char what, const std::filesystem::path& stream) {
  const std::string line = what + stream.string() + '\n';
  // A dead janitor is no reason to fail, nor to be killed by SIGPIPE: a socket can do without.
  if (::send(line_, line.data(), line.size(), MSG_NOSIGNAL) < 0) return;
}

}  // namespace daohil::hil::run
