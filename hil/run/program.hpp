#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/time.hpp"

namespace daohil::hil::run {

/// How to start a program.
struct ProgramSpec {
  std::vector<std::string> argv{};         ///< argv[0] is looked for in PATH, unless it has a '/'
  std::vector<std::string> environment{};  ///< "NAME=value", besides what is inherited
  std::vector<int> cpus{};                 ///< bound to these; empty: not bound
  int realtime_priority = 0;               ///< SCHED_FIFO, if the system grants it; 0: ordinary
};

/// A program as a child of this process, with pipes to its standard input, output and error. It
/// leads a process group of its own and is killed by the kernel when this process dies. Of what
/// else it inherits it gets no open file, and signals as a shell would give them.
/// Not thread-safe. The destructor kills the group and leaves no zombie.
class Program {
 public:
  /// @throws std::runtime_error when it cannot be started, naming it and the reason
  explicit Program(const ProgramSpec& spec);
  Program(const Program&) = delete;
  ~Program();

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// What came until the deadline, as soon as there is something; empty otherwise.
  struct Output {
    std::string out;
    std::string err;
    shm::MonotonicTime arrival{};
  };
  Output read(shm::MonotonicTime deadline);
  /// Are both outputs at their end? A child of the program may keep them open beyond its own end.
  [[nodiscard]] bool closed() const { return out_ < 0 && err_ < 0; }

  /// Write to its standard input as much as there is room for; nobody needs to read it.
  void tell(std::string_view text);
  void close_input();
  /// To the whole group.
  void signal(int number);

  /// How it ended, as waitpid gives it; empty while it runs.
  std::optional<int> ended();
  /// Kill the group, collect the program. Afterwards ended() has a value.
  void kill();

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  std::optional<int> status_;
};

/// "exit status 3", "killed by signal 11 (Segmentation fault)".
[[nodiscard]] std::string describe_end(int wait_status);

}  // namespace daohil::hil::run
