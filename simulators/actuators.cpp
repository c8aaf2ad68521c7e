#include "simulators/actuators.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace daohil::simulators {

namespace {

using std::numbers::pi;

constexpr std::size_t kPlays = 15;

void require(bool good, const std::string& what, const std::string& value,
             const std::string& way_out) {
  if (!good) throw std::invalid_argument("actuators: " + what + " is " + value + "; " + way_out);
}

void require(bool good, const std::string& what, double value, const std::string& way_out) {
  require(good, what, std::to_string(value), way_out);
}

void check(const Fault& fault, const ActuatorMap& map, std::span<const Fault> all) {
  const auto broken = [&](std::size_t actuator) {
    return std::any_of(all.begin(), all.end(),
                       [&](const Fault& other) { return other.actuator == actuator; });
  };
  const std::string last = "0 .. " + std::to_string(map.count() - 1);
  require(fault.actuator < map.count(), "a fault's actuator", std::to_string(fault.actuator), last);
  require(std::count_if(all.begin(), all.end(),
                        [&](const Fault& other) { return other.actuator == fault.actuator; }) == 1,
          "a fault's actuator", std::to_string(fault.actuator), "at most one fault an actuator");
  if (fault.kind == FaultKind::stuck)
    require(std::isfinite(fault.value), "a fault's value", fault.value, "a drive");
  if (fault.kind != FaultKind::coupled) return;
  require(fault.partner < map.count(), "a fault's partner", std::to_string(fault.partner), last);
  require(!broken(fault.partner), "a fault's partner", std::to_string(fault.partner),
          "an actuator without a fault");
}

/// exp(-decay t) times [cos, sin / w] of the damped motion, or their counterparts without ringing.
struct Motion {
  double cosine, sine;
};

Motion motion(double frequency, double damping, double time) {
  const double decay = damping * frequency;
  const double w = frequency * std::sqrt(std::abs(1 - damping * damping));
  const double envelope = std::exp(-decay * time);
  if (w * time < 1e-9) return {envelope, envelope * time};
  if (damping < 1) return {envelope * std::cos(w * time), envelope * std::sin(w * time) / w};
  // As two exponentials: cosh alone overflows.
  const double slow = std::exp((w - decay) * time), fast = std::exp((-w - decay) * time);
  return {(slow + fast) / 2, (slow - fast) / (2 * w)};
}

double limited(double value, double range) { return std::clamp(value, -range, range); }

}  // namespace

void ActuatorModel::check(const ActuatorMap& map) const {
  require(map.count() > 0, "the map", "empty", "one actuator at least");
  require(std::isfinite(low) && std::isfinite(high) && low < high, "the range",
          std::to_string(low) + " .. " + std::to_string(high), "low below high");
  require(std::isfinite(gain), "gain", gain, "metres of OPD per unit");
  require(dac_bits >= 0 && dac_bits <= 24, "dac_bits", std::to_string(dac_bits),
          "1 .. 24, or 0 for no quantisation");
  require(delay >= 0 && std::isfinite(delay), "delay", delay, "0 s or more");
  require(hysteresis >= 0 && hysteresis < 0.5, "hysteresis", hysteresis, "0 .. less than 0.5");
  require(slew_rate > 0, "slew_rate", slew_rate, "more than 0, or infinite");
  require(resonance > 0, "resonance", resonance, "more than 0 Hz, or infinite");
  require(damping > 0 && std::isfinite(damping), "damping", damping, "more than 0");
  require(creep.fraction >= 0 && creep.fraction <= 1, "creep.fraction", creep.fraction, "0 .. 1");
  require(creep.shortest > 0 && std::isfinite(creep.longest) && creep.longest >= creep.shortest,
          "the times of creep",
          std::to_string(creep.shortest) + " .. " + std::to_string(creep.longest),
          "positive, the longest last");
  for (const Fault& fault : faults) simulators::check(fault, map, faults);
}

double resonance_for_settling(double time, double damping, double band) {
  require(time > 0 && std::isfinite(time), "the settling time", time, "more than 0 s");
  require(damping > 0 && damping <= 1, "damping", damping, "more than 0, at most 1");
  require(band > 0 && band < 1, "the settling band", band, "between 0 and 1");
  return -std::log(band) / (2 * pi * damping * time);
}

