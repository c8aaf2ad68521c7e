#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "simulators/instruction_set.hpp"

namespace daohil::simulators {

/// What random numbers are for: each use has its own sequence, so that switching one effect on or
/// off leaves all others as they were. Numbers are part of every simulated frame: never change or
/// reuse one.
enum class Stream : std::uint16_t {
  phase_screen = 1,     ///< white noise that becomes a turbulent layer
  boiling = 2,          ///< its renewal
  vibration = 3,        ///< tip and tilt lines
  mirror = 4,           ///< actuators
  optics = 5,           ///< wavefront sensors
  detector = 16,        ///< photon, gain and read noise of a row
  pixel_response = 17,  ///< fixed pattern
  cosmic_rays = 18,     ///< number, place, charge
  test = 0xFFFF,
};

/// Random numbers by name instead of by turn: each is a pure function of (seed, stream, part,
/// frame, index) and of nothing else, so frames are the same whatever the thread count, the order
/// of the calls and the instruction set. Philox4x32-10 (Salmon et al. 2011, SC11), the seed being
/// the key. Different names give different counters of one bijection, so no two sequences overlap.
///
/// Use one (stream, part) for one kind of number: uniform() and normal() of the same name are made
/// of the same bits. Immutable; safe from any thread.
class Random {
 public:
  /// @param part distinguishes equals, such as the layers of an atmosphere
  constexpr Random(std::uint64_t seed, Stream stream, std::uint16_t part = 0) noexcept
      : seed_(seed),
        stream_(static_cast<std::uint32_t>(stream) << 16 | static_cast<std::uint32_t>(part)) {}

  /// 128 random bits.
  [[nodiscard]] std::array<std::uint32_t, 4> words(std::uint64_t frame,
                                                   std::uint32_t index) const noexcept;

  /// Uniform in [0, 1), a multiple of 2^-53.
  [[nodiscard]] double uniform(std::uint64_t frame, std::uint32_t index) const noexcept;

  /// Standard normal (Box-Muller in float: |z| <= 6.66).
  [[nodiscard]] float normal(std::uint64_t frame, std::uint32_t index) const noexcept;

  /// out[i] = normal(frame, i), some 50 times as fast. At most 2^32 numbers.
  void normals(std::uint64_t frame, std::span<float> out,
               InstructionSet set = widest_instruction_set()) const noexcept;

 private:
  std::uint64_t seed_;
  std::uint32_t stream_;
};

}  // namespace daohil::simulators
