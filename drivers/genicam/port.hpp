#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace daohil::drivers::genicam {

/// The registers of a device, as its description addresses them.
class Port {
 public:
  virtual ~Port() = default;
  /// @throws drivers::Error
  virtual void read(std::uint64_t address, std::span<std::byte> into) = 0;
  virtual void write(std::uint64_t address, std::span<const std::byte> bytes) = 0;
};

}  // namespace daohil::drivers::genicam
