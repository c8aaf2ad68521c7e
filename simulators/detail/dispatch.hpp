#pragma once

#include "simulators/instruction_set.hpp"

/// One kernel, compiled for every instruction set, chosen when it is called.
///
/// A kernel is a struct with one function that must be inlined into each of the three, so that its
/// vectors become the registers of that instruction set:
///
///     struct Scale {
///       DAO_HIL_INLINE static void run(const float* in, float* out, std::size_t n, float by);
///     };
///     detail::dispatch<Scale>(set, in, out, n, by);
///
/// What a kernel calls must be DAO_HIL_INLINE too, or it is compiled for the generic set only (a
/// loss of speed, never of correctness: code of a wide set cannot leak into the others this way,
/// as it can when whole files are compiled with -mavx2).
#define DAO_HIL_INLINE [[gnu::always_inline]] inline

namespace daohil::simulators::detail {

template <class Kernel, class... Arguments>
void run_generic(Arguments... arguments) {
  Kernel::run(arguments...);
}

#if defined(__x86_64__)
template <class Kernel, class... Arguments>
[[gnu::target("avx2,prefer-vector-width=256")]] void run_avx2(Arguments... arguments) {
  Kernel::run(arguments...);
}

template <class Kernel, class... Arguments>
[[gnu::target("avx2,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")]] void run_avx512(
    Arguments... arguments) {
  Kernel::run(arguments...);
}
#endif

/// Runs `Kernel` with the instructions of `set`, which the processor must have
/// (`widest_instruction_set()` tells). Arguments are passed by value: pointers, sizes, numbers.
template <class Kernel, class... Arguments>
void dispatch(InstructionSet set, Arguments... arguments) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) return run_avx512<Kernel>(arguments...);
  if (set == InstructionSet::avx2) return run_avx2<Kernel>(arguments...);
#endif
  (void)set;
  run_generic<Kernel>(arguments...);
}

/// The same for a kernel that is a template of the lanes of one register (32 bits each): 4, 8, 16.
///
///     template <std::size_t lanes>
///     struct Scale { DAO_HIL_INLINE static void run(...); };
///     detail::dispatch_lanes<Scale>(set, in, out, n, by);
template <template <std::size_t> class Kernel, class... Arguments>
void dispatch_lanes(InstructionSet set, Arguments... arguments) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) return run_avx512<Kernel<16>>(arguments...);
  if (set == InstructionSet::avx2) return run_avx2<Kernel<8>>(arguments...);
#endif
  (void)set;
  run_generic<Kernel<4>>(arguments...);
}

}  // namespace daohil::simulators::detail
