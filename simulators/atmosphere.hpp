#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulators/boiling.hpp"
#include "simulators/line_of_sight.hpp"
#include "simulators/phase.hpp"
#include "simulators/phase_screen.hpp"

namespace daohil::simulators {

/// One turbulent layer, frozen and carried by the wind: OPD(x, t) = screen(x - wind t).
struct Layer {
  double fraction = 1;        ///< of the turbulence, r0^(-5/3); >= 0, all layers sum to 1
  double wind_speed = 0;      ///< [m/s], >= 0
  double wind_direction = 0;  ///< where the turbulence moves to, from +x towards +y [rad]
  double outer_scale = 25;    ///< L0 [m], finite
  /// Time in which the layer's correlation falls to 1/e by itself [s], > 0; infinite: frozen.
  double boiling_time = std::numeric_limits<double>::infinity();
  double altitude = 0;  ///< [m]; a label, as the source is on the axis and at infinity
};

/// SI units throughout: metres, seconds, radians.
struct AtmosphereConfig {
  double r0 = 0.15;               ///< Fried parameter of all layers together [m], > 0
  double r0_wavelength = 500e-9;  ///< for which r0 is given [m], > 0
  std::vector<Layer> layers;      ///< none: no turbulence
  std::vector<Vibration> vibrations;
  std::vector<Jump> jumps;
  std::size_t side = 0;  ///< of the wavefronts, samples, >= 1
  double pitch = 0;      ///< of the wavefronts [m]
  /// Side of the layers' screens [pixels]; 0: for each layer its own, so that they have no period
  /// in common, at least three outer scales and four wavefronts long.
  std::size_t screen_side = 0;
  std::uint64_t seed = 0;
};

/// The turbulent sky in front of a telescope, and what shakes the telescope.
///
/// The OPD is a pure function of (configuration, time): asked in any order, from any copy, on any
/// instruction set, it has the same bits. Take time = frame number / rate, computed anew for
/// each frame, then nothing drifts. OPD is achromatic.
///
/// A frozen layer repeats where its screen does: see PhaseScreen and shortest_pass().
/// A boiling layer is renewed 16 times in a boiling time, blended in between with constant
/// variance; never repeats; costs twice a frozen layer and at each renewal a Fourier transform.
///
/// Not safe from several threads at once (boiling layers remember their last renewal); copies are
/// independent, share the frozen screens and cost little.
class Atmosphere {
 public:
  /// @throws std::invalid_argument naming the field, its value and the way out
  explicit Atmosphere(const AtmosphereConfig& config);

  /// out = OPD at `time` [m]. @param time [s], finite, >= 0
  /// @param out side and pitch as configured @throws std::invalid_argument when not
  void opd(double time, Wavefront& out, InstructionSet set = widest_instruction_set());

  /// Its side and pitch fit opd().
  [[nodiscard]] Wavefront wavefront() const { return {side_, pitch_}; }

  /// The frozen layers: time until the wind has carried one screen past, in seconds, the shortest
  /// of all; infinite without wind. After n of them the window has moved n * shear pixels sideways
  /// on the screen, so the same turbulence comes back in part, shifted, after several.
  [[nodiscard]] double shortest_pass() const;

 private:
  struct Flow {
    double x, y;   // [pixels/s]
    float weight;  // metres per radian of a screen with r0 = 1 m
    std::shared_ptr<const PhaseScreen> frozen;
    std::optional<BoilingScreen> boiling;
    double renewal;  // [s]
    std::uint64_t step = std::numeric_limits<std::uint64_t>::max();
    std::shared_ptr<const PhaseScreen> now, next;  // boiling: at step and step + 1
    std::size_t side;
  };

  static void renew(Flow& flow, std::uint64_t step);
  void add(Flow& flow, double time, Wavefront& out, InstructionSet set);

  std::size_t side_;
  double pitch_;
  std::vector<Flow> flows_;
  LineOfSight line_of_sight_;
};

}  // namespace daohil::simulators
