#pragma once

#include <filesystem>

namespace daohil::tools {

/// A file or folder that belongs to this program, such as "page/__main__.py": beside the program
/// where it is installed, or in the build tree, which is laid out alike.
/// @throws std::runtime_error if it is not there
[[nodiscard]] std::filesystem::path data_path(const std::filesystem::path& name);

/// The scenarios that are installed with this program, or those of the source tree.
/// @throws std::runtime_error if they are not there
[[nodiscard]] std::filesystem::path shipped_scenarios();

}  // namespace daohil::tools
