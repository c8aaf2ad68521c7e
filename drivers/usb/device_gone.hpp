#pragma once

#include "drivers/error.hpp"

namespace daohil::drivers::usb {

/// The device was unplugged, or lost its power, during a call.
class DeviceGone : public Error {
 public:
  using Error::Error;
};

}  // namespace daohil::drivers::usb
