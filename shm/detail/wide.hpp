#pragma once

namespace daohil::shm::detail {

// 128-bit products of sizes and of nanoseconds x millihertz cannot overflow, so that neither a
// lying file header nor a century-long run needs a special case. GCC and Clang on 64-bit only.
__extension__ using uint128 = unsigned __int128;

}  // namespace daohil::shm::detail
