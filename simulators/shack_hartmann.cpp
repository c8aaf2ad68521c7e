#include "simulators/shack_hartmann.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "simulators/detail/gauss_legendre.hpp"
#include "simulators/detail/spot_kernel.hpp"

namespace daohil::simulators {
namespace {

using detail::kLanes;

/// Beyond it the sine of a float is not worth computing: neighbouring numbers are 0.008 rad apart.
constexpr float kMostPhase = 1e5F;
constexpr std::size_t kMostOversampling = 16;

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("ShackHartmann: " + what);
}

void need_positive(double value, const char* field, const char* unit) {
  if (!(value > 0) || !std::isfinite(value))
    refuse(std::string(field) + " is " + std::to_string(value) + " " + unit +
           "; a positive number");
}

void need_photons(double value, const char* field) {
  if (!(value >= 0) || !std::isfinite(value))
    refuse(std::string(field) + " is " + std::to_string(value) + "; a number of photons >= 0");
}

/// Of sample or pixel i of n.
double from_axis(std::size_t i, std::size_t n) {
  return static_cast<double>(i) - static_cast<double>(n - 1) / 2;
}

std::string at(std::size_t x, std::size_t y) {
  return "(" + std::to_string(x) + ", " + std::to_string(y) + ")";
}

/// The first pixel of a window, and how far its spot is from its middle [px].
struct Window {
  long x;
  long y;
  double rest_x;
  double rest_y;
};

Window window_of(const SpotCentre& centre, std::size_t side) {
  const double to_first = static_cast<double>(side - 1) / 2;
  const long x = std::lround(centre.x - to_first);
  const long y = std::lround(centre.y - to_first);
  return {x, y, centre.x - to_first - static_cast<double>(x),
          centre.y - to_first - static_cast<double>(y)};
}

void check(const ShackHartmannSetup& setup) {
  need_positive(setup.pitch, "pitch", "m");
  need_positive(setup.wavelength, "wavelength", "m");
  need_positive(setup.pixel_scale, "pixel_scale", "rad");
  need_photons(setup.photons, "photons");
  need_photons(setup.background, "background");
  const SpotLayout& layout = setup.layout;
  if (setup.oversampling > kMostOversampling)
    refuse("oversampling is " + std::to_string(setup.oversampling) + "; at most " +
           std::to_string(kMostOversampling) + ", or 0 for what the pixel scale needs");
  if (layout.window == 0) refuse("layout.window is 0; at least one pixel");
  if (layout.centres.size() != setup.lenslets * setup.lenslets)
    refuse("layout.centres has " + std::to_string(layout.centres.size()) + " entries for " +
           std::to_string(setup.lenslets) + " lenslets a side; one for every lenslet");
  for (const SpotCentre& centre : layout.centres)
    if (!(std::abs(centre.x) < 1e6 && std::abs(centre.y) < 1e6))
      refuse("a centre at (" + std::to_string(centre.x) + ", " + std::to_string(centre.y) +
             ") px; a place on the detector");
  // Frequencies beyond half a cycle a sample are those of other directions over again.
  const double field = static_cast<double>(layout.window) * setup.pixel_scale;
  const double most = setup.wavelength / setup.pitch;
  if (field > most * (1 + 1e-9))
    refuse("a window of " + std::to_string(layout.window) + " pixels sees " +
           std::to_string(field * 1e6) + " urad, the samples of the pupil only " +
           std::to_string(most * 1e6) +
           " urad (wavelength / pitch); a finer pupil, smaller pixels or a smaller window");
}

/// Measured against the integrated sinc^2 spot over windows of 6 to 24 pixels.
std::size_t enough_oversampling(const ShackHartmannSetup& setup) {
  const double lenslet =
      setup.pitch * static_cast<double>(setup.pupil.side) / static_cast<double>(setup.lenslets);
  const double pixel = setup.pixel_scale * lenslet / setup.wavelength;
  return static_cast<std::size_t>(
      std::clamp(std::ceil(4 * pixel - 1e-9), 2.0, static_cast<double>(kMostOversampling)));
}

/// Marks the window's pixels as taken.
void place(const SpotLayout& layout, const Subaperture& lenslet, const Window& window,
           std::vector<bool>& taken) {
  const auto side = static_cast<long>(layout.window);
  if (window.x < 0 || window.y < 0 || window.x + side > static_cast<long>(layout.width) ||
      window.y + side > static_cast<long>(layout.height))
    refuse("the window of lenslet " + at(lenslet.x, lenslet.y) + " leaves the detector of " +
           std::to_string(layout.width) + " x " + std::to_string(layout.height) +
           " pixels; another centre or a smaller window");
  for (long y = window.y; y < window.y + side; ++y)
    for (long x = window.x; x < window.x + side; ++x) {
      auto pixel = taken[static_cast<std::size_t>(y) * layout.width + static_cast<std::size_t>(x)];
      if (pixel)
        refuse("the window of lenslet " + at(lenslet.x, lenslet.y) +
               " covers a pixel of another one; centres further apart or a smaller window");
      pixel = true;
    }
}

using Run = void (*)(InstructionSet, const detail::SpotOptics*, const detail::SpotBuffers*,
                     const detail::LensletGroup*, const float*, const float*, const SubExposure*,
                     std::size_t, std::size_t, std::size_t, float, float*, bool*);

template <class Kernel>
constexpr Run kRun =
    &detail::dispatch_lanes<Kernel::template OfLanes, const detail::SpotOptics*,
                            const detail::SpotBuffers*, const detail::LensletGroup*, const float*,
                            const float*, const SubExposure*, std::size_t, std::size_t, std::size_t,
                            float, float*, bool*>;

struct Sizes {
  std::size_t samples;
  std::size_t points;
  std::size_t oversampling;
  bool operator==(const Sizes&) const = default;
};

template <std::size_t Samples, std::size_t Points, std::size_t Oversampling>
constexpr std::pair<Sizes, Run> kKernel{{Samples, Points, Oversampling},
                                        kRun<detail::SpotKernel<Samples, Points, Oversampling>>};

/// Sizes in common use have a kernel of their own, twice as fast as that for any. (Not under
/// sanitizers, where each takes a minute to compile; they differ in constants only.)
Run kernel_for([[maybe_unused]] const Sizes& sizes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  static constexpr std::array kCommon{kKernel<6, 12, 2>, kKernel<6, 24, 4>, kKernel<8, 8, 1>,
                                      kKernel<8, 12, 1>, kKernel<8, 12, 2>, kKernel<8, 16, 2>,
                                      kKernel<8, 24, 2>, kKernel<8, 24, 4>, kKernel<12, 12, 1>,
                                      kKernel<12, 24, 2>};
  for (const auto& [its, run] : kCommon)
    if (its == sizes) return run;
#endif
  return kRun<detail::SpotKernel<0, 0, 0>>;
}

}  // namespace

