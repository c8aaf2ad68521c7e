#include "tools/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "hil/report/text.hpp"

namespace daohil::tools {
namespace {

// More passed cases of one scenario than this are one row of the table.
constexpr std::size_t kRowsOfOneScenario = 12;
constexpr shm::Duration kRefresh = std::chrono::milliseconds(100);

bool same_group(const hil::judge::CaseResult& a, const hil::judge::CaseResult& b) {
  return a.planned.scenario == b.planned.scenario && a.planned.bench == b.planned.bench;
}

}  // namespace

Console::Console(Table table, std::size_t cases, shm::Duration planned)
    : table_(table == Table::on_stdout ? stdout : stderr),
      terminal_(::isatty(STDERR_FILENO) != 0),
      begin_(shm::system_clock().now()),
      planned_(planned),
      of_(cases) {}

Console::~Console() { clear_line(); }

void Console::case_started(const hil::plan::Case& planned, std::size_t number, std::size_t of,
                           int attempt) {
  current_ = fmt::format("[{}/{}] {}{}", number, of, planned.id,
                         attempt > 1 ? fmt::format(" (attempt {})", attempt) : "");
  progress({0, planned.frames});
}

void Console::progress(const hil::run::Progress& progress) {
  const shm::MonotonicTime now = shm::system_clock().now();
  if (!terminal_ || now - shown_ < kRefresh) return;
  shown_ = now;
  const shm::Duration spent = now - begin_;
  const std::string left =
      planned_ > spent ? "  about " + hil::report::duration_text(planned_ - spent) + " left" : "";
  clear_line();
  fmt::print(stderr, "{}  {}/{} frames  {}{}", current_, progress.frames, progress.of,
             hil::report::duration_text(spent), left);
  std::fflush(stderr);
  line_shown_ = true;
}

void Console::case_judged(const hil::report::SuiteResult& suite,
                          const hil::judge::CaseResult& result, std::size_t number,
                          std::size_t of) {
  if (!passed_.empty() && !same_group(passed_.front(), result)) flush_group(of);
  const std::string row = hil::report::case_row(suite, result, number, of);
  if (result.verdict != hil::judge::Verdict::pass) {
    flush_group(of);
    print(row);
    return;
  }
  passed_.push_back(result);
  rows_.push_back(row);
  last_number_ = number;
  // Few rows are shown at once; from there on only the sum of them, when the group is complete.
  if (passed_.size() <= kRowsOfOneScenario) print(row);
}

void Console::flush_group(std::size_t of) {
  if (passed_.size() > kRowsOfOneScenario) print(hil::report::group_row(passed_, last_number_, of));
  passed_.clear();
  rows_.clear();
}

void Console::finish() {
  flush_group(of_);
  clear_line();
}

void Console::print(const std::string& text) {
  clear_line();
  fmt::print(table_, "{}", text);
  std::fflush(table_);
}

void Console::clear_line() {
  if (!line_shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  line_shown_ = false;
}

}  // namespace daohil::tools
