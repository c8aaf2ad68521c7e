#include "hil/run/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace daohil::hil::run {
namespace {

using shm::MonotonicTime;

void close_fd(int& fd) {
  if (fd >= 0) ::close(std::exchange(fd, -1));
}

struct Pipe {
  int read = -1, write = -1;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      throw std::runtime_error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    read = ends[0];
    write = ends[1];
  }
  Pipe(const Pipe&) = delete;
  ~Pipe() {
    close_fd(read);
    close_fd(write);
  }
};

// Everything that is allocated, before the fork.
struct Prepared {
  std::vector<std::string> environment;
  std::vector<char*> argv, envp;

  explicit Prepared(const ProgramSpec& spec) : environment(spec.environment) {
    for (char** inherited = ::environ; *inherited != nullptr; ++inherited) {
      const std::string_view entry = *inherited;
      const std::string_view name = entry.substr(0, entry.find('=') + 1);
      const bool replaced = std::any_of(spec.environment.begin(), spec.environment.end(),
                                        [&](const auto& own) { return own.starts_with(name); });
      if (!replaced) environment.emplace_back(entry);
    }
    // exec takes pointers to non-const for old times' sake and changes nothing.
    for (const std::string& word : spec.argv) argv.push_back(const_cast<char*>(word.c_str()));
    for (const std::string& entry : environment) envp.push_back(const_cast<char*>(entry.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
  }
};

// The child becomes the program. @returns only on failure, with errno
void become(const ProgramSpec& spec, const Prepared& prepared, pid_t parent,
            const int (&standard)[3], int report) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // The pipes may have got the numbers 0 to 2 if those were closed here: first out of the way.
  std::array<int, 4> moved{standard[0], standard[1], standard[2], report};
  for (int& fd : moved) fd = ::fcntl(fd, F_DUPFD, 10);
  for (int fd = 0; fd < 3; ++fd)
    if (::dup2(moved[static_cast<std::size_t>(fd)], fd) < 0) return;
  ::dup2(moved[3], 3);
  ::fcntl(3, F_SETFD, FD_CLOEXEC);
  ::close_range(4, ~0U, 0);  // the bench's own files, a pipe that tells of its death among them

  if (!spec.cpus.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int cpu : spec.cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) return;
  }
  sched_param priority{};
  priority.sched_priority = spec.realtime_priority;
  ::sched_setscheduler(0, spec.realtime_priority > 0 ? SCHED_FIFO : SCHED_OTHER, &priority);
  ::execvpe(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
}

// @returns false at the end of the file
bool read_some(int fd, std::string& into) {
  char buffer[65536];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

}  // namespace

Program::Program(const ProgramSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty())
    throw std::runtime_error("a program without a name cannot be started");
  const Prepared prepared(spec);
  Pipe in, out, err, report;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0)
    throw std::runtime_error(
        fmt::format("cannot start '{}': {}", spec.argv[0], std::strerror(errno)));
  if (pid_ == 0) {
    become(spec, prepared, parent, {in.read, out.write, err.write}, report.write);
    const int why = errno;
    (void)!::write(3, &why, sizeof why);
    ::_exit(127);
  }
  ::setpgid(pid_, pid_);  // here and there: whoever comes first
  close_fd(report.write);
  int why = 0;
  ssize_t n = 0;
  do n = ::read(report.read, &why, sizeof why);
  while (n < 0 && errno == EINTR);
  if (n == sizeof why) {
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error(
        fmt::format("cannot start '{}': {}", spec.argv[0], std::strerror(why)));
  }
  in_ = std::exchange(in.write, -1);
  out_ = std::exchange(out.read, -1);
  err_ = std::exchange(err.read, -1);
  for (const int fd : {in_, out_, err_}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
}

Program::~Program() {
  kill();
  close_fd(in_);
  close_fd(out_);
  close_fd(err_);
}

Program::Output Program::read(MonotonicTime deadline) {
  const shm::Clock& clock = shm::system_clock();
  Output output;
  const auto left = std::max<std::int64_t>((deadline - clock.now()).count(), 0);
  const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
  // poll passes over negative descriptors.
  std::array<pollfd, 2> files{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  const int ready = ::ppoll(files.data(), files.size(), &timeout, nullptr);
  output.arrival = clock.now();
  if (ready <= 0) return output;
  if (files[0].revents != 0 && !read_some(out_, output.out)) close_fd(out_);
  if (files[1].revents != 0 && !read_some(err_, output.err)) close_fd(err_);
  return output;
}

void Program::tell(std::string_view text) {
  // A program that has closed its input must not kill this one.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  if (in_ >= 0) (void)!::write(in_, text.data(), text.size());
  std::signal(SIGPIPE, before);
}

void Program::close_input() { close_fd(in_); }

void Program::signal(int number) {
  if (pid_ > 0) ::kill(-pid_, number);
}

std::optional<int> Program::ended() {
  if (status_) return status_;
  // Looked at and left a zombie: as long as it is one, its number names this group and no other.
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      info.si_pid == pid_)
    status_ = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : info.si_status;
  return status_;
}

void Program::kill() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  if (!status_) status_ = status;
  pid_ = -1;
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    return fmt::format("killed by signal {} ({})", number, ::strsignal(number));
  }
  return fmt::format("exit status {}", WEXITSTATUS(wait_status));
}

}  // namespace daohil::hil::run
