#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "hil/plan/bench.hpp"
#include "hil/plan/case.hpp"
#include "hil/plan/document.hpp"
#include "hil/plan/header.hpp"
#include "hil/plan/matrix.hpp"

namespace daohil::hil::plan {

/// A scenario file, read and multiplied out, not yet bound to a bench.
struct Scenario {
  Document document;
  Header header;                   ///< of the first cell; the title as written
  std::vector<Combination> cells;  ///< at least one; without a matrix one that is empty
};

/// @throws Error
Scenario load_scenario(const std::filesystem::path& file);

/// What the command line says about every case.
struct Wishes {
  std::optional<Mode> mode;
  std::optional<std::uint64_t> seed;
};

/// One cell of a scenario on one bench: everything resolved and checked. @throws Error
Case make_case(const Scenario& scenario, const Combination& cell, const Bench& bench,
               const Wishes& wishes);

}  // namespace daohil::hil::plan
