#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace daohil::drivers {

/// What the header of a .npy file says, not yet checked against anything.
struct NpyHeader {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// Parse the header's text, a Python dictionary of exactly the keys descr, fortran_order, shape.
/// @throws std::invalid_argument saying what is wrong and at which byte
NpyHeader parse_npy_header(std::string_view text);

}  // namespace daohil::drivers