SpotLayout SpotLayout::grid(std::size_t lenslets, std::size_t window) {
  return centred(lenslets, window, 0, lenslets * window, lenslets * window);
}

SpotLayout SpotLayout::centred(std::size_t lenslets, std::size_t window, std::size_t gap,
                               std::size_t width, std::size_t height) {
  if (lenslets == 0 || window == 0)
    throw std::invalid_argument("SpotLayout: no lenslets or no pixels; at least one of each");
  const std::size_t pitch = window + gap;
  const std::size_t used = lenslets * pitch - gap;
  if (width < used || height < used)
    throw std::invalid_argument("SpotLayout: " + std::to_string(lenslets) + " windows need " +
                                std::to_string(used) + " pixels, the detector has " +
                                std::to_string(width) + " x " + std::to_string(height) +
                                "; a larger detector or a smaller window");
  SpotLayout layout{width, height, window, {}};
  const auto centre = [&](std::size_t i, std::size_t all) {
    return static_cast<double>((all - used) / 2 + i * pitch) + static_cast<double>(window - 1) / 2;
  };
  for (std::size_t y = 0; y < lenslets; ++y)
    for (std::size_t x = 0; x < lenslets; ++x)
      layout.centres.push_back({centre(x, width), centre(y, height)});
  return layout;
}