Actuators::Actuators(const ActuatorMap& map, const ActuatorModel& model)
    : map_(map), model_(model) {
  model_.check(map_);
  if (model_.hysteresis > 0) {
    // Elements of equal weight at equal distances: at mid-range of a full sweep each is behind by
    // the smaller of threshold and 1 - threshold (of half the range); scaled to the wanted loop.
    double behind = 0, reached = 0;
    for (std::size_t i = 1; i <= kPlays; ++i) {
      const double threshold = static_cast<double>(i) / (kPlays + 1);
      thresholds_.push_back(threshold);
      behind += std::min(threshold, 1 - threshold);
      reached += 1 - threshold;
    }
    play_weights_.assign(kPlays, model_.hysteresis / behind);
    direct_ = 1 - reached * model_.hysteresis / behind;
  }
  if (model_.creep.fraction > 0) {
    const double decades = std::log10(model_.creep.longest / model_.creep.shortest);
    const auto count = static_cast<std::size_t>(std::ceil(2 * decades)) + 1;
    for (std::size_t k = 0; k < count; ++k)
      times_.push_back(model_.creep.shortest *
                       std::pow(10.0, count == 1 ? 0.0
                                                 : decades * static_cast<double>(k) /
                                                       static_cast<double>(count - 1)));
  }
  for (const Fault& fault : model_.faults) {
    std::vector<std::size_t> sound;
    if (fault.kind == FaultKind::floating)
      for (const std::size_t neighbour : map_.neighbours(fault.actuator))
        if (std::none_of(model_.faults.begin(), model_.faults.end(), [&](const Fault& other) {
              return other.actuator == neighbour && other.kind == FaultKind::floating;
            }))
          sound.push_back(neighbour);
    floating_neighbours_.push_back(std::move(sound));
  }
}

Actuators::State Actuators::rest() const {
  State state;
  const double drive = std::clamp(0.0, model_.low, model_.high);
  state.target.assign(count(), drive);
  state.drive = state.position = state.target;
  state.velocity.assign(count(), 0);
  state.plays.assign(count() * thresholds_.size(), 0);
  state.creeps.assign(count() * times_.size(), 0);
  if (thresholds_.empty()) return state;
  // Settled by ever smaller sweeps, as a degaussed mirror: the elements stand where the drive is.
  const double middle = (model_.low + model_.high) / 2, half = (model_.high - model_.low) / 2;
  for (double& play : state.plays) play = (drive - middle) / half;
  for (std::size_t i = 0; i < count(); ++i)
    for (std::size_t k = 0; k < thresholds_.size(); ++k) {
      double& play = state.plays[i * thresholds_.size() + k];
      play = limited(play, 1 - thresholds_[k]);
    }
  aim(state, std::vector<double>(count(), drive));
  state.drive = state.position = state.target;
  return state;
}

Sent Actuators::send(State& state, std::span<const float> commands) const {
  require(commands.size() == count(), "the number of commands", std::to_string(commands.size()),
          "one for each of the " + std::to_string(count()) + " actuators");
  Command command{state.time + model_.delay, std::vector<double>(count())};
  Sent sent;
  const double levels = std::ldexp(1.0, model_.dac_bits) - 1;
  const double span = model_.high - model_.low;
  for (std::size_t i = 0; i < count(); ++i) {
    const auto wanted = static_cast<double>(commands[i]);
    require(std::isfinite(wanted), "command " + std::to_string(i), wanted,
            "a number; the mirror keeps its last command");
    double target = std::clamp(wanted, model_.low, model_.high);
    sent.clipped += target != wanted ? 1U : 0U;
    if (model_.dac_bits > 0)
      target = model_.low + std::round((target - model_.low) / span * levels) / levels * span;
    command.targets[i] = target;
  }
  state.on_the_way.push_back(std::move(command));
  advance(state, state.time);
  return sent;
}

void Actuators::aim(State& state, const std::vector<double>& targets) const {
  if (thresholds_.empty()) {
    state.target = targets;
    return;
  }
  const double middle = (model_.low + model_.high) / 2, half = (model_.high - model_.low) / 2;
  for (std::size_t i = 0; i < count(); ++i) {
    const double input = (targets[i] - middle) / half;
    double output = direct_ * input;
    for (std::size_t k = 0; k < thresholds_.size(); ++k) {
      double& play = state.plays[i * thresholds_.size() + k];
      play = std::clamp(play, input - thresholds_[k], input + thresholds_[k]);
      output += play_weights_[k] * play;
    }
    state.target[i] = middle + half * output;
  }
}

