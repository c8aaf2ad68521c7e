#include "simulators/pyramid.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "simulators/detail/pyramid_kernel.hpp"

namespace daohil::simulators {
namespace {

using detail::kLanes;

/// Beyond it the sine of a float is not worth computing: neighbouring numbers are 0.008 rad apart.
constexpr float kMostPhase = 1e5F;

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("Pyramid: " + what);
}

void need_positive(double value, const char* field, const char* unit) {
  if (!(value > 0) || !std::isfinite(value))
    refuse(std::string(field) + " is " + std::to_string(value) + " " + unit +
           "; a positive number");
}

void need_not_negative(double value, const char* field) {
  if (!(value >= 0) || !std::isfinite(value))
    refuse(std::string(field) + " is " + std::to_string(value) + "; a number >= 0");
}

std::size_t padded(std::size_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// Distance of sample i of n from the axis, in samples.
double from_axis(std::size_t i, std::size_t n) {
  return static_cast<double>(i) - static_cast<double>(n - 1) / 2;
}

void check_grid(const PyramidSetup& setup) {
  const std::size_t n = setup.transform;
  if (n % 2 != 0 || detail::plan_fft(n).size == 0)
    refuse("transform is " + std::to_string(n) +
           " samples; an even product of 2, 3 and 5, as 120, 128 or 240");
  if (setup.pupil.side % 2 != 0 || setup.pupil.side > n)
    refuse("a pupil of " + std::to_string(setup.pupil.side) + " samples a side in a transform of " +
           std::to_string(n) + "; an even side, and a third of it as a rule");
  if (setup.binning == 0 || n % setup.binning != 0)
    refuse("binning is " + std::to_string(setup.binning) + "; a divisor of the transform's " +
           std::to_string(n) + " samples");
}

void check_images(const PyramidSetup& setup) {
  const double half = static_cast<double>(setup.pupil.side / 2);
  const auto bin = static_cast<double>(setup.binning);
  const double centre = setup.separation * bin;
  if (!(centre >= half) || !(centre + half <= static_cast<double>(setup.transform) / 2))
    refuse("separation is " + std::to_string(setup.separation) + " pixels; from " +
           std::to_string(half / bin) + " (else the pupil images meet) to " +
           std::to_string(static_cast<double>(setup.transform) / 2 / bin - half / bin) +
           " (else they leave the transform)");
  for (const std::size_t pixels : {setup.width, setup.height})
    if (static_cast<double>(pixels) < 2 * (centre + half) / bin)
      refuse("a detector of " + std::to_string(setup.width) + " x " + std::to_string(setup.height) +
             " pixels; the pupil images need " + std::to_string(2 * (centre + half) / bin) +
             " each way");
}

void check(const PyramidSetup& setup) {
  need_positive(setup.pitch, "pitch", "m");
  need_positive(setup.wavelength, "wavelength", "m");
  need_positive(setup.diameter, "diameter", "m");
  need_not_negative(setup.modulation, "modulation");
  need_not_negative(setup.photons, "photons");
  need_not_negative(setup.background, "background");
  if (setup.points == 0) refuse("points is 0; at least one");
  if (setup.points > 1 && setup.modulation == 0)
    refuse(std::to_string(setup.points) + " points without a modulation; 1 point, or a radius");
  check_grid(setup);
  check_images(setup);
}

/// The factor of the facets along one axis at the modulation offset `t` [samples].
struct Factors {
  std::vector<float> re;
  std::vector<float> im;

  Factors(std::size_t n, double slope, double t) {
    for (std::size_t k = 0; k < n; ++k) {
      const double turns = slope * std::abs(from_axis(k, n) + t) / static_cast<double>(n);
      const double angle = -2 * std::numbers::pi * (turns - std::floor(turns));
      re.push_back(static_cast<float>(std::cos(angle)));
      im.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  [[nodiscard]] detail::FacetFactors view() const { return {re.data(), im.data()}; }
};

/// Points of the modulation that share the offset along x.
struct Part {
  double offset;
  Factors along_x;
  std::vector<Factors> along_y;
};

PyramidSetup completed(PyramidSetup setup) {
  const std::size_t image = setup.binning ? setup.transform / setup.binning : 0;
  if (setup.width == 0) setup.width = image;
  if (setup.height == 0) setup.height = image;
  return setup;
}

}  // namespace

struct Pyramid::Tables {
  Tables(const PyramidSetup& given, InstructionSet chosen);

  void build_places();
  void build_pupil();
  void build_parts();
  void check(const SubExposure& exposure) const;
  void check(std::span<const float> frame) const;
  void check(const Workspace& workspace) const;
  void check(const Focus& focus) const;
  void check(const Image& image) const;
  [[noreturn]] void refuse_bad_phase(const Wavefront& wavefront) const;
  [[nodiscard]] detail::PyramidBuffers buffers(Workspace& workspace) const;
  [[nodiscard]] std::size_t pupil_floats() const { return optics.side * optics.padded_side; }
  [[nodiscard]] std::size_t focus_floats() const { return optics.size * optics.stride; }
  [[nodiscard]] std::size_t image_floats() const { return optics.rows * optics.padded_columns; }
  [[nodiscard]] std::size_t field_floats() const {
    return std::max(optics.padded_side * optics.stride, optics.padded_size * optics.padded_columns);
  }
  void to_frame(const Image& total, std::span<float> frame) const;

  PyramidSetup setup;
  InstructionSet set;
  detail::FftPlan plan;
  std::vector<std::size_t> places;
  AlignedFloats amplitude;  ///< [y][padded x]
  AlignedFloats statics;    ///< the same [rad]
  std::vector<Part> parts;
  detail::PyramidOptics optics{};
};

Pyramid::Tables::Tables(const PyramidSetup& given, InstructionSet chosen)
    : setup(completed(given)), set(chosen), plan(detail::plan_fft(setup.transform)) {
  simulators::check(setup);
  build_places();
  optics.plan = &plan;
  optics.side = setup.pupil.side;
  optics.padded_side = padded(optics.side);
  optics.size = setup.transform;
  optics.padded_size = padded(optics.size);
  // Not a power of two, or a column's elements would share few lines of the cache.
  optics.stride = optics.padded_size + kLanes;
  optics.first_sample = (optics.size - optics.side) / 2;
  optics.columns = places.size();
  optics.padded_columns = padded(optics.columns);
  optics.rows = places.size();
  optics.places = places.data();
  build_pupil();
  build_parts();
}

void Pyramid::Tables::build_places() {
  const std::size_t pixels = setup.transform / setup.binning;
  const double half =
      static_cast<double>(setup.pupil.side) / 2 / static_cast<double>(setup.binning) +
      static_cast<double>(setup.margin);
  for (std::size_t i = 0; i < pixels; ++i)
    if (std::abs(std::abs(from_axis(i, pixels)) - setup.separation) < half)
      for (std::size_t k = 0; k < setup.binning; ++k) places.push_back(i * setup.binning + k);
}

/// Samples and frequencies are counted from the axis, where neither has one: half a sample off the
/// origin of the transform. In the pupil this is a phase of pi (size - 1) / size a sample, a change
/// of sign and -pi / size; in the image plane a phase that does not show; in the focal plane both
/// cancel.
void Pyramid::Tables::build_pupil() {
  amplitude.resize(pupil_floats());
  statics.resize(pupil_floats());
  const auto n = static_cast<double>(optics.size);
  const double scale =
      std::sqrt(setup.photons / lit_area(setup.pupil) / static_cast<double>(setup.points)) /
      (n * n);
  for (std::size_t y = 0; y < optics.side; ++y)
    for (std::size_t x = 0; x < optics.side; ++x) {
      const std::size_t to = y * optics.padded_side + x;
      const double sign = (x + y) % 2 == 0 ? scale : -scale;
      amplitude[to] =
          static_cast<float>(sign * std::sqrt(static_cast<double>(setup.pupil.at(x, y))));
      statics[to] = static_cast<float>(-std::numbers::pi / n *
                                       (from_axis(x, optics.side) + from_axis(y, optics.side)));
    }
}

void Pyramid::Tables::build_parts() {
  const double slope = setup.separation * static_cast<double>(setup.binning);
  const double radius =
      setup.modulation * static_cast<double>(optics.size) * setup.pitch / setup.diameter;
  for (std::size_t k = 0; k < setup.points; ++k) {
    const double angle =
        2 * std::numbers::pi * (static_cast<double>(k) + 0.5) / static_cast<double>(setup.points);
    const double x = radius * std::cos(angle);
    const auto same = std::find_if(parts.begin(), parts.end(), [&](const Part& part) {
      return std::abs(part.offset - x) < 1e-9 * (1 + radius);
    });
    Part& part = same != parts.end()
                     ? *same
                     : parts.emplace_back(Part{x, Factors(optics.size, slope, x), {}});
    part.along_y.emplace_back(optics.size, slope, radius * std::sin(angle));
  }
}

void Pyramid::Tables::check(const SubExposure& exposure) const {
  if (!exposure.wavefront) refuse("a sub-exposure's wavefront is null");
  const Wavefront& wavefront = *exposure.wavefront;
  if (wavefront.side() != setup.pupil.side || std::abs(wavefront.pitch() / setup.pitch - 1) > 1e-6)
    refuse("a wavefront of " + std::to_string(wavefront.side()) + " samples of " +
           std::to_string(wavefront.pitch()) + " m a side; the pupil has " +
           std::to_string(setup.pupil.side) + " of " + std::to_string(setup.pitch) + " m");
  if (!(exposure.part >= 0) || !std::isfinite(exposure.part))
    refuse("a sub-exposure's part is " + std::to_string(exposure.part) + "; a number >= 0");
}

void Pyramid::Tables::check(std::span<const float> frame) const {
  if (frame.size() != setup.width * setup.height)
    refuse("a frame of " + std::to_string(frame.size()) + " pixels; the detector has " +
           std::to_string(setup.width) + " x " + std::to_string(setup.height));
}

void Pyramid::Tables::check(const Workspace& workspace) const {
  if (workspace.phase.size() != pupil_floats() ||
      workspace.batch.size() != 4 * optics.size * kLanes ||
      workspace.field.size() != 2 * field_floats())
    refuse("the workspace of another sensor; one from make_workspace() of this one");
  check(workspace.focus);
  check(workspace.total);
}

void Pyramid::Tables::check(const Focus& focus) const {
  if (focus.re.size() != focus_floats())
    refuse("the focus of another sensor; one from make_focus() of this one");
}

void Pyramid::Tables::check(const Image& image) const {
  if (image.light.size() != image_floats())
    refuse("the image of another sensor; one from make_image() of this one");
}

void Pyramid::Tables::refuse_bad_phase(const Wavefront& wavefront) const {
  const double scale = radians_per_metre(setup.wavelength);
  std::size_t worst = 0;
  for (std::size_t i = 0; i < wavefront.opd().size(); ++i) {
    if (setup.pupil.transmission[i] == 0) continue;
    worst = i;
    if (!(std::abs(static_cast<double>(wavefront.opd()[i])) * scale < 0.999 * kMostPhase)) break;
  }
  throw std::domain_error(
      "Pyramid: the wavefront at sample (" + std::to_string(worst % wavefront.side()) + ", " +
      std::to_string(worst / wavefront.side()) + ") is " + std::to_string(wavefront.opd()[worst]) +
      " m; a number of at most 10^5 rad");
}

detail::PyramidBuffers Pyramid::Tables::buffers(Workspace& workspace) const {
  const std::size_t lanes = optics.size * kLanes;
  float* batch = workspace.batch.data();
  float* field = workspace.field.data();
  return {{batch, batch + lanes},
          {batch + 2 * lanes, batch + 3 * lanes},
          {field, field + field_floats()}};
}

void Pyramid::Tables::to_frame(const Image& total, std::span<float> frame) const {
  std::fill(frame.begin(), frame.end(), static_cast<float>(setup.background));
  const auto pixels = static_cast<std::ptrdiff_t>(setup.transform / setup.binning);
  const std::ptrdiff_t left = (static_cast<std::ptrdiff_t>(setup.width) - pixels) / 2;
  const std::ptrdiff_t below = (static_cast<std::ptrdiff_t>(setup.height) - pixels) / 2;
  for (std::size_t i = 0; i < optics.rows; ++i) {
    const auto y = static_cast<std::ptrdiff_t>(places[i] / setup.binning) + below;
    if (y < 0 || y >= static_cast<std::ptrdiff_t>(setup.height)) continue;
    const float* from = total.light.data() + i * optics.padded_columns;
    for (std::size_t j = 0; j < optics.columns; ++j) {
      const auto x = static_cast<std::ptrdiff_t>(places[j] / setup.binning) + left;
      if (x < 0 || x >= static_cast<std::ptrdiff_t>(setup.width)) continue;
      frame[static_cast<std::size_t>(y) * setup.width + static_cast<std::size_t>(x)] += from[j];
    }
  }
}

Pyramid::Pyramid(const PyramidSetup& setup, InstructionSet set)
    : tables_(std::make_unique<const Tables>(setup, set)) {}
Pyramid::~Pyramid() = default;
Pyramid::Pyramid(Pyramid&&) noexcept = default;
Pyramid& Pyramid::operator=(Pyramid&&) noexcept = default;

const PyramidSetup& Pyramid::setup() const { return tables_->setup; }
std::size_t Pyramid::pixels() const { return tables_->setup.width * tables_->setup.height; }
std::size_t Pyramid::parts() const { return tables_->parts.size(); }

Pyramid::Focus Pyramid::make_focus() const { return Focus(tables_->focus_floats()); }
Pyramid::Image Pyramid::make_image() const { return Image(tables_->image_floats()); }
Pyramid::Workspace Pyramid::make_workspace() const {
  return {tables_->pupil_floats(), tables_->optics.size * kLanes, tables_->field_floats(),
          make_focus(), make_image()};
}

void Pyramid::focus(const SubExposure& exposure, Focus& focus, Workspace& workspace) const {
  const Tables& t = *tables_;
  t.check(exposure);
  t.check(focus);
  t.check(workspace);
  const std::size_t side = t.optics.side;
  for (std::size_t y = 0; y < side; ++y)
    std::copy_n(exposure.wavefront->opd().data() + y * side, side,
                workspace.phase.data() + y * t.optics.padded_side);
  bool fine = true;
  detail::dispatch_lanes<detail::PupilField>(
      t.set, static_cast<float>(radians_per_metre(t.setup.wavelength)), t.statics.data(),
      t.amplitude.data(), kMostPhase, static_cast<float>(std::sqrt(exposure.part)),
      t.pupil_floats(), workspace.phase.data(), workspace.re.data(), workspace.im.data(), &fine);
  if (!fine) t.refuse_bad_phase(*exposure.wavefront);
  const detail::PyramidBuffers buffers = t.buffers(workspace);
  detail::dispatch_lanes<detail::PupilColumns>(t.set, &t.optics, &buffers,
                                               std::as_const(workspace.re).data(),
                                               std::as_const(workspace.im).data());
  detail::dispatch_lanes<detail::PupilRows>(t.set, &t.optics, &buffers, focus.re.data(),
                                            focus.im.data());
}

void Pyramid::image_part(const Focus& focus, std::size_t part, Image& image,
                         Workspace& workspace) const {
  const Tables& t = *tables_;
  if (part >= t.parts.size())
    refuse("part " + std::to_string(part) + " of " + std::to_string(t.parts.size()));
  t.check(focus);
  t.check(image);
  t.check(workspace);
  const detail::PyramidBuffers buffers = t.buffers(workspace);
  detail::dispatch_lanes<detail::FacetsAlongX>(
      t.set, &t.optics, &buffers, detail::ConstLaneArray{focus.re.data(), focus.im.data()},
      t.parts[part].along_x.view());
  std::fill_n(image.light.data(), image.light.size(), 0.0F);
  for (const Factors& factors : t.parts[part].along_y)
    detail::dispatch_lanes<detail::FacetsAlongY>(t.set, &t.optics, &buffers, factors.view(),
                                                 image.light.data());
}

void Pyramid::sum(std::span<const Image> images, std::span<float> frame,
                  Workspace& workspace) const {
  const Tables& t = *tables_;
  t.check(frame);
  if (images.empty() || images.size() % t.parts.size() != 0)
    refuse("a sum of " + std::to_string(images.size()) + " images; " +
           std::to_string(t.parts.size()) + " for every sub-exposure");
  t.check(workspace);
  float* total = workspace.total.light.data();
  std::fill_n(total, t.image_floats(), 0.0F);
  for (const Image& image : images) {
    t.check(image);
    for (std::size_t i = 0; i < t.image_floats(); ++i) total[i] += image.light[i];
  }
  t.to_frame(workspace.total, frame);
}

void Pyramid::render(std::span<const SubExposure> exposure, std::span<float> frame,
                     Workspace& workspace) const {
  const Tables& t = *tables_;
  t.check(frame);
  if (exposure.empty()) refuse("an exposure without a wavefront; at least one");
  t.check(workspace);
  float* total = workspace.total.light.data();
  const float* part = workspace.part.light.data();
  std::fill_n(total, t.image_floats(), 0.0F);
  for (const SubExposure& sub : exposure) {
    focus(sub, workspace.focus, workspace);
    for (std::size_t i = 0; i < t.parts.size(); ++i) {
      image_part(workspace.focus, i, workspace.part, workspace);
      for (std::size_t k = 0; k < t.image_floats(); ++k) total[k] += part[k];
    }
  }
  t.to_frame(workspace.total, frame);
}

}  // namespace daohil::simulators
