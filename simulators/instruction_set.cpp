#include "simulators/instruction_set.hpp"

namespace daohil::simulators {

namespace {

InstructionSet ask_processor() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return InstructionSet::avx512;
  if (__builtin_cpu_supports("avx2")) return InstructionSet::avx2;
#endif
  return InstructionSet::generic;
}

}  // namespace

InstructionSet widest_instruction_set() noexcept {
  static const InstructionSet widest = ask_processor();
  return widest;
}

std::string_view name(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::generic:
      break;
  }
  return "generic";
}

}  // namespace daohil::simulators
