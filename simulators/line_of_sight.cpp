#include "simulators/line_of_sight.hpp"

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

#include "simulators/random.hpp"

namespace daohil::simulators {

namespace {

using std::numbers::pi;

/// Of a damped vibration: enough that their sum is normal to the eye and does not come back within
/// thousands of correlation times.
constexpr std::uint32_t kSinesOfALine = 64;

void require(bool good, const std::string& what, double value, const std::string& way_out) {
  if (good) return;
  throw std::invalid_argument("line of sight: " + what + " is " + std::to_string(value) + "; " +
                              way_out);
}

void check(const Vibration& v) {
  require(v.frequency >= 0 && std::isfinite(v.frequency), "vibration frequency", v.frequency,
          "0 Hz or more");
  require(v.rms >= 0 && std::isfinite(v.rms), "vibration rms", v.rms, "0 rad or more");
  require(std::isfinite(v.direction), "vibration direction", v.direction, "an angle in rad");
  require(v.linewidth >= 0 && std::isfinite(v.linewidth), "vibration linewidth", v.linewidth,
          "0 Hz or more");
}

void check(const Jump& j) {
  require(std::isfinite(j.time), "jump time", j.time, "seconds");
  require(std::isfinite(j.tilt), "jump tilt", j.tilt, "an angle in rad");
  require(std::isfinite(j.direction), "jump direction", j.direction, "an angle in rad");
  require(j.duration >= 0 && std::isfinite(j.duration), "jump duration", j.duration, "0 s or more");
}

/// Share of a jump that is done.
double progress(const Jump& jump, double time) {
  if (time >= jump.time + jump.duration) return 1;
  if (time <= jump.time) return 0;
  return 0.5 - 0.5 * std::cos(pi * (time - jump.time) / jump.duration);
}

}  // namespace

LineOfSight::LineOfSight(const std::vector<Vibration>& vibrations, std::vector<Jump> jumps,
                         std::uint64_t seed)
    : jumps_(std::move(jumps)) {
  for (const Jump& jump : jumps_) check(jump);
  for (std::size_t i = 0; i < vibrations.size(); ++i) {
    const Vibration& v = vibrations[i];
    check(v);
    const Random random(seed, Stream::vibration, static_cast<std::uint16_t>(i));
    const std::uint32_t count = v.linewidth > 0 ? kSinesOfALine : 1;
    const double amplitude = v.rms * std::sqrt(2.0 / count);
    for (std::uint32_t k = 0; k < count; ++k) {
      // One frequency in each of `count` equal shares of the Lorentzian.
      const double quantile = (k + random.uniform(1, k)) / count - 0.5;
      const double offset = v.linewidth > 0 ? v.linewidth / 2 * std::tan(pi * quantile) : 0.0;
      sines_.push_back({v.frequency + offset,
                        random.uniform(0, k),
                        {amplitude * std::cos(v.direction), amplitude * std::sin(v.direction)}});
    }
  }
}

Tilt LineOfSight::at(double time) const {
  Tilt tilt;
  for (const Sine& sine : sines_) {
    const double turns = sine.frequency * time;
    const double value = std::sin(2 * pi * (turns - std::floor(turns) + sine.turns));
    tilt.x += sine.amplitude.x * value;
    tilt.y += sine.amplitude.y * value;
  }
  for (const Jump& jump : jumps_) {
    const double now = jump.tilt * progress(jump, time);
    tilt.x += now * std::cos(jump.direction);
    tilt.y += now * std::sin(jump.direction);
  }
  return tilt;
}

void add_tilt(const Tilt& tilt, Wavefront& out) {
  for (std::size_t y = 0; y < out.side(); ++y) {
    const double row = tilt.y * out.position(y);
    for (std::size_t x = 0; x < out.side(); ++x)
      out.at(x, y) += static_cast<float>(row + tilt.x * out.position(x));
  }
}

}  // namespace daohil::simulators
