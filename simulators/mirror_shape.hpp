#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simulators/actuator_map.hpp"
#include "simulators/actuators.hpp"
#include "simulators/influence.hpp"
#include "simulators/phase.hpp"

namespace daohil::simulators {

/// A deformable mirror: commands in, OPD out.
///
///     const MirrorShape mirror(map, model, GaussianInfluence(map, 0.3, {160, 8}));
///     MirrorShape::State state = mirror.rest();
///     mirror.send(state, commands);             // at state.time
///     mirror.advance(state, frame / rate);
///     mirror.add_to(wavefront, state);          // atmosphere + mirror
///
/// Its OPD is added; a loop that corrects commands the negative of what it sees. All that changes
/// is in the State, so a sub-exposure's shape is the state advanced to that moment, and the same
/// commands give the same shapes.
///
/// Immutable; safe from any thread, each with its own State.
class MirrorShape {
 public:
  using State = Actuators::State;

  /// @throws std::invalid_argument when the parts' numbers of actuators differ, or from a part
  MirrorShape(const ActuatorMap& map, const ActuatorModel& model, Influence influence);

  [[nodiscard]] std::size_t actuators() const { return actuators_.count(); }
  [[nodiscard]] State rest() const { return actuators_.rest(); }

  /// See Actuators.
  Sent send(State& state, std::span<const float> commands) const {
    return actuators_.send(state, commands);
  }
  void advance(State& state, double time) const { actuators_.advance(state, time); }

  /// out += the mirror's OPD [m]. @throws std::invalid_argument when out has another side
  void add_to(Wavefront& out, const State& state,
              InstructionSet set = widest_instruction_set()) const;

  /// Heights of the actuators [m of OPD]: a record of what was really done.
  [[nodiscard]] std::vector<float> heights(const State& state) const;

 private:
  Actuators actuators_;
  Influence influence_;
};

}  // namespace daohil::simulators
