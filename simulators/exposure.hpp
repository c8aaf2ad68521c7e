#pragma once

#include "simulators/phase.hpp"

namespace daohil::simulators {

/// A wavefront during a part of an exposure. Where a mirror moves inside of the exposure, the
/// wavefronts before and after it, with their parts of the time.
struct SubExposure {
  const Wavefront* wavefront = nullptr;
  double part = 1;  ///< of the exposure, >= 0; the parts of an exposure usually sum to 1
};

}  // namespace daohil::simulators
