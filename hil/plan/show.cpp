#include "hil/plan/show.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace daohil::hil::plan {
namespace {

constexpr std::size_t kShownCharacters = 60;
constexpr std::size_t kLongestName = 80;  // longer text is no misspelt name; bounds the work

// Optimal string alignment: Levenshtein plus the swap of two neighbours, the commonest slip.
std::size_t distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cost((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cost[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0U : 1U);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

std::string escaped(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\n')
      shown += "\\n";
    else if (c == '\r')
      shown += "\\r";
    else if (c == '\t')
      shown += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      shown += c;
  }
  return shown;
}

}  // namespace

std::string show(std::string_view text) {
  return fmt::format("'{}{}'", escaped(text.substr(0, kShownCharacters)),
                     text.size() > kShownCharacters ? "..." : "");
}

std::string show_path(const std::filesystem::path& path) {
  return fmt::format("'{}'", escaped(path.string()));
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.size() > kLongestName) return {};
  std::string_view best;
  // Half the letters wrong is a different word, not a slip.
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 2) + 1;
  for (const auto candidate : candidates) {
    const std::size_t d = distance(text, candidate);
    if (d < best_distance && d < candidate.size()) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
  const auto best = nearest(text, candidates);
  return best.empty() ? std::string{} : fmt::format("; did you mean '{}'?", best);
}

std::string nearest_and_all(std::string_view text, std::span<const std::string_view> candidates) {
  if (candidates.empty()) return {};
  const auto hint = did_you_mean(text, candidates);
  return fmt::format("{} allowed: {}", hint.empty() ? ";" : hint, fmt::join(candidates, ", "));
}

}  // namespace daohil::hil::plan
