#pragma once

#include <filesystem>
#include <vector>

namespace daohil::tools {

/// The scenario files that the words of a command mean. A word with a slash in it is a path. Any
/// other is, the first that fits: a group ("lag") or an id ("lag.constant") of the scenarios that
/// come with this program; a file or folder.
/// @throws hil::plan::Error for a word that is none of these, with the nearest that is
[[nodiscard]] std::vector<std::filesystem::path> files_meant_by(
    const std::vector<std::filesystem::path>& words);

}  // namespace daohil::tools