struct ShackHartmann::Tables {
  Tables(const ShackHartmannSetup& given, InstructionSet chosen);

  void build_transform();
  void build_groups();
  [[nodiscard]] std::size_t samples() const { return optics.samples; }
  [[nodiscard]] std::size_t group_floats() const { return samples() * samples() * kLanes; }
  [[nodiscard]] std::array<std::size_t, 7> buffer_floats() const;
  [[nodiscard]] std::size_t workspace_floats() const {
    const auto floats = buffer_floats();
    return std::accumulate(floats.begin(), floats.end(), std::size_t{0});
  }
  void fill_lane(std::size_t group, std::size_t lane, const Subaperture& lenslet);
  void check(std::span<const SubExposure> exposure, std::span<float> frame) const;
  void refuse_bad_phases(std::span<const SubExposure> exposure, std::size_t first,
                         std::size_t last) const;

  ShackHartmannSetup setup;
  InstructionSet set;
  std::vector<Subaperture> lenslets;
  std::vector<std::size_t> first_of_row;  ///< lenslets + 1 indices into `lenslets`
  std::vector<float> cosine, sine, frequency;
  AlignedFloats amplitude;  ///< [group][sample][lane]
  AlignedFloats statics;    ///< the same [rad]; empty where all spots are in the middle
  std::vector<detail::LensletGroup> groups;
  detail::SpotOptics optics{};
  Run run = nullptr;
};

ShackHartmann::Tables::Tables(const ShackHartmannSetup& given, InstructionSet chosen)
    : setup(given), set(chosen) {
  lenslets = simulators::subapertures(setup.pupil, setup.lenslets, setup.least_illumination);
  simulators::check(setup);
  if (setup.oversampling == 0) setup.oversampling = enough_oversampling(setup);
  optics.samples = setup.pupil.side / setup.lenslets;
  optics.oversampling = setup.oversampling;
  optics.points = setup.layout.window * setup.oversampling;
  optics.phase_stride = setup.pupil.side;
  optics.pixel_stride = setup.layout.width;
  optics.radians_per_metre = static_cast<float>(radians_per_metre(setup.wavelength));
  optics.background = static_cast<float>(setup.background);
  build_transform();
  build_groups();
  run = kernel_for({optics.samples, optics.points, optics.oversampling});
}

void ShackHartmann::Tables::build_transform() {
  const std::size_t half = (samples() + 1) / 2;
  const std::size_t first = optics.points / 2;                               // that is not negative
  const double cycles = setup.pixel_scale * setup.pitch / setup.wavelength;  // a pixel
  const detail::Quadrature inside = detail::gauss_legendre(setup.oversampling);
  // Parseval: over one cycle along x and y the light sums to that of the samples. A point stands
  // for cycles^2 of it times both weights, and each of the two transforms takes a factor's root.
  const double scale = std::sqrt(cycles * std::sqrt(setup.photons / lit_area(setup.pupil)));
  for (std::size_t u = 0; u < optics.points; ++u) {
    const std::size_t k = u % setup.oversampling;
    const double at =
        cycles * (from_axis(u / setup.oversampling, setup.layout.window) + inside.points[k]);
    if (setup.sample == PhaseSample::tile) frequency.push_back(static_cast<float>(at));
    if (u < first) continue;
    const double weighted = scale * std::sqrt(inside.weights[k]);
    for (std::size_t x = samples() - half; x < samples(); ++x) {
      const double angle = 2 * std::numbers::pi * at * from_axis(x, samples());
      cosine.push_back(static_cast<float>(weighted * std::cos(angle)));
      sine.push_back(static_cast<float>(weighted * std::sin(angle)));
    }
  }
  optics.cosine = cosine.data();
  optics.sine = sine.data();
  if (setup.sample == PhaseSample::tile) optics.frequency = frequency.data();
}

