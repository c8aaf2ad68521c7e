#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace daohil::hil::plan {

/// The bytes of a regular file of at most 1 MiB. @throws Error naming what it is instead
std::string read_text(const std::filesystem::path& file);

/// @param file the name for messages
/// @throws Error unless it is at most 1 MiB of UTF-8 without control characters: a recording or a
/// picture given by mistake must not reach the YAML scanner, which takes some control bytes for the
/// end of the file.
void check_text(const std::string& file, std::string_view text);

}  // namespace daohil::hil::plan
