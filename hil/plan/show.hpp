#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace daohil::hil::plan {

/// Text from a file as it may stand in a one-line message: in quotes, line breaks and control
/// characters escaped, cut after 60 characters.
[[nodiscard]] std::string show(std::string_view text);
/// The same of a path, whole: half a path helps nobody.
[[nodiscard]] std::string show_path(const std::filesystem::path& path);

/// The candidate with the smallest edit distance (insert, delete, replace, swap neighbours) if it
/// is near enough to be what was meant, else empty. Ties: the first.
[[nodiscard]] std::string_view nearest(std::string_view text,
                                       std::span<const std::string_view> candidates);

/// "; did you mean 'depth'?" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view text,
                                       std::span<const std::string_view> candidates);

/// "; did you mean 'depth'? allowed: name, depth", the first half where there is a nearest one,
/// nothing where there are no candidates.
[[nodiscard]] std::string nearest_and_all(std::string_view text,
                                          std::span<const std::string_view> candidates);

}  // namespace daohil::hil::plan
