#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hil/suite.hpp"

namespace daohil::tools {

/// Prints a run while it goes on: the verdict table on one stream, a progress line on standard
/// error if that is a terminal.
class Console final : public hil::Watcher {
 public:
  enum class Table { on_stdout, on_stderr };  ///< stderr when stdout carries JSON
  Console(Table table, std::size_t cases, shm::Duration planned);
  ~Console() override;

  void case_started(const hil::plan::Case& planned, std::size_t number, std::size_t of,
                    int attempt) override;
  void progress(const hil::run::Progress& progress) override;
  void case_judged(const hil::report::SuiteResult& suite, const hil::judge::CaseResult& result,
                   std::size_t number, std::size_t of) override;
  /// Print what is still held back. Call once, after the last case.
  void finish();

 private:
  void print(const std::string& text);
  void clear_line();
  void flush_group(std::size_t of);

  std::FILE* table_;
  bool terminal_;
  bool line_shown_ = false;
  std::string current_;
  shm::MonotonicTime begin_;
  shm::MonotonicTime shown_;
  shm::Duration planned_;
  // Cases of one scenario that passed, held back to be shown as one row if there are many.
  std::vector<hil::judge::CaseResult> passed_;
  std::vector<std::string> rows_;
  std::size_t last_number_ = 0;
  std::size_t of_ = 0;
};

}  // namespace daohil::tools
