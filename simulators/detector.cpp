#include "simulators/detector.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "simulators/detail/vector_math.hpp"

namespace daohil::simulators {
namespace {

/// Rows are worked on in pieces that stay in the first-level cache, whole blocks of the noise
/// kernels; with binning a piece has fewer pixels, from as many of the detector's.
constexpr std::size_t kPiece = 512;
constexpr std::size_t kBlock = 32;
constexpr std::size_t kMaxBinning = kPiece / kBlock;

/// sum[i] += response * photons for what is a number of photons.
template <std::size_t lanes>
struct AddLight {
  using Floats = typename detail::Lanes<lanes>::Floats;
  using Ints = typename detail::Lanes<lanes>::Ints;

  DAO_HIL_INLINE static void run(const float* photons, const float* response, float all_alike,
                                 float* sum, std::size_t n, std::size_t* invalid) {
    constexpr float kLargest = std::numeric_limits<float>::max();
    Ints bad{};
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
      const auto light = detail::load<Floats>(photons + i);
      const Ints good = (light >= 0.0F) & (light <= kLargest);
      const Floats factor =
          response != nullptr ? detail::load<Floats>(response + i) : detail::all<Floats>(all_alike);
      const Floats electrons = good ? light * factor : Floats{};
      detail::store(detail::load<Floats>(sum + i) + electrons, sum + i);
      bad -= ~good;
    }
    for (std::size_t lane = 0; lane < lanes; ++lane)
      *invalid += static_cast<std::size_t>(bad[lane]);
    for (; i < n; ++i) {
      const float light = photons[i];
      if (light >= 0.0F && light <= kLargest)
        sum[i] += light * (response != nullptr ? response[i] : all_alike);
      else
        ++*invalid;
    }
  }
};

/// A requirement on one setting.
void require(bool holds, std::string_view setting, double value, std::string_view rule) {
  if (holds) return;
  std::ostringstream text;
  text << "detector: " << setting << " = " << value << ": " << rule;
  throw std::invalid_argument(text.str());
}

void require_from_0(std::string_view setting, double value, double largest) {
  std::ostringstream rule;
  rule << "must be 0 to " << largest;
  require(value >= 0 && value <= largest, setting, value, rule.str());
}

void require_positive(std::string_view setting, double value, double largest) {
  std::ostringstream rule;
  rule << "must be above 0 and at most " << largest;
  require(value > 0 && value <= largest, setting, value, rule.str());
}

double seconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) * 1e-9; }

void check_bad_pixel(const DetectorSettings& s, const BadPixel& pixel) {
  require(pixel.row < s.rows, "bad pixel's row", static_cast<double>(pixel.row),
          "outside of the frame");
  require(pixel.column < s.columns, "bad pixel's column", static_cast<double>(pixel.column),
          "outside of the frame");
  if (pixel.kind == BadPixel::Kind::hot) require_from_0("hot pixel's e-/s", pixel.value, 1e9);
  if (pixel.kind == BadPixel::Kind::stuck)
    require_from_0("stuck pixel's ADU", pixel.value, std::pow(2.0, s.bits) - 1);
}

void check(const DetectorSettings& s) {
  constexpr double kLargestSide = 1 << 16;
  require_positive("rows", static_cast<double>(s.rows), kLargestSide);
  require_positive("columns", static_cast<double>(s.columns), kLargestSide);
  require_positive("binning", static_cast<double>(s.binning), kMaxBinning);
  require_positive("exposure [s]", seconds(s.exposure), 1e5);
  require_from_0("row_time [s]", seconds(s.row_time), 1);
  require_from_0("row_transfer [s]", seconds(s.row_transfer), seconds(s.exposure));
  require_from_0("quantum_efficiency", s.quantum_efficiency, 1);
  require_from_0("response_nonuniformity", s.response_nonuniformity, 0.3);
  require_from_0("dark_current [e-/s]", s.dark_current, 1e9);
  require_from_0("clock_induced_charge [e-]", s.clock_induced_charge, 1e6);
  require_positive("full_well [e-]", s.full_well, 1e6);
  require_positive("output_full_well [e-]", s.output_full_well, 1e9);
  require_from_0("read_noise [e-]", s.read_noise, 1e6);
  require_positive("electrons_per_adu", s.electrons_per_adu, 1e6);
  require_from_0("bias [ADU]", s.bias, 65535);
  require(s.bits >= 1 && s.bits <= 16, "bits", s.bits, "must be 1 to 16");
  require_from_0("cosmic_ray_rate [1/s]", s.cosmic_ray_rate, 1e6);
  require_from_0("cosmic_ray_charge [e-]", s.cosmic_ray_charge, 1e6);
  require_from_0("cosmic_ray_track [pixels]", s.cosmic_ray_track, 1e4);
  for (const BadPixel& pixel : s.bad_pixels) check_bad_pixel(s, pixel);
}

