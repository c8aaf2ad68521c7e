#include "hil/plan/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace daohil::hil::plan {
namespace {

constexpr std::size_t kMostProblems = 1000;

std::string text_of(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += (text.empty() ? "" : "\n") + to_line(problem);
  return text;
}

Problem of_no_file(const std::string& line) {
  Problem problem;
  problem.text = line;
  return problem;
}

}  // namespace

std::string to_line(const Problem& problem) {
  if (problem.file.empty()) return problem.text;
  return fmt::format("{}:{}: {}{}{}", problem.file, problem.line, problem.key,
                     problem.key.empty() ? "" : ": ", problem.text);
}

Error::Error(const std::string& line) : Error(of_no_file(line)) {}

Error::Error(Problem problem) : Error(std::vector<Problem>{std::move(problem)}) {}

Error::Error(std::vector<Problem> problems)
    : std::runtime_error(text_of(problems)), problems_(std::move(problems)) {}

void Problems::add(const Error& error) {
  ++complaints_;
  for (const Problem& problem : error.problems()) {
    if (problem.kind == Problem::Kind::reported || problems_.size() > kMostProblems) continue;
    if (!lines_.insert(to_line(problem)).second) continue;
    problems_.push_back(problem);
    if (problems_.size() <= kMostProblems) continue;
    problems_.back() =
        of_no_file(fmt::format("more than {} problems; the others are not listed", kMostProblems));
  }
}

void Problems::forget_not_yet(std::size_t mark) {
  const auto begin = problems_.begin() + static_cast<std::ptrdiff_t>(mark);
  problems_.erase(std::remove_if(begin, problems_.end(),
                                 [&](const Problem& problem) {
                                   const bool drop = problem.kind == Problem::Kind::not_yet;
                                   // Another case may run, and must be told.
                                   if (drop) lines_.erase(to_line(problem));
                                   return drop;
                                 }),
                  problems_.end());
}

std::vector<Problem> Problems::sorted() const {
  std::map<std::string, std::size_t> rank;
  for (const Problem& problem : problems_)
    if (!problem.file.empty()) rank.emplace(problem.file, rank.size());
  const auto place = [&](const Problem& problem) {
    const auto at = rank.find(problem.file);
    return std::tuple(at == rank.end() ? rank.size() : at->second, problem.line, problem.column);
  };
  auto problems = problems_;
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return place(a) < place(b); });
  return problems;
}

void Problems::throw_if_any() const {
  if (!problems_.empty()) throw Error(sorted());
}

}  // namespace daohil::hil::plan
