#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <vector>

#include "simulators/actuator_map.hpp"

namespace daohil::simulators {

/// Height as a function of the drive.
enum class Response : std::uint8_t {
  linear,  ///< gain * drive: voice coils, piezo stacks
  square,  ///< gain * drive^2: electrostatic mirrors
};

/// Slow drift after a step, a straight line in log time: `fraction` of the step is added between
/// the times `shortest` and `longest`. Modelled by equal first-order relaxations, one per factor of
/// about three in time (the fractional Kelvin-Voigt chain of Kuhnen and Janocha 2000, Proc.
/// ACTUATOR).
struct Creep {
  double fraction = 0;   ///< of a step, 0 .. 1; ALPAO: up to 0.3 over hours
  double shortest = 1;   ///< [s], > 0
  double longest = 1e4;  ///< [s], >= shortest
};

/// How an actuator is broken.
enum class FaultKind : std::uint8_t {
  dead,      ///< not driven: stays at height 0
  stuck,     ///< stays at the height of one drive, `value`
  floating,  ///< not connected: at the mean height of its neighbours, floating ones not counted
  coupled,   ///< wired to another: moves as `partner` does
};

struct Fault {
  std::size_t actuator = 0;
  FaultKind kind = FaultKind::dead;
  double value = 0;         ///< stuck: the drive, in command units
  std::size_t partner = 0;  ///< coupled: a sound actuator
};

/// What stands between a command and the heights of the actuators, in this order: clip to the
/// range, DAC, delay, hysteresis, slew rate, second-order dynamics, creep, response, faults.
struct ActuatorModel {
  double low = -1, high = 1;  ///< range of a command, low < high
  double gain = 1e-6;         ///< metres of OPD per unit of drive (or per its square); a mirror
                              ///< used at normal incidence: twice the surface
  Response response = Response::linear;
  int dac_bits = 0;  ///< 1 .. 24; 0: continuous. 2^bits levels from low to high, both included
  double delay = 0;  ///< from send() to the drive [s], >= 0; any fraction of a frame
  /// Width of the loop of a full sweep over its height, 0 .. < 0.5. A Prandtl-Ishlinskii operator
  /// of play elements (Kuhnen 2003, Eur. J. Control 9, 407), a Preisach model with closed, erasable
  /// minor loops; it does not depend on the rate. A full sweep reaches both ends of the range.
  double hysteresis = 0;
  double slew_rate = std::numeric_limits<double>::infinity();  ///< command units per second, > 0
  double resonance = std::numeric_limits<double>::infinity();  ///< natural frequency [Hz], > 0
  double damping = 0.7;                                        ///< ratio, > 0; 1: critical
  Creep creep;
  std::vector<Fault> faults;

  /// @throws std::invalid_argument naming the field, its value and the way out
  void check(const ActuatorMap& map) const;
};

/// The natural frequency [Hz] with which the envelope of a step's ringing, exp(-damping w t), is
/// within `band` after `time` [s]. @param damping 0 < damping <= 1 @param band 0 < band < 1
/// @throws std::invalid_argument
[[nodiscard]] double resonance_for_settling(double time, double damping, double band = 0.05);

/// What became of a command.
struct Sent {
  std::size_t clipped = 0;  ///< actuators whose command was out of range
};

/// The actuators of a mirror. All that changes is in a State, which the caller owns: what follows
/// is a pure function of (State, command, time), so a mirror can be stepped, copied and replayed.
///
/// The equations of motion are solved exactly between commands, so heights do not depend on how
/// often advance() is called (creep: as far as it is slow beside the slew).
///
/// Immutable; safe from any thread, each with its own State.
class Actuators {
 public:
  struct Command {
    double due;                   // [s]
    std::vector<double> targets;  // clipped and quantised
  };

  /// Plain data; begin with rest().
  struct State {
    double time = 0;  // [s]
    std::deque<Command> on_the_way;
    std::vector<double> target;  // where the drive goes, after hysteresis
    std::vector<double> drive;   // limited by the slew rate
    std::vector<double> position, velocity;
    std::vector<double> plays;   // hysteresis: elements of each actuator
    std::vector<double> creeps;  // relaxations of each actuator
  };

  /// @throws std::invalid_argument from ActuatorModel::check
  Actuators(const ActuatorMap& map, const ActuatorModel& model);

  [[nodiscard]] std::size_t count() const { return map_.count(); }

  /// At time 0, with drive 0 or the end of the range nearest to it, nothing on the way.
  [[nodiscard]] State rest() const;

  /// Gives a command at state.time. What is out of range is clipped and counted.
  /// @throws std::invalid_argument another number of commands than actuators, or one that is not
  /// finite; the state is as before
  Sent send(State& state, std::span<const float> commands) const;

  /// Moves on to a time; commands take effect when they are due, in between.
  /// @param time [s], >= state.time; from the frame's number, not by adding periods
  /// @throws std::invalid_argument for a time before state.time, or none
  void advance(State& state, double time) const;

  /// Heights of the actuators, faults included [m of OPD], in the map's order.
  /// @throws std::invalid_argument when out.size() != count()
  void heights(const State& state, std::span<float> out) const;

 private:
  struct Flow;  // coefficients of one interval

  void aim(State& state, const std::vector<double>& targets) const;
  void integrate(State& state, double interval) const;
  [[nodiscard]] double height(double drive) const;

  ActuatorMap map_;
  ActuatorModel model_;
  std::vector<double> thresholds_, play_weights_;              // of the play elements
  double direct_ = 1;                                          // share that has no hysteresis
  std::vector<double> times_;                                  // of the creep's relaxations
  std::vector<std::vector<std::size_t>> floating_neighbours_;  // per fault; sound ones only
};

}  // namespace daohil::simulators