void ShackHartmann::Tables::build_groups() {
  const SpotLayout& layout = setup.layout;
  std::vector<bool> taken(layout.width * layout.height);
  bool moved = false;
  first_of_row.assign(setup.lenslets + 1, 0);
  for (const Subaperture& lenslet : lenslets) {
    const Window window =
        window_of(layout.centres[lenslet.y * setup.lenslets + lenslet.x], layout.window);
    place(layout, lenslet, window, taken);
    moved = moved || std::abs(window.rest_x) > 1e-9 || std::abs(window.rest_y) > 1e-9;
    ++first_of_row[lenslet.y + 1];
  }
  for (std::size_t row = 0; row < setup.lenslets; ++row) first_of_row[row + 1] += first_of_row[row];
  groups.resize((lenslets.size() + kLanes - 1) / kLanes);
  amplitude.resize(groups.size() * group_floats());
  if (moved) statics.resize(amplitude.size());
  for (std::size_t i = 0; i < groups.size() * kLanes; ++i)
    fill_lane(i / kLanes, i % kLanes, lenslets[std::min(i, lenslets.size() - 1)]);
}

void ShackHartmann::Tables::fill_lane(std::size_t group, std::size_t lane,
                                      const Subaperture& lenslet) {
  const Window window =
      window_of(setup.layout.centres[lenslet.y * setup.lenslets + lenslet.x], setup.layout.window);
  groups[group].pixel_at[lane] = static_cast<std::uint32_t>(
      static_cast<std::size_t>(window.y) * setup.layout.width + static_cast<std::size_t>(window.x));
  const std::size_t x0 = lenslet.x * samples();
  const std::size_t y0 = lenslet.y * samples();
  groups[group].phase_at[lane] = static_cast<std::uint32_t>(y0 * setup.pupil.side + x0);
  const double step = 2 * std::numbers::pi * setup.pixel_scale * setup.pitch / setup.wavelength;
  const double axis = static_cast<double>(samples() - 1) / 2;
  for (std::size_t y = 0; y < samples(); ++y)
    for (std::size_t x = 0; x < samples(); ++x) {
      const std::size_t to = group * group_floats() + (y * samples() + x) * kLanes + lane;
      amplitude[to] = std::sqrt(setup.pupil.at(x0 + x, y0 + y));
      if (!statics.empty())
        statics[to] = static_cast<float>(step * (window.rest_x * (static_cast<double>(x) - axis) +
                                                 window.rest_y * (static_cast<double>(y) - axis)));
    }
}

/// Of `SpotBuffers`, in its order.
std::array<std::size_t, 7> ShackHartmann::Tables::buffer_floats() const {
  const std::size_t half = (samples() + 1) / 2;
  const std::size_t pixels = setup.layout.window;
  return {group_floats(),           group_floats(),    group_floats(),
          8 * half * half * kLanes, 8 * half * kLanes, 2 * optics.points * kLanes,
          pixels * pixels * kLanes};
}

void ShackHartmann::Tables::check(std::span<const SubExposure> exposure,
                                  std::span<float> frame) const {
  if (exposure.empty()) refuse("an exposure without a wavefront; at least one");
  for (const SubExposure& part : exposure) {
    if (!part.wavefront) refuse("a sub-exposure's wavefront is null");
    if (part.wavefront->side() != setup.pupil.side ||
        std::abs(part.wavefront->pitch() / setup.pitch - 1) > 1e-6)
      refuse("a wavefront of " + std::to_string(part.wavefront->side()) + " samples of " +
             std::to_string(part.wavefront->pitch()) + " m a side; the pupil has " +
             std::to_string(setup.pupil.side) + " of " + std::to_string(setup.pitch) + " m");
    if (!(part.part >= 0) || !std::isfinite(part.part))
      refuse("a sub-exposure's part is " + std::to_string(part.part) + "; a number >= 0");
  }
  if (frame.size() != setup.layout.width * setup.layout.height)
    refuse("a frame of " + std::to_string(frame.size()) + " pixels; the detector has " +
           std::to_string(setup.layout.width) + " x " + std::to_string(setup.layout.height));
}

