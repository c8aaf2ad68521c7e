#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "simulators/actuator_map.hpp"

namespace daohil::simulators {

/// Is a limit known from a source, or a guess to be checked with the vendor?
enum class Evidence : std::uint8_t { verified, unverified };

struct Limit {
  double value = 0;
  Evidence evidence = Evidence::unverified;
  std::string source;  ///< where it was found, or why it is doubted
};

/// What a vendor's driver accepts of a command vector, in command units.
struct CommandRules {
  std::string vendor;
  Limit low, high;                            ///< of every command
  std::optional<Limit> sum_of_magnitudes;     ///< sum over actuators of |command|
  std::optional<Limit> neighbour_difference;  ///< |command - neighbour's command|, 4 neighbours
};

enum class Rule : std::uint8_t { count, finite, range, sum_of_magnitudes, neighbour_difference };

/// One rule broken, where, and by how much.
struct Violation {
  Rule rule = Rule::range;
  std::size_t actuator = 0;   ///< the first of two for neighbours; 0 for rules on the whole
  std::size_t neighbour = 0;  ///< neighbour_difference: the other
  double value = 0;           ///< what was commanded
  double limit = 0;           ///< what is allowed
};

/// All rules that a command breaks, in the order of Rule and actuator; empty when it is good. When
/// the number of commands is wrong or one of them is not finite nothing else is judged.
/// Pure; safe from any thread.
[[nodiscard]] std::vector<Violation> violations(const CommandRules& rules, const ActuatorMap& map,
                                                std::span<const float> commands);

/// "command 12 is 1.2; at most 1".
[[nodiscard]] std::string describe(const Violation& violation);

/// ALPAO (ASDK): -1 .. 1. A limit on the sum of currents is told of, but no source was found.
[[nodiscard]] CommandRules alpao_rules();
/// Boston Micromachines: 0 .. 1 of the full voltage. A largest difference of neighbours exists for
/// every model and is in its data sheet only. @param neighbour_difference from that, if known
[[nodiscard]] CommandRules boston_rules(std::optional<double> neighbour_difference = std::nullopt);
/// Imagine Optic mirao 52-e: -1 .. 1, sum of magnitudes at most 24.
[[nodiscard]] CommandRules mirao52e_rules();

}  // namespace daohil::simulators
