#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace daohil::simulators::devices {

/// The address space of a device: regions of bytes, little endian, with access rights and what a
/// write does. Reads and writes lie within one region.
class RegisterMap {
 public:
  enum class Access : std::uint8_t { read_only, read_write };
  enum class Result : std::uint8_t { ok, invalid_address, write_protected };

  /// @param on_write called after a write to the region took place
  void add(std::uint64_t address, std::size_t bytes, Access access,
           std::function<void()> on_write = {});
  void add_text(std::uint64_t address, std::size_t bytes, std::string_view text, Access access);

  [[nodiscard]] Result read(std::uint64_t address, std::span<std::byte> into) const;
  /// What a host may do.
  [[nodiscard]] Result write(std::uint64_t address, std::span<const std::byte> bytes);

  /// What the device itself does: any register, no consequences. The register must exist.
  void set(std::uint64_t address, std::uint64_t value, unsigned bytes = 4);
  [[nodiscard]] std::uint64_t get(std::uint64_t address, unsigned bytes = 4) const;
  void set_bytes(std::uint64_t address, std::span<const std::byte> bytes);
  void set_double(std::uint64_t address, double value);
  [[nodiscard]] double get_double(std::uint64_t address) const;

 private:
  struct Region {
    std::uint64_t address = 0;
    std::vector<std::byte> bytes;
    Access access = Access::read_only;
    std::function<void()> on_write;
  };

  [[nodiscard]] const Region* find(std::uint64_t address, std::size_t bytes) const;
  [[nodiscard]] Region& need(std::uint64_t address, std::size_t bytes);

  std::vector<Region> regions_;
};

}  // namespace daohil::simulators::devices
