#pragma once

#include <cstdint>
#include <string_view>

namespace daohil::simulators {

/// The vector instructions a kernel is compiled for. Every level computes the same bits: kernels
/// are written in vectors of a fixed number of lanes, sum in a fixed order and the compiler may
/// not contract a product and a sum (-ffp-contract=off), so a frame does not tell which machine
/// made it.
enum class InstructionSet : std::uint8_t {
  generic,  ///< what every processor of the architecture has (SSE2, NEON)
  avx2,     ///< x86-64 with AVX2
  avx512,   ///< x86-64 with AVX-512 F, BW, DQ and VL
};

/// The widest one that this processor has. Thread-safe; asks the processor once.
[[nodiscard]] InstructionSet widest_instruction_set() noexcept;

/// "generic", "avx2" or "avx512".
[[nodiscard]] std::string_view name(InstructionSet set) noexcept;

}  // namespace daohil::simulators
