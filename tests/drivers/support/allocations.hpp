#pragma once

#include <cstdint>

namespace daohil::drivers::test {

/// Calls of operator new in this process so far.
std::uint64_t allocations();

}  // namespace daohil::drivers::test
