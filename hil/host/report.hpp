#pragma once

#include <string>

#include "hil/host/doctor.hpp"

namespace daohil::hil::host {

enum class Lines { all, findings_only };  ///< findings_only: what passed is only counted

/// For people: a line for each finding, worst first, then the class of the host.
[[nodiscard]] std::string table(const Examination& examination, Lines lines = Lines::all);
/// For programs: one JSON object, with a line end; hil/host/README.md has its fields.
[[nodiscard]] std::string to_json(const Examination& examination);

}  // namespace daohil::hil::host
