#pragma once

#include <stdexcept>
#include <string>

namespace daohil::drivers {

/// A device cannot do what was asked: missing, wrong configuration, damaged file, misuse of its
/// states. The message names device, field, value and the way out, on one line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace daohil::drivers