std::vector<float> make_response(const DetectorSettings& s) {
  if (s.response_nonuniformity == 0) return {};
  std::vector<float> response(s.rows * s.columns * s.binning * s.binning);
  Random(s.seed, Stream::pixel_response).normals(0, response);
  const auto qe = static_cast<float>(s.quantum_efficiency);
  const auto spread = static_cast<float>(s.response_nonuniformity);
  for (float& value : response) value = qe * std::max(1.0F + spread * value, 0.0F);
  return response;
}

ReadOut make_read_out(const DetectorSettings& s) {
  ReadOut how;
  how.electrons_per_adu = static_cast<float>(s.electrons_per_adu);
  how.bias = static_cast<float>(s.bias);
  how.noise = static_cast<float>(s.read_noise / s.electrons_per_adu);
  how.full_well =
      static_cast<float>(s.gain ? s.output_full_well : std::min(s.full_well, s.output_full_well));
  how.maximum = static_cast<float>((1 << s.bits) - 1);
  return how;
}

bool before(const BadPixel& a, const BadPixel& b) {
  return a.row != b.row ? a.row < b.row : a.column < b.column;
}

std::invalid_argument wrong_length(std::string_view what, std::size_t is, std::size_t must_be) {
  std::ostringstream text;
  text << "detector: " << what << " of " << is << " elements, must be " << must_be;
  return std::invalid_argument(text.str());
}

}  // namespace

/// Some pixels of a row, a piece or less.
struct Detector::Segment {
  std::size_t row;
  std::size_t column;
  std::size_t count;

  std::size_t first_of(std::size_t columns) const { return row * columns + column; }
};

Detector::Detector(const DetectorSettings& settings, InstructionSet set)
    : settings_(settings), set_(set) {
  check(settings);
  read_out_ = make_read_out(settings);
  response_ = make_response(settings);
  const auto binned = static_cast<double>(settings.binning * settings.binning);
  background_ = static_cast<float>(settings.dark_current * seconds(settings.exposure) * binned +
                                   settings.clock_induced_charge);
  special_ = settings.bad_pixels;
  std::stable_sort(special_.begin(), special_.end(), before);
}

std::size_t Detector::expose(std::span<const float> photons, std::uint64_t frame,
                             std::span<std::uint16_t> out) {
  return expose_as(photons, frame, out);
}

std::size_t Detector::expose(std::span<const float> photons, std::uint64_t frame,
                             std::span<std::uint8_t> out) {
  return expose_as(photons, frame, out);
}

template <class Value>
std::size_t Detector::expose_as(std::span<const float> photons, std::uint64_t frame,
                                std::span<Value> out) {
  begin(photons, frame, own_);
  return read_rows_as(own_, {0, settings_.rows}, out);
}

void Detector::begin(std::span<const float> photons, std::uint64_t frame,
                     Exposure& exposure) const {
  if (photons.size() != photon_elements())
    throw wrong_length("an image of photons", photons.size(), photon_elements());
  exposure.photons_ = photons;
  exposure.frame_ = frame;
  add_smear(exposure);
  add_cosmic_rays(exposure);
}

