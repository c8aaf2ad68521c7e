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

/// @param problems gets what is wrong; the Scenario is then what could be read
/// @throws Error if nothing could, or it is a file of another kind
Scenario load_scenario(const std::filesystem::path& file, Problems& problems);

/// What the command line says about every case.
struct Wishes {
  std::optional<Mode> mode;
  std::optional<std::uint64_t> seed;
};

/// One cell of a scenario on one bench: everything resolved and checked.
/// @param problems gets what is wrong; the Case is then of no use
Case make_case(const Scenario& scenario, const Combination& cell, const Bench& bench,
               const Wishes& wishes, Problems& problems);

}  // namespace daohil::hil::plan
