#include "simulators/mirror_shape.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace daohil::simulators {

MirrorShape::MirrorShape(const ActuatorMap& map, const ActuatorModel& model, Influence influence)
    : actuators_(map, model), influence_(std::move(influence)) {
  const std::size_t columns = std::visit([](const auto& i) { return i.actuators(); }, influence_);
  if (columns != map.count())
    throw std::invalid_argument("mirror: influence functions of " + std::to_string(columns) +
                                " actuators for a map of " + std::to_string(map.count()) +
                                "; make both of the same map");
}

void MirrorShape::add_to(Wavefront& out, const State& state, InstructionSet set) const {
  const std::vector<float> now = heights(state);
  std::visit([&](const auto& influence) { influence.add_to(out, now, set); }, influence_);
}

std::vector<float> MirrorShape::heights(const State& state) const {
  std::vector<float> out(actuators());
  actuators_.heights(state, out);
  return out;
}

}  // namespace daohil::simulators