void Actuators::advance(State& state, double time) const {
  require(std::isfinite(time) && time >= state.time, "the time", time,
          "the state's time, " + std::to_string(state.time) + " s, or later");
  while (!state.on_the_way.empty() && state.on_the_way.front().due <= time) {
    const double due = std::max(state.on_the_way.front().due, state.time);
    integrate(state, due - state.time);
    state.time = due;
    aim(state, state.on_the_way.front().targets);
    state.on_the_way.pop_front();
    if (!std::isfinite(model_.slew_rate)) state.drive = state.target;
    if (!std::isfinite(model_.resonance)) state.position = state.drive;
  }
  integrate(state, time - state.time);
  state.time = time;
}

/// One interval of one actuator's motion under a drive that changes at a constant rate.
struct Actuators::Flow {
  double frequency, damping, time;
  Motion part;

  Flow(const ActuatorModel& model, double interval)
      : frequency(2 * pi * model.resonance),
        damping(model.damping),
        time(interval),
        part(motion(frequency, damping, interval)) {}

  void apply(double& position, double& velocity, double& drive, double rate) const {
    // Behind a ramp the motion settles 2 damping / frequency late; what is left decays freely.
    const double late = 2 * damping / frequency * rate;
    const double e = position - (drive - late);
    const double v = velocity - rate;
    const double decay = damping * frequency;
    drive += rate * time;
    position = drive - late + part.cosine * e + part.sine * (v + decay * e);
    velocity = rate + part.cosine * v - part.sine * (frequency * frequency * e + decay * v);
  }
};

void Actuators::integrate(State& state, double interval) const {
  if (interval <= 0) return;
  const bool follows = !std::isfinite(model_.resonance);
  const Flow whole(model_, follows ? 0 : interval);
  for (std::size_t i = 0; i < count(); ++i) {
    double& drive = state.drive[i];
    double ramp = std::abs(state.target[i] - drive) / model_.slew_rate;  // [s]; 0 without limit
    const double rate = std::copysign(model_.slew_rate, state.target[i] - drive);
    if (ramp > 0) {
      const bool arrives = ramp <= interval;
      ramp = std::min(ramp, interval);
      if (follows)
        drive += rate * ramp;
      else
        Flow(model_, ramp).apply(state.position[i], state.velocity[i], drive, rate);
      if (arrives) drive = state.target[i];
    }
    if (follows) {
      state.position[i] = drive;
    } else if (ramp > 0) {
      if (ramp < interval)
        Flow(model_, interval - ramp).apply(state.position[i], state.velocity[i], drive, 0);
    } else {
      whole.apply(state.position[i], state.velocity[i], drive, 0);
    }
  }
  for (std::size_t k = 0; k < times_.size(); ++k) {
    const double share = model_.creep.fraction / static_cast<double>(times_.size());
    const double left = std::exp(-interval / times_[k]);
    for (std::size_t i = 0; i < count(); ++i) {
      double& creep = state.creeps[i * times_.size() + k];
      creep = share * state.drive[i] + left * (creep - share * state.drive[i]);
    }
  }
}

double Actuators::height(double drive) const {
  return model_.gain * (model_.response == Response::square ? drive * std::abs(drive) : drive);
}

void Actuators::heights(const State& state, std::span<float> out) const {
  require(out.size() == count(), "the number of heights", std::to_string(out.size()),
          "one for each of the " + std::to_string(count()) + " actuators");
  for (std::size_t i = 0; i < count(); ++i) {
    double drive = state.position[i];
    for (std::size_t k = 0; k < times_.size(); ++k) drive += state.creeps[i * times_.size() + k];
    out[i] = static_cast<float>(height(drive));
  }
  for (const Fault& fault : model_.faults) {
    if (fault.kind == FaultKind::dead) out[fault.actuator] = 0;
    if (fault.kind == FaultKind::stuck)
      out[fault.actuator] = static_cast<float>(height(fault.value));
    if (fault.kind == FaultKind::coupled) out[fault.actuator] = out[fault.partner];
  }
  for (std::size_t f = 0; f < model_.faults.size(); ++f) {
    const Fault& fault = model_.faults[f];
    if (fault.kind != FaultKind::floating) continue;
    float sum = 0;
    for (const std::size_t neighbour : floating_neighbours_[f]) sum += out[neighbour];
    const auto sound = static_cast<float>(floating_neighbours_[f].size());
    out[fault.actuator] = sound > 0 ? sum / sound : 0.0F;
  }
}

}  // namespace daohil::simulators
