#pragma once

#include <string>
#include <utility>
#include <vector>

namespace daohil::hil::run {

/// Facts of the machine that a result depends on, read now: name and value, in print order. What
/// cannot be read is "unknown"; nothing here is judged.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> host_facts();

}  // namespace daohil::hil::run
