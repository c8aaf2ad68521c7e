#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hil/host/latency.hpp"
#include "hil/host/measure.hpp"

/// cyclictest and oslat of Debian's package rt-tests: run by us, bounded by a time-out, read.
namespace daohil::hil::host {

struct RtTestCore {
  int cpu = 0;  ///< by JSON; by text that of the thread's place in the list
  LatencyHistogram latency;
};

/// What their --json says (format 1), in us. Nothing if the text is not of that form, has no
/// thread, or one without samples: cut off, of another program, in other units.
[[nodiscard]] std::optional<std::vector<RtTestCore>> parse_cyclictest_json(std::string_view text);
[[nodiscard]] std::optional<std::vector<RtTestCore>> parse_oslat_json(std::string_view text);

/// What versions without --json print at their end: the columns of -h, or the lines "T: 0 ...".
/// @param cpus in the order of their threads
[[nodiscard]] std::optional<std::vector<RtTestCore>> parse_cyclictest_text(std::string_view text,
                                                                           const Cpus& cpus);
[[nodiscard]] std::optional<std::vector<RtTestCore>> parse_oslat_text(std::string_view text);

struct RtTestResult {
  enum class End { measured, absent, failed, timed_out, stopped } end = End::failed;
  std::vector<RtTestCore> cores;  ///< only if measured
  std::string reason;             ///< if not
};

/// Sleeps on each core at once, at SCHED_FIFO 90, without its habit of forbidding deep idle
/// states meanwhile: the host is measured as it is. Needs the right to SCHED_FIFO.
[[nodiscard]] RtTestResult run_cyclictest(const Cpus& cpus, shm::Duration length,
                                          const StopRequested& stop);
/// Keeps each core busy at ordinary priority and says for how long it was taken away.
[[nodiscard]] RtTestResult run_oslat(const Cpus& cpus, shm::Duration length,
                                     const StopRequested& stop);

/// What came of a program that was started.
struct ProgramResult {
  enum class End { exited, killed, timed_out, stopped, not_started } end = End::not_started;
  int status = 0;        ///< of exit
  std::string out, err;  ///< at most 4 MiB each
  std::string extra;     ///< what it wrote to its file descriptor 3
};
/// Runs to the end, to `limit` or until `stop`; the program is then gone, and dies with us.
/// @param argv the first is its path
[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& argv, shm::Duration limit,
                                        const StopRequested& stop);
/// By $PATH, and in /usr/sbin and /sbin, which that of a user lacks.
[[nodiscard]] std::optional<std::string> find_program(std::string_view name);

}  // namespace daohil::hil::host
