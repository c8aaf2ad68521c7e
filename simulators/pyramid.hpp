#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "simulators/aligned_floats.hpp"
#include "simulators/exposure.hpp"
#include "simulators/instruction_set.hpp"
#include "simulators/pupil.hpp"

namespace daohil::simulators {

/// A modulated four-sided pyramid sensor and the light it gets.
///
/// How true it is, how fast: 16 points and a transform of three times the pupil's side is the
/// usual; 8 points are twice as fast and more square a circle; a transform of six times the side
/// keeps what the facets scatter far out, for calibration.
struct PyramidSetup {
  Pupil pupil;
  double pitch = 0;           ///< metres between samples of the pupil and of wavefronts, > 0
  double wavelength = 0;      ///< [m], > 0
  std::size_t transform = 0;  ///< samples along a side of the image plane, even; only 2, 3, 5 in it
  std::size_t binning = 1;    ///< samples along a side of a pixel; a divisor of `transform`
  double diameter = 0;        ///< of the telescope [m], for the unit of `modulation`; > 0
  double modulation = 0;      ///< radius of the circle [wavelength / diameter], >= 0
  std::size_t points = 16;    ///< on the circle, >= 1; several only with a modulation
  double separation = 0;      ///< from the axis to a pupil image's centre, along x and y [pixels]
  /// Pixels around every pupil image that are computed; the rest gets the background. Large enough
  /// (`transform`) for the whole image.
  std::size_t margin = 0;
  std::size_t width = 0;   ///< pixels of a detector row; the image lies in its middle, cut off or
                           ///< surrounded by background. 0: as wide as the image
  std::size_t height = 0;  ///< detector rows. 0: as high as the image
  double photons = 0;      ///< expected in an exposure through the whole pupil, >= 0
  double background = 0;   ///< expected in every pixel besides, >= 0
};

/// Modulated pyramid wavefront sensor [Ragazzoni 1996 J. Mod. Opt. 43, 289]: wavefronts in,
/// expected photons per pixel out.
///
/// The focal plane of the pupil's field is multiplied by exp(-2 pi i s (|X + t_x| + |Y + t_y|) /
/// N): four facets that meet in the modulated axis t (X, Y: focal samples, half-integer, of 1 /
/// `transform` cycles a pupil sample; s: the separation in samples). The image is the squared
/// modulus of its Fourier transform, averaged over the points of the modulation: (k + 1/2) of equal
/// parts of a circle. The factor is separable, so that points with the same t_x share one transform
/// along x. Light that the wavefront sends to +x falls into the two images at +x.
///
/// The whole image holds all `photons` (Parseval); `margin` cuts off what the facets' edges
/// scatter.
///
/// Left out: errors of the pyramid (roof, turned or missing edges, chromatism), modulation within
/// the exposure of a wavefront that changes meanwhile (every sub-exposure is modulated fully).
///
/// Immutable; every function may be called from several threads at once, each with its own
/// workspace. The same bits come out on every instruction set and however the parts are split.
class Pyramid {
 public:
  /// The focal plane of one sub-exposure, to be read by all parts.
  class Focus;
  /// The sum over the modulation points of one part.
  class Image;
  /// Memory for intermediate results, one for every thread.
  class Workspace;

  /// @throws std::invalid_argument a value out of its range, pupil images that meet or leave the
  ///         image plane or the detector
  explicit Pyramid(const PyramidSetup& setup, InstructionSet set = widest_instruction_set());
  ~Pyramid();
  Pyramid(Pyramid&&) noexcept;
  Pyramid& operator=(Pyramid&&) noexcept;

  [[nodiscard]] const PyramidSetup& setup() const;
  /// Pixels of a frame, which is row-major: width * height.
  [[nodiscard]] std::size_t pixels() const;
  /// Independent pieces of the modulation: points with the same t_x.
  [[nodiscard]] std::size_t parts() const;

  [[nodiscard]] Workspace make_workspace() const;
  [[nodiscard]] Focus make_focus() const;
  [[nodiscard]] Image make_image() const;

  /// A whole frame of expected photons, by the calling thread alone.
  ///
  /// @param exposure at least one, of the pupil's side and the set-up's pitch
  /// @param frame `pixels()` values, all of them written
  /// @throws std::invalid_argument a wavefront, frame or workspace of another size, a part that is
  ///         negative or no number
  /// @throws std::domain_error a phase above 10^5 rad or no number where the pupil is lit
  void render(std::span<const SubExposure> exposure, std::span<float> frame,
              Workspace& workspace) const;

  /// The same in pieces, for several threads: the focus of every sub-exposure; every part of each
  /// into an image of its own; then one sum. All of them throw as `render`.

  /// @throws std::domain_error as `render`
  void focus(const SubExposure& exposure, Focus& focus, Workspace& workspace) const;
  /// @param part 0 .. parts() - 1 @throws std::invalid_argument another one
  void image_part(const Focus& focus, std::size_t part, Image& image, Workspace& workspace) const;
  /// @param images of all sub-exposures, all parts of one after the other, in order
  /// @throws std::invalid_argument not a whole number of times parts()
  void sum(std::span<const Image> images, std::span<float> frame, Workspace& workspace) const;

 private:
  struct Tables;
  std::unique_ptr<const Tables> tables_;
};

class Pyramid::Focus {
  friend class Pyramid;
  explicit Focus(std::size_t floats) : re(floats), im(floats) {}
  AlignedFloats re;
  AlignedFloats im;
};

class Pyramid::Image {
  friend class Pyramid;
  explicit Image(std::size_t floats) : light(floats) {}
  AlignedFloats light;
};

class Pyramid::Workspace {
  friend class Pyramid;
  Workspace(std::size_t pupil_floats, std::size_t lanes, std::size_t field_floats,
            const Focus& like, const Image& zero)
      : phase(pupil_floats),
        re(pupil_floats),
        im(pupil_floats),
        batch(4 * lanes),
        field(2 * field_floats),
        focus(like),
        part(zero),
        total(zero) {}
  AlignedFloats phase;
  AlignedFloats re;
  AlignedFloats im;
  AlignedFloats batch;
  AlignedFloats field;
  Focus focus;
  Image part;
  Image total;
};

}  // namespace daohil::simulators
