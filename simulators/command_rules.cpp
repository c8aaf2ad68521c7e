#include "simulators/command_rules.hpp"

#include <algorithm>
#include <cmath>

namespace daohil::simulators {

namespace {

void check_neighbours(const Limit& limit, const ActuatorMap& map, std::span<const float> commands,
                      std::vector<Violation>& found) {
  const std::vector<std::size_t> indices = map.indices();
  const std::size_t none = map.count();
  for (std::size_t i = 0; i < map.count(); ++i) {
    const auto [x, y] = map.places[i];
    for (const std::size_t other : {x + 1 < map.grid ? indices[y * map.grid + x + 1] : none,
                                    y + 1 < map.grid ? indices[(y + 1) * map.grid + x] : none}) {
      if (other == none) continue;
      const double difference =
          std::abs(static_cast<double>(commands[i]) - static_cast<double>(commands[other]));
      if (difference > limit.value)
        found.push_back({Rule::neighbour_difference, i, other, difference, limit.value});
    }
  }
}

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::vector<Violation> violations(const CommandRules& rules, const ActuatorMap& map,
                                  std::span<const float> commands) {
  if (commands.size() != map.count())
    return {{Rule::count, 0, 0, static_cast<double>(commands.size()),
             static_cast<double>(map.count())}};
  std::vector<Violation> found;
  for (std::size_t i = 0; i < commands.size(); ++i)
    if (!std::isfinite(commands[i]))
      found.push_back({Rule::finite, i, 0, static_cast<double>(commands[i]), 0});
  if (!found.empty()) return found;
  double sum = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto value = static_cast<double>(commands[i]);
    sum += std::abs(value);
    if (value < rules.low.value) found.push_back({Rule::range, i, 0, value, rules.low.value});
    if (value > rules.high.value) found.push_back({Rule::range, i, 0, value, rules.high.value});
  }
  if (rules.sum_of_magnitudes && sum > rules.sum_of_magnitudes->value)
    found.push_back({Rule::sum_of_magnitudes, 0, 0, sum, rules.sum_of_magnitudes->value});
  if (rules.neighbour_difference)
    check_neighbours(*rules.neighbour_difference, map, commands, found);
  return found;
}

std::string describe(const Violation& v) {
  switch (v.rule) {
    case Rule::count:
      return number(v.value) + " commands for " + number(v.limit) + " actuators";
    case Rule::finite:
      return "command " + std::to_string(v.actuator) + " is not a finite number";
    case Rule::range:
      return "command " + std::to_string(v.actuator) + " is " + number(v.value) +
             (v.value > v.limit ? "; at most " : "; at least ") + number(v.limit);
    case Rule::sum_of_magnitudes:
      return "the magnitudes of all commands sum to " + number(v.value) + "; at most " +
             number(v.limit);
    case Rule::neighbour_difference:
      break;
  }
  return "commands " + std::to_string(v.actuator) + " and " + std::to_string(v.neighbour) +
         ", neighbours, differ by " + number(v.value) + "; at most " + number(v.limit);
}

CommandRules alpao_rules() {
  const Limit range{1, Evidence::verified, "ASDK Send, normalised stroke; MagAO-X ALPAO interface"};
  return {"ALPAO", {-1, range.evidence, range.source}, range, std::nullopt, std::nullopt};
}

CommandRules boston_rules(std::optional<double> neighbour_difference) {
  const std::string source = "BMCSetArray, fraction of full voltage; MagAO-X and catkit2 drivers";
  CommandRules rules{"Boston Micromachines",
                     {0, Evidence::verified, source},
                     {1, Evidence::verified, source},
                     std::nullopt,
                     std::nullopt};
  if (neighbour_difference)
    rules.neighbour_difference = {*neighbour_difference, Evidence::unverified,
                                  "given by the user; see the model's data sheet"};
  return rules;
}

CommandRules mirao52e_rules() {
  const std::string source = "python-microscope, mirror/mirao52e.py";
  return {"Imagine Optic mirao 52-e",
          {-1, Evidence::verified, source},
          {1, Evidence::verified, source},
          Limit{24, Evidence::verified, source},
          std::nullopt};
}

}  // namespace daohil::simulators
