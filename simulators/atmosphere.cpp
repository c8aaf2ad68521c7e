#include "simulators/atmosphere.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace daohil::simulators {

namespace {

constexpr double kRenewalsInABoilingTime = 16;
constexpr std::size_t kSmallestSide = 128;

void require(bool good, const std::string& what, const std::string& value,
             const std::string& way_out) {
  if (!good) throw std::invalid_argument("atmosphere: " + what + " is " + value + "; " + way_out);
}

void require(bool good, const std::string& what, double value, const std::string& way_out) {
  require(good, what, std::to_string(value), way_out);
}

void check(const Layer& layer, std::size_t number) {
  const std::string name = "layer " + std::to_string(number) + ": ";
  require(layer.fraction >= 0 && layer.fraction <= 1, name + "fraction", layer.fraction, "0 .. 1");
  require(layer.wind_speed >= 0 && std::isfinite(layer.wind_speed), name + "wind_speed",
          layer.wind_speed, "0 m/s or more; the direction tells where it blows to");
  require(std::isfinite(layer.wind_direction), name + "wind_direction", layer.wind_direction,
          "an angle in rad");
  require(layer.boiling_time > 0, name + "boiling_time", layer.boiling_time,
          "more than 0 s, or infinite for a frozen layer");
  require(layer.altitude >= 0 && std::isfinite(layer.altitude), name + "altitude", layer.altitude,
          "0 m or more");
}

void check(const AtmosphereConfig& config) {
  require(config.r0 > 0 && std::isfinite(config.r0), "r0", config.r0,
          "a positive length in m; for no turbulence give no layers");
  require(config.r0_wavelength > 0 && std::isfinite(config.r0_wavelength), "r0_wavelength",
          config.r0_wavelength, "a positive length in m");
  require(config.side >= 1, "side", std::to_string(config.side), "1 sample or more");
  require(config.pitch > 0 && std::isfinite(config.pitch), "pitch", config.pitch,
          "a positive length in m");
  double sum = 0;
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    check(config.layers[i], i);
    sum += config.layers[i].fraction;
  }
  require(config.layers.empty() || std::abs(sum - 1) < 1e-3, "the sum of the layers' fractions",
          sum, "1 (to 0.001)");
}

/// An even number with no prime factor above 5, which FFTW transforms fast.
bool is_smooth(std::size_t n) {
  if (n % 2 != 0) return false;
  for (const std::size_t prime : {2U, 3U, 5U})
    while (n % prime == 0) n /= prime;
  return n == 1;
}

/// For the n-th layer the n-th smooth number that is large enough.
std::size_t screen_side(const AtmosphereConfig& config, std::size_t number) {
  if (config.screen_side != 0) return config.screen_side;
  const double outer_scale = config.layers[number].outer_scale / config.pitch;
  const double wanted = std::max(3 * outer_scale, 4 * static_cast<double>(config.side));
  if (!(wanted < 1e6)) return 2 * config.side;  // ScreenGeometry::check says what is wrong
  std::size_t side = std::max(static_cast<std::size_t>(std::ceil(wanted)), kSmallestSide);
  for (std::size_t left = number;; ++side)
    if (is_smooth(side) && left-- == 0) return side;
}

ScreenGeometry geometry_of(const AtmosphereConfig& config, std::size_t number) {
  const Layer& layer = config.layers[number];
  const bool along_x =
      std::abs(std::cos(layer.wind_direction)) >= std::abs(std::sin(layer.wind_direction));
  ScreenGeometry geometry{screen_side(config, number), config.pitch, layer.outer_scale, config.side,
                          along_x ? Travel::along_x : Travel::along_y};
  geometry.check();
  return geometry;
}

/// Weights of two steps with a correlation, a share `u` of the way from one to the other, that keep
/// the variance: the two are vectors at the angle acos(correlation).
struct Blend {
  double now, next;
};
Blend blend(double u, double correlation) {
  const double angle = std::acos(correlation);
  return {std::sin((1 - u) * angle) / std::sin(angle), std::sin(u * angle) / std::sin(angle)};
}

/// Of a boiling screen's modes from one renewal to the next.
double step_correlation() { return std::exp(-1 / kRenewalsInABoilingTime); }

}  // namespace

Atmosphere::Atmosphere(const AtmosphereConfig& config)
    : side_(config.side),
      pitch_(config.pitch),
      line_of_sight_(config.vibrations, config.jumps, config.seed) {
  check(config);
  for (std::size_t i = 0; i < config.layers.size(); ++i) {
    const Layer& layer = config.layers[i];
    const ScreenGeometry geometry = geometry_of(config, i);
    Flow flow{};
    flow.x = layer.wind_speed * std::cos(layer.wind_direction) / config.pitch;
    flow.y = layer.wind_speed * std::sin(layer.wind_direction) / config.pitch;
    flow.weight = static_cast<float>(std::pow(config.r0, -5.0 / 6) * std::sqrt(layer.fraction) /
                                     radians_per_metre(config.r0_wavelength));
    flow.side = geometry.side;
    const auto part = static_cast<std::uint16_t>(i);
    if (std::isinf(layer.boiling_time)) {
      flow.frozen = std::make_shared<PhaseScreen>(
          make_screens(geometry, Random(config.seed, Stream::phase_screen, part), 0).first);
    } else {
      flow.boiling.emplace(geometry, config.seed, part, step_correlation());
      flow.renewal = layer.boiling_time / kRenewalsInABoilingTime;
    }
    flows_.push_back(std::move(flow));
  }
}

void Atmosphere::renew(Flow& flow, std::uint64_t step) {
  if (step == flow.step) return;
  const bool follows = flow.next && step == flow.step + 1;
  flow.now = follows ? flow.next : std::make_shared<PhaseScreen>(flow.boiling->at(step));
  flow.next = std::make_shared<PhaseScreen>(flow.boiling->at(step + 1));
  flow.step = step;
}

void Atmosphere::add(Flow& flow, double time, Wavefront& out, InstructionSet set) {
  const double x = -flow.x * time, y = -flow.y * time;
  if (flow.frozen) return flow.frozen->add_to(out, x, y, flow.weight, set);
  const double steps = time / flow.renewal;
  renew(flow, static_cast<std::uint64_t>(steps));
  const Blend weights = blend(steps - std::floor(steps), step_correlation());
  const auto weight = static_cast<double>(flow.weight);
  flow.now->add_to(out, x, y, static_cast<float>(weight * weights.now), set);
  flow.next->add_to(out, x, y, static_cast<float>(weight * weights.next), set);
}

void Atmosphere::opd(double time, Wavefront& out, InstructionSet set) {
  require(time >= 0 && std::isfinite(time), "time", time, "0 s or later");
  require(out.side() == side_, "the wavefront's side", std::to_string(out.side()),
          "as configured, " + std::to_string(side_));
  require(out.pitch() == pitch_, "the wavefront's pitch", out.pitch(),
          "as configured, " + std::to_string(pitch_) + " m");
  out.clear();
  for (Flow& flow : flows_) add(flow, time, out, set);
  const Tilt tilt = line_of_sight_.at(time);
  if (tilt.x != 0 || tilt.y != 0) add_tilt(tilt, out);
}

double Atmosphere::shortest_pass() const {
  double shortest = std::numeric_limits<double>::infinity();
  for (const Flow& flow : flows_)
    if (flow.frozen)
      shortest = std::min(
          shortest, static_cast<double>(flow.side) / std::max(std::abs(flow.x), std::abs(flow.y)));
  return shortest;
}

}  // namespace daohil::simulators
