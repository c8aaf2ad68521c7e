#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/run/control.hpp"
#include "hil/run/foreign_lines.hpp"
#include "hil/run/modes.hpp"
#include "hil/run/program.hpp"
#include "hil/trace.hpp"
#include "shm/reader.hpp"

namespace daohil::hil::run {

/// Is this reader a program of its own: one of the user's, or ours in another language?
[[nodiscard]] bool is_foreign(const plan::ReaderPlan& plan);

/// The program to run: the user's argv with the stream's path in place of "{stream}", or that of
/// ours which is written in the plan's language. Ours are looked for in the folder HIL_READERS of
/// the environment, else beside this program as it was built or installed.
/// @throws std::runtime_error when ours is not there
[[nodiscard]] std::vector<std::string> program_of(const plan::ReaderPlan& plan,
                                                  const std::filesystem::path& stream);

/// The file HIL_PLAN: what the reader is to do, as hil/readers/README.md has it. Random pauses and
/// stalls that sweep the phase come as a list of gaps, one for each frame.
[[nodiscard]] std::string plan_as_json(const plan::ReaderPlan& plan, shm::Duration period,
                                       std::uint64_t frames, std::uint64_t seed);

/// A reader that is another program, as an actor of a real-time run: starts it, waits until it is
/// in place, notes what it reports, stops it. What it must do: hil/readers/README.md.
/// For a process of its own with one thread; the program does not outlive run().
class ForeignReader {
 public:
  /// @param source what was published, by whose frames reported sums are checked
  ForeignReader(const Stage& stage, const plan::ReaderPlan& plan, Control& control,
                Control::Actor& self, const EventLog<SourceEvent>& source, EventLog<CallEvent>& log,
                ReaderSummary& summary);

  /// From set-up to the end. Whatever happens, the log has the calls reported so far and the
  /// summary the program's last words.
  /// @throws std::runtime_error when the program cannot be started, never gets ready, ends before
  ///         the run or with an error, prints what is no report, or does not stop: naming the
  ///         reader, and with the end of what it wrote to its standard error
  void run();

 private:
  void wait_to_join();
  void set_up();
  void follow();
  void stop_program();
  void take_output(shm::MonotonicTime deadline);
  [[nodiscard]] bool in_place();
  [[nodiscard]] ProgramSpec spec() const;
  [[nodiscard]] std::uint64_t tail_at_open() const;
  void check_end(int status) const;
  void finish();
  [[nodiscard]] Content content_of(const ReportedCall& call,
                                   const std::vector<SourceEvent>& frames) const;
  [[noreturn]] void fail(const std::string& why) const;

  const Stage& stage_;
  const plan::ReaderPlan& plan_;
  Control& control_;
  Control::Actor& self_;
  const EventLog<SourceEvent>& source_;
  EventLog<CallEvent>& log_;
  ReaderSummary& summary_;

  shm::Reader fifo_;  // looks at counters only
  int plan_file_ = -1;
  ForeignLines lines_;
  std::string errors_;  // the end of its standard error
  std::optional<Program> program_;
  std::optional<shm::MonotonicTime> mapped_since_;
  std::uint64_t newest_at_start_ = 0;
  std::uint64_t newest_at_ready_ = 0;
  bool told_to_stop_ = false;
};

}  // namespace daohil::hil::run
