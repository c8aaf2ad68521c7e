#pragma once

namespace daohil::hil::plan::detail {

// Decimal mantissas times 10^12 and nanoseconds times millihertz: products that 64 bits cannot
// hold and that a double would round. GCC and Clang on 64-bit only.
__extension__ using uint128 = unsigned __int128;

}  // namespace daohil::hil::plan::detail
