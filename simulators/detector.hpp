#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "simulators/instruction_set.hpp"
#include "simulators/photon_noise.hpp"
#include "simulators/shutter.hpp"

namespace daohil::simulators {

/// A pixel that is not like the others, by its place in the frame that is read out.
struct BadPixel {
  enum class Kind : std::uint8_t {
    dead,   ///< no response to light; dark current and noise as the others
    hot,    ///< `value` e-/s of dark current more
    stuck,  ///< always `value` ADU
  };
  std::size_t row = 0;
  std::size_t column = 0;
  Kind kind = Kind::dead;
  double value = 0;
};

/// Which way the charge of a frame-transfer detector leaves the light.
enum class FrameTransfer : std::uint8_t {
  none,    ///< no smear
  whole,   ///< all rows through all rows of the frame
  halves,  ///< the two halves of the rows apart, as in a split frame-transfer CCD
};

/// Everything about a detector, in the units of data sheets. Electrons are photo-electrons in the
/// pixel unless "behind the gain" is said.
struct DetectorSettings {
  std::size_t rows = 0;     ///< of the frame that is read out
  std::size_t columns = 0;  ///< of the frame that is read out
  std::size_t binning = 1;  ///< pixels added up as charge before they are read, in both directions
  std::uint64_t seed = 0;

  RowTiming timing() const { return {shutter, rows, exposure, row_time}; }
  std::chrono::nanoseconds exposure{1'000'000};
  Shutter shutter = Shutter::global;
  std::chrono::nanoseconds row_time{0};  ///< rolling shutters
  FrameTransfer frame_transfer = FrameTransfer::none;
  std::chrono::nanoseconds row_transfer{0};  ///< time for moving the frame on by one row: smear

  double quantum_efficiency = 1;      ///< electrons per photon, 0 to 1
  double response_nonuniformity = 0;  ///< PRNU: rms of the pixels' relative response, 0 to 0.3
  double dark_current = 0;            ///< e-/s of one pixel (before binning)
  double clock_induced_charge = 0;    ///< e- per frame and pixel that is read, before the gain
  double full_well = 1e6;             ///< e- that a pixel holds, or binned ones together
  std::optional<AvalancheGain> gain;
  double output_full_well = 1e9;  ///< e- behind the gain that the output takes
  double read_noise = 0;          ///< e- rms behind the gain
  double electrons_per_adu = 1;   ///< K: e- behind the gain
  double bias = 0;                ///< ADU
  int bits = 16;                  ///< of the converter, 1 to 16: values 0 .. 2^bits - 1

  std::vector<BadPixel> bad_pixels;
  double cosmic_ray_rate = 0;       ///< hits per second on the whole frame
  double cosmic_ray_charge = 1000;  ///< e- in each pixel that a hit crosses
  double cosmic_ray_track = 3;      ///< mean length of its track, pixels (exponential)
};

/// @name Detectors to start from
/// Typical of their kind, 240 x 240 pixels unless said; the camera that a value is taken from
/// stands beside it. Change what you know better.
/// @{
[[nodiscard]] DetectorSettings cmos_detector();
[[nodiscard]] DetectorSettings emccd_detector();
[[nodiscard]] DetectorSettings eapd_detector();
[[nodiscard]] DetectorSettings ingaas_detector();
/// @}

/// What all rows of one frame share, and the memory for it. Made by Detector::begin.
class Exposure {
  friend class Detector;
  struct Hit {
    std::size_t pixel;
    float electrons;
  };

  std::span<const float> photons_;
  std::uint64_t frame_ = 0;
  std::vector<float> smear_;  ///< photons of a whole column, once or for both halves
  std::vector<Hit> hits_;     ///< by pixel
};

/// Rows first .. last - 1.
struct Rows {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Photons in, pixels out:
///
///   electrons = Poisson(QE response photons + smear + dark exposure + CIC) + cosmic rays,
///   binned once, at most full_well
///   charge    = electrons, or gamma(electrons) behind the gain, at most output_full_well
///   ADU       = round(charge / K + bias + N(0, read_noise / K)), clipped to 0 .. 2^bits - 1
///
/// (Janesick 2001, Scientific Charge-Coupled Devices, ch. 2; for the gain see photon_noise.hpp.)
/// A frame is a pure function of settings, photons and frame number: neither threads, their number,
/// the order of frames nor the instruction set change a bit of it.
class Detector {
 public:
  /// @throws std::invalid_argument naming the setting, its value and what it may be
  explicit Detector(const DetectorSettings& settings,
                    InstructionSet set = widest_instruction_set());

  [[nodiscard]] const DetectorSettings& settings() const noexcept { return settings_; }

  /// Pixels of a frame that is read out: rows x columns.
  [[nodiscard]] std::size_t pixels() const noexcept { return settings_.rows * settings_.columns; }

  /// Elements of an image of photons: (rows binning) x (columns binning), row-major.
  [[nodiscard]] std::size_t photon_elements() const noexcept {
    return pixels() * settings_.binning * settings_.binning;
  }

  /// One frame by the calling thread.
  /// @param photons expected photons per pixel during the exposure, photon_elements() long. What is
  /// negative, infinite or NaN counts as 0 and is counted
  /// @param out pixels() long; 8-bit pixels need bits <= 8
  /// @return how many photons were none
  /// @throws std::invalid_argument for another length or 8-bit pixels with more than 8 bits
  std::size_t expose(std::span<const float> photons, std::uint64_t frame,
                     std::span<std::uint16_t> out);
  std::size_t expose(std::span<const float> photons, std::uint64_t frame,
                     std::span<std::uint8_t> out);

  /// The same by any number of threads: begin() once, then read_rows() of disjoint rows by each,
  /// and the photons must outlive them. begin() allocates in the first frames only.
  void begin(std::span<const float> photons, std::uint64_t frame, Exposure& exposure) const;
  std::size_t read_rows(const Exposure& exposure, Rows rows, std::span<std::uint16_t> out) const;
  std::size_t read_rows(const Exposure& exposure, Rows rows, std::span<std::uint8_t> out) const;

 private:
  struct Segment;

  template <class Value>
  std::size_t expose_as(std::span<const float> photons, std::uint64_t frame, std::span<Value> out);
  template <class Value>
  std::size_t read_rows_as(const Exposure& exposure, Rows rows, std::span<Value> out) const;
  void add_smear(Exposure& exposure) const;
  void add_cosmic_rays(Exposure& exposure) const;
  std::size_t collect(const Exposure& exposure, const Segment& segment,
                      std::span<float> means) const;
  void add_hits(const Exposure& exposure, const Segment& segment, std::span<float> electrons) const;

  DetectorSettings settings_;
  InstructionSet set_;
  ReadOut read_out_;
  float background_ = 0;           ///< electrons of dark current and clock-induced charge
  std::vector<float> response_;    ///< of the pixels before binning, QE included; empty: all alike
  std::vector<BadPixel> special_;  ///< by place
  Exposure own_;
};

}  // namespace daohil::simulators