/// A well that is moved on at an even pace passes every pixel of its column once a frame, before it
/// stops or after it has left, and collects row_transfer / exposure of the light of each.
void Detector::add_smear(Exposure& exposure) const {
  const DetectorSettings& s = settings_;
  exposure.smear_.clear();
  if (s.frame_transfer == FrameTransfer::none || s.row_transfer.count() == 0) return;
  const std::size_t parts = s.frame_transfer == FrameTransfer::halves ? 2 : 1;
  const std::size_t wide = s.columns * s.binning;
  std::vector<float>& sums = exposure.smear_;
  sums.assign(parts * wide, 0.0F);
  std::size_t not_counted_here = 0;
  for (std::size_t row = 0; row < s.rows * s.binning; ++row) {
    const bool upper = parts == 1 || row / s.binning < s.rows / 2;
    detail::dispatch_lanes<AddLight>(set_, exposure.photons_.data() + row * wide,
                                     static_cast<const float*>(nullptr),
                                     static_cast<float>(s.quantum_efficiency),
                                     sums.data() + (upper ? 0 : wide), wide, &not_counted_here);
  }
  // In place: what is written lies before all that is still to be read.
  const double time = seconds(s.row_transfer) / seconds(s.exposure);
  const auto share = static_cast<float>(time * static_cast<double>(s.binning));
  for (std::size_t i = 0; i < parts * s.columns; ++i) {
    float sum = 0;
    for (std::size_t k = 0; k < s.binning; ++k) sum += sums[i * s.binning + k];
    sums[i] = sum * share;
  }
}

void Detector::add_cosmic_rays(Exposure& exposure) const {
  const DetectorSettings& s = settings_;
  exposure.hits_.clear();
  if (s.cosmic_ray_rate == 0) return;
  float count = static_cast<float>(s.cosmic_ray_rate * seconds(s.exposure));
  RowNoise(Random(s.seed, Stream::cosmic_rays, 0), exposure.frame_, 0, set_).poisson({&count, 1});
  const Random random(s.seed, Stream::cosmic_rays, 1);
  for (std::uint32_t hit = 0; hit < static_cast<std::uint32_t>(count); ++hit) {
    const auto draw = [&](std::uint32_t k) { return random.uniform(exposure.frame_, 4 * hit + k); };
    double row = draw(0) * static_cast<double>(s.rows);
    double column = draw(1) * static_cast<double>(s.columns);
    const double angle = 2 * std::numbers::pi * draw(2);
    const double track = -s.cosmic_ray_track * std::log1p(-draw(3));
    for (double along = 0; along <= track; along += 1) {
      if (row < 0 || column < 0 || row >= static_cast<double>(s.rows) ||
          column >= static_cast<double>(s.columns))
        break;
      exposure.hits_.push_back(
          {static_cast<std::size_t>(row) * s.columns + static_cast<std::size_t>(column),
           static_cast<float>(s.cosmic_ray_charge)});
      row += std::sin(angle);
      column += std::cos(angle);
    }
  }
  std::stable_sort(exposure.hits_.begin(), exposure.hits_.end(),
                   [](const auto& a, const auto& b) { return a.pixel < b.pixel; });
}

/// Expected electrons of a segment's pixels.
std::size_t Detector::collect(const Exposure& exposure, const Segment& segment,
                              std::span<float> means) const {
  const DetectorSettings& s = settings_;
  std::array<float, kPiece> binned_light;
  const bool lower = s.frame_transfer == FrameTransfer::halves && segment.row >= s.rows / 2;
  const std::span<const float> smear =
      exposure.smear_.empty()
          ? std::span<const float>()
          : std::span(exposure.smear_).subspan((lower ? s.columns : 0) + segment.column);
  const auto dark = [&](std::size_t i) {
    return smear.empty() ? background_ : background_ + smear[i];
  };
  if (smear.empty())
    std::fill(means.begin(), means.end(), background_);
  else
    for (std::size_t i = 0; i < means.size(); ++i) means[i] = dark(i);

  const std::size_t wide = s.columns * s.binning;
  std::size_t invalid = 0;
  const bool binned = s.binning > 1;
  float* light = binned ? binned_light.data() : means.data();
  const std::size_t count = segment.count * s.binning;
  if (binned) std::fill_n(light, count, 0.0F);
  for (std::size_t k = 0; k < s.binning; ++k) {
    const std::size_t at = (segment.row * s.binning + k) * wide + segment.column * s.binning;
    detail::dispatch_lanes<AddLight>(
        set_, exposure.photons_.data() + at, response_.empty() ? nullptr : response_.data() + at,
        static_cast<float>(s.quantum_efficiency), light, count, &invalid);
  }
  if (binned)
    for (std::size_t i = 0; i < count; ++i) means[i / s.binning] += light[i];

  const BadPixel first = {segment.row, segment.column};
  const BadPixel last = {segment.row, segment.column + segment.count};
  for (auto at = std::lower_bound(special_.begin(), special_.end(), first, before);
       at != special_.end() && before(*at, last); ++at) {
    float& mean = means[at->column - segment.column];
    if (at->kind == BadPixel::Kind::dead) mean = dark(at->column - segment.column);
    if (at->kind == BadPixel::Kind::hot)
      mean += static_cast<float>(at->value * seconds(s.exposure));
  }
  return invalid;
}

