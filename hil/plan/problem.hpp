#pragma once

#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace daohil::hil::plan {

/// One thing that is wrong with a file, in words and in parts.
struct Problem {
  std::string file{};   ///< empty: of no file, such as a wrong word on the command line
  int line = 1;         ///< 1-based
  int column = 0;       ///< 1-based; 0: not known
  std::string key{};    ///< names down to the value: "reader 'slow': mode"
  std::string text{};   ///< what is wrong, and the way out; one line
  std::string value{};  ///< as it stands in the file; of an unknown key its name
  std::vector<std::string> allowed{};  ///< what could stand there instead, where that is a list
  std::string nearest{};               ///< the one of those that was meant, probably
  enum class Kind {
    wrong,
    not_yet,   ///< a word of hil/v1 that this version does not run
    reported,  ///< follows from a problem that was named before
  } kind = Kind::wrong;
};

/// "scenarios/x.yaml:12: reader 'slow': unknown key 'dept'; did you mean 'depth'?"
[[nodiscard]] std::string to_line(const Problem& problem);

/// Scenario or bench files are wrong. `what()` has a line for each problem.
class Error : public std::runtime_error {
 public:
  /// Of no file.
  explicit Error(const std::string& line);
  explicit Error(Problem problem);
  /// @param problems at least one
  explicit Error(std::vector<Problem> problems);

  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }

 private:
  std::vector<Problem> problems_;
};

/// Gathers what is wrong, so that one look at a file names all of it. Not thread-safe.
class Problems {
 public:
  /// Keeps those that were not named before, in the same words; at most 1000.
  void add(const Error& error);

  /// Runs `read`. If it throws an Error, that is kept, and reading goes on after it.
  template <class Read>
  void gather(Read&& read) {
    try {
      read();
    } catch (const Error& error) {
      add(error);
    }
  }

  /// How often something was wrong, repetitions included: grows whenever something is.
  [[nodiscard]] std::size_t complaints() const { return complaints_; }

  /// A place among the problems, to return to.
  [[nodiscard]] std::size_t mark() const { return problems_.size(); }
  /// Of those since `mark`, drops the words that this version does not run.
  void forget_not_yet(std::size_t mark);

  /// By file, in the order in which they were first named, then by line and column.
  [[nodiscard]] std::vector<Problem> sorted() const;
  /// @throws Error with all of them, if there are any
  void throw_if_any() const;

 private:
  std::vector<Problem> problems_;
  std::set<std::string> lines_;
  std::size_t complaints_ = 0;
};

}  // namespace daohil::hil::plan