/// The kernel flags a whole group, of which other lenslets may not be of this call.
void ShackHartmann::Tables::refuse_bad_phases(std::span<const SubExposure> exposure,
                                              std::size_t first, std::size_t last) const {
  for (std::size_t i = first; i < last; ++i)
    for (std::size_t y = lenslets[i].y * samples(); y < (lenslets[i].y + 1) * samples(); ++y)
      for (std::size_t x = lenslets[i].x * samples(); x < (lenslets[i].x + 1) * samples(); ++x)
        for (const SubExposure& part : exposure) {
          const float opd = part.wavefront->at(x, y);
          if (setup.pupil.at(x, y) == 0) continue;
          if (std::abs(opd) * optics.radians_per_metre < kMostPhase) continue;
          throw std::domain_error("ShackHartmann: the wavefront at sample " + at(x, y) +
                                  " (lenslet " + at(lenslets[i].x, lenslets[i].y) + ") is " +
                                  std::to_string(opd) + " m; a number of at most 10^5 rad");
        }
}

ShackHartmann::ShackHartmann(const ShackHartmannSetup& setup, InstructionSet set)
    : tables_(std::make_unique<const Tables>(setup, set)) {}
ShackHartmann::~ShackHartmann() = default;
ShackHartmann::ShackHartmann(ShackHartmann&&) noexcept = default;
ShackHartmann& ShackHartmann::operator=(ShackHartmann&&) noexcept = default;

const ShackHartmannSetup& ShackHartmann::setup() const { return tables_->setup; }
std::span<const Subaperture> ShackHartmann::subapertures() const { return tables_->lenslets; }
std::size_t ShackHartmann::pixels() const {
  return tables_->setup.layout.width * tables_->setup.layout.height;
}

ShackHartmann::Workspace ShackHartmann::make_workspace() const {
  return Workspace(tables_->workspace_floats());
}

void ShackHartmann::fill_background(std::span<float> frame) const {
  if (frame.size() != pixels())
    refuse("a frame of " + std::to_string(frame.size()) + " pixels; the detector has " +
           std::to_string(pixels()));
  std::fill(frame.begin(), frame.end(), tables_->optics.background);
}

void ShackHartmann::render(std::span<const SubExposure> exposure, std::span<float> frame,
                           Workspace& workspace) const {
  fill_background(frame);
  render_rows(exposure, 0, tables_->setup.lenslets, frame, workspace);
}

void ShackHartmann::render_rows(std::span<const SubExposure> exposure, std::size_t first,
                                std::size_t last, std::span<float> frame,
                                Workspace& workspace) const {
  const Tables& t = *tables_;
  t.check(exposure, frame);
  if (first > last || last > t.setup.lenslets)
    refuse("lenslet rows " + std::to_string(first) + " to " + std::to_string(last) + " of " +
           std::to_string(t.setup.lenslets));
  if (workspace.memory.size() != t.workspace_floats())
    refuse("the workspace of another sensor; one from make_workspace() of this one");
  std::array<float*, 7> buffer{};
  float* next = workspace.memory.data();
  const auto sizes = t.buffer_floats();
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    buffer[i] = next;
    next += sizes[i];
  }
  const detail::SpotBuffers buffers{buffer[0], buffer[1], buffer[2], buffer[3],
                                    buffer[4], buffer[5], buffer[6]};
  const std::size_t begin = t.first_of_row[first];
  const std::size_t end = t.first_of_row[last];
  bool fine = true;
  for (std::size_t group = begin / kLanes; group * kLanes < end; ++group) {
    const std::size_t lane0 = group * kLanes;
    const std::size_t from = std::max(begin, lane0) - lane0;
    const std::size_t to = std::min(end, lane0 + kLanes) - lane0;
    t.run(t.set, &t.optics, &buffers, &t.groups[group],
          t.amplitude.data() + group * t.group_floats(),
          t.statics.empty() ? nullptr : t.statics.data() + group * t.group_floats(),
          exposure.data(), exposure.size(), from, to, kMostPhase, frame.data(), &fine);
  }
  if (!fine) t.refuse_bad_phases(exposure, begin, end);
}

}  // namespace daohil::simulators
