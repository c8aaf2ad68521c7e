#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "simulators/aligned_floats.hpp"
#include "simulators/exposure.hpp"
#include "simulators/instruction_set.hpp"
#include "simulators/pupil.hpp"

namespace daohil::simulators {

/// Where a lenslet's spot falls when the wavefront is flat, in pixels: pixel i reaches from
/// i - 1/2 to i + 1/2.
struct SpotCentre {
  double x = 0;
  double y = 0;
};

/// How the spots lie on a detector of any shape.
struct SpotLayout {
  std::size_t width = 0;   ///< pixels of a detector row
  std::size_t height = 0;  ///< detector rows
  std::size_t window = 0;  ///< pixels of a side of every lenslet's square field stop
  /// Of every lenslet, also of those without light; row by row, x fastest. The window is the one
  /// whose middle is nearest; what is left over, at most half a pixel, moves the spot inside.
  std::vector<SpotCentre> centres{};

  /// Windows side by side from the detector's first pixel, every spot in the middle of its own.
  [[nodiscard]] static SpotLayout grid(std::size_t lenslets, std::size_t window);

  /// The same with `gap` dark pixels between windows, the whole in the middle of a detector.
  /// @throws std::invalid_argument it is too small
  [[nodiscard]] static SpotLayout centred(std::size_t lenslets, std::size_t window, std::size_t gap,
                                          std::size_t width, std::size_t height);
};

/// What a sample of the wavefront stands for.
enum class PhaseSample : std::uint8_t {
  /// A tile as wide as the pitch, tilted as the lenslet is on average: the spot of a tilted
  /// wavefront is sinc^2 whatever the number of samples.
  tile,
  /// A point, as in a bare discrete Fourier transform: the focal plane repeats itself every
  /// wavelength / pitch, and a spot that leaves on one side comes back on the other.
  point,
};

/// A Shack-Hartmann sensor and the light it gets.
struct ShackHartmannSetup {
  Pupil pupil;
  double pitch = 0;               ///< metres between samples of the pupil and of wavefronts, > 0
  std::size_t lenslets = 0;       ///< along x and along y; a divisor of the pupil's side
  double least_illumination = 0;  ///< a lenslet with less lit area makes no spot; 0 .. 1
  double wavelength = 0;          ///< [m], > 0
  double pixel_scale = 0;         ///< angle on the sky of a pixel's side [rad], > 0
  /// Directions along x and along y over which a pixel's light is integrated (Gauss and
  /// Legendre's), at most 16. 0: four for wavelength / lenslet, at least two, which gives centroids
  /// to 1e-3 px; one is the light at the pixel's middle, as in many simulators.
  std::size_t oversampling = 0;
  PhaseSample sample = PhaseSample::tile;
  SpotLayout layout;
  double photons = 0;     ///< expected in an exposure through the whole pupil, >= 0
  double background = 0;  ///< expected in every pixel besides, >= 0
};

/// A diffractive Shack-Hartmann wavefront sensor: wavefronts in, expected photons per pixel out.
///
/// The field of a lenslet, a = sqrt(transmission) exp(2 pi i OPD / wavelength), gives in the
/// direction (u, v) [cycles a sample] the light |sum a exp(-2 pi i (u x + v y))|^2, times
/// sinc^2(u - s_x) sinc^2(v - s_y) where a sample is a tile (s: mean phase step of the lenslet in
/// cycles a sample). Over all directions this sums to `photons` times the lenslet's share of the
/// pupil's lit area (Parseval); what falls outside of the window is lost. A tilt of `a` metres over
/// a lenslet of width d moves its spot by a / (d pixel_scale) pixels.
///
/// Left out: light from one lenslet in the window of another (every window is a field stop), its
/// interference with the neighbour's, chromatic sources, extended sources, Fresnel diffraction.
///
/// Immutable; every function may be called from several threads at once, with a workspace each.
/// The same bits come out on every instruction set and however the rows are split.
class ShackHartmann {
 public:
  /// Memory for intermediate results, one for every thread; any sensor's is its own.
  class Workspace {
    friend class ShackHartmann;
    explicit Workspace(std::size_t floats) : memory(floats) {}
    AlignedFloats memory;
  };

  /// Allocates and computes all tables. @param set which instructions to use
  /// @throws std::invalid_argument a value out of its range, a window that leaves the detector or
  ///         meets another, a window wider than wavelength / pitch (too few samples a lenslet)
  explicit ShackHartmann(const ShackHartmannSetup& setup,
                         InstructionSet set = widest_instruction_set());
  ~ShackHartmann();
  ShackHartmann(ShackHartmann&&) noexcept;
  ShackHartmann& operator=(ShackHartmann&&) noexcept;

  [[nodiscard]] const ShackHartmannSetup& setup() const;

  /// Those that make spots, row by row, x fastest.
  [[nodiscard]] std::span<const Subaperture> subapertures() const;

  /// Pixels of a frame, which is row-major: layout.width * layout.height.
  [[nodiscard]] std::size_t pixels() const;

  [[nodiscard]] Workspace make_workspace() const;

  /// A whole frame of expected photons.
  ///
  /// @param exposure at least one, of the pupil's side and the set-up's pitch
  /// @param frame `pixels()` values, all of them written
  /// @throws std::invalid_argument a wavefront, frame or workspace of another size, a part that is
  ///         negative or no number
  /// @throws std::domain_error a phase above 10^5 rad or no number where a lenslet with a spot is
  ///         lit, naming sample and value; the frame is then worthless
  void render(std::span<const SubExposure> exposure, std::span<float> frame,
              Workspace& workspace) const;

  /// The windows of the lenslet rows first .. last - 1 only; other pixels are left as they are, so
  /// that rows may be computed by several threads, and at their own times for a rolling shutter.
  /// The pixels that are in no window need `fill_background` once in the life of a frame.
  ///
  /// Lenslets are computed in groups of 16 without regard to rows: a call computes up to two groups
  /// of which it uses a part only.
  /// @throws as `render`, and std::invalid_argument first > last or last > lenslets
  void render_rows(std::span<const SubExposure> exposure, std::size_t first, std::size_t last,
                   std::span<float> frame, Workspace& workspace) const;

  /// Every pixel becomes the background. @throws std::invalid_argument a frame of another size
  void fill_background(std::span<float> frame) const;

 private:
  struct Tables;
  std::unique_ptr<const Tables> tables_;
};

}  // namespace daohil::simulators
