#pragma once

#include <cstdint>
#include <vector>

#include "simulators/phase.hpp"

namespace daohil::simulators {

/// A line in the spectrum of tip and tilt, as wind and coolers cause. Stationary; its
/// autocorrelation is rms^2 cos(2 pi frequency t) exp(-pi linewidth |t|), a damped oscillator's.
struct Vibration {
  double frequency = 0;  ///< [Hz], >= 0
  double rms = 0;        ///< tilt of the wavefront, metres of OPD per metre = radians on sky, >= 0
  double direction = 0;  ///< of the tilt's gradient, from +x towards +y [rad]
  double linewidth = 0;  ///< full width at half maximum [Hz], >= 0; 0: an undamped sine
};

/// The telescope's line of sight moves and stays: a dome or a mirror that moved.
struct Jump {
  double time = 0;       ///< begin [s]
  double tilt = 0;       ///< metres of OPD per metre = radians on sky
  double direction = 0;  ///< of the tilt's gradient, from +x towards +y [rad]
  double duration = 0;   ///< of the raised-cosine ramp [s], >= 0; 0: a step, complete at `time`
};

/// A gradient of OPD: metres per metre, or radians on sky.
struct Tilt {
  double x = 0, y = 0;
};

/// What moves the whole image. The tilt is a pure function of time; immutable, safe from any
/// thread.
class LineOfSight {
 public:
  LineOfSight() = default;
  /// @param seed phases of the vibrations @throws std::invalid_argument naming the field
  LineOfSight(const std::vector<Vibration>& vibrations, std::vector<Jump> jumps,
              std::uint64_t seed);

  /// @param time [s]
  [[nodiscard]] Tilt at(double time) const;

 private:
  /// One undamped sine: a vibration, or one of the many that a damped one is made of.
  struct Sine {
    double frequency, turns;  // phase at time 0, in turns
    Tilt amplitude;
  };

  std::vector<Sine> sines_;
  std::vector<Jump> jumps_;
};

/// out += tilt, zero on the optical axis.
void add_tilt(const Tilt& tilt, Wavefront& out);

}  // namespace daohil::simulators