void Detector::add_hits(const Exposure& exposure, const Segment& segment,
                        std::span<float> electrons) const {
  const std::size_t first = segment.first_of(settings_.columns);
  const auto from = std::lower_bound(
      exposure.hits_.begin(), exposure.hits_.end(), first,
      [](const Exposure::Hit& hit, std::size_t pixel) { return hit.pixel < pixel; });
  for (auto hit = from; hit != exposure.hits_.end() && hit->pixel < first + segment.count; ++hit)
    electrons[hit->pixel - first] += hit->electrons;
}

std::size_t Detector::read_rows(const Exposure& exposure, Rows rows,
                                std::span<std::uint16_t> out) const {
  return read_rows_as(exposure, rows, out);
}

std::size_t Detector::read_rows(const Exposure& exposure, Rows rows,
                                std::span<std::uint8_t> out) const {
  return read_rows_as(exposure, rows, out);
}

template <class Value>
std::size_t Detector::read_rows_as(const Exposure& exposure, Rows rows,
                                   std::span<Value> out) const {
  const DetectorSettings& s = settings_;
  if (out.size() != pixels()) throw wrong_length("a frame", out.size(), pixels());
  if (exposure.photons_.size() != photon_elements())
    throw wrong_length("an exposure", exposure.photons_.size(), photon_elements());
  if (rows.first > rows.last || rows.last > s.rows)
    throw std::invalid_argument("detector: rows " + std::to_string(rows.first) + " to " +
                                std::to_string(rows.last) + " of " + std::to_string(s.rows));
  if (sizeof(Value) == 1 && s.bits > 8)
    throw std::invalid_argument("detector: bits = " + std::to_string(s.bits) +
                                " do not fit pixels of 8 bits; take 16-bit pixels");
  const std::size_t piece = kPiece / s.binning / kBlock * kBlock;
  std::array<float, kPiece> buffer;  // not cleared: collect fills what is used
  std::size_t invalid = 0;
  for (std::size_t row = rows.first; row < rows.last; ++row) {
    RowNoise noise(Random(s.seed, Stream::detector), exposure.frame_,
                   static_cast<std::uint32_t>(row), set_);
    for (std::size_t column = 0; column < s.columns; column += piece) {
      const Segment segment = {row, column, std::min(piece, s.columns - column)};
      const auto line = std::span(buffer).first(segment.count);
      invalid += collect(exposure, segment, line);
      noise.poisson(line);
      add_hits(exposure, segment, line);
      if (s.gain) noise.multiply(line, *s.gain, static_cast<float>(s.full_well));
      noise.read(line, read_out_, out.subspan(segment.first_of(s.columns), segment.count));
    }
  }
  const BadPixel first = {rows.first, 0};
  for (auto at = std::lower_bound(special_.begin(), special_.end(), first, before);
       at != special_.end() && at->row < rows.last; ++at)
    if (at->kind == BadPixel::Kind::stuck)
      out[at->row * s.columns + at->column] = static_cast<Value>(at->value);
  return invalid;
}

}  // namespace daohil::simulators
