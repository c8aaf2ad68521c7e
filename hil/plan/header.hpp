#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hil/plan/case.hpp"
#include "hil/plan/fields.hpp"

namespace daohil::hil::plan {

/// What a scenario says of itself, before what it does.
struct Header {
  std::string id;
  std::string title;
  std::string group;
  Severity severity = Severity::mandatory;
  std::vector<std::string> requirements;
  std::vector<std::string> mode_words;  ///< as written
  std::vector<Mode> modes;              ///< those this version runs, in the order of the file
  std::vector<std::string> features;    ///< a bench must have all
  std::optional<std::uint64_t> seed;
  Timeouts timeouts;
  unsigned cores = 1;  ///< that real time needs
  HostClass host_class = HostClass::any;
  Retries retries;
  int attempts = 1;
};

/// @param top the scenario's top level, already checked for unknown keys
/// @throws Error
Header read_header(const Section& top);

/// A file of another kind or version is wrong in this alone. What is missing is left to the
/// Section.
/// @throws Error
void refuse_other(const Field& root, std::string_view kind);

/// @throws Error unless hil/v1
void check_api_version(const Field& field);
/// @throws Error unless the file is of that kind, naming what it is instead
void check_kind(const Field& field, std::string_view kind);

}  // namespace daohil::hil::plan
