#include "simulators/devices/register_map.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>

namespace daohil::simulators::devices {

void RegisterMap::add(std::uint64_t address, std::size_t bytes, Access access,
                      std::function<void()> on_write) {
  regions_.push_back({address, std::vector<std::byte>(bytes), access, std::move(on_write)});
}

void RegisterMap::add_text(std::uint64_t address, std::size_t bytes, std::string_view text,
                           Access access) {
  add(address, bytes, access);
  set_bytes(address, std::as_bytes(std::span(text.substr(0, bytes))));
}

const RegisterMap::Region* RegisterMap::find(std::uint64_t address, std::size_t bytes) const {
  for (const Region& region : regions_)
    if (address >= region.address && address - region.address < region.bytes.size() &&
        bytes <= region.bytes.size() - (address - region.address))
      return &region;
  return nullptr;
}

RegisterMap::Region& RegisterMap::need(std::uint64_t address, std::size_t bytes) {
  const Region* region = find(address, bytes);
  if (region == nullptr) throw std::logic_error("the device has no such register");
  return *const_cast<Region*>(region);
}

RegisterMap::Result RegisterMap::read(std::uint64_t address, std::span<std::byte> into) const {
  // A read may run over neighbouring regions: hosts fetch whole tables at once.
  while (!into.empty()) {
    const Region* region = find(address, 1);
    if (region == nullptr) return Result::invalid_address;
    const std::size_t at = address - region->address;
    const std::size_t count = std::min(into.size(), region->bytes.size() - at);
    std::copy_n(region->bytes.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
    into = into.subspan(count);
    address += count;
  }
  return Result::ok;
}

RegisterMap::Result RegisterMap::write(std::uint64_t address, std::span<const std::byte> bytes) {
  if (find(address, bytes.size()) == nullptr) return Result::invalid_address;
  Region& region = need(address, bytes.size());
  if (region.access == Access::read_only) return Result::write_protected;
  set_bytes(address, bytes);
  if (region.on_write) region.on_write();
  return Result::ok;
}

void RegisterMap::set_bytes(std::uint64_t address, std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  Region& region = need(address, bytes.size());
  std::copy(bytes.begin(), bytes.end(),
            region.bytes.begin() + static_cast<std::ptrdiff_t>(address - region.address));
}

void RegisterMap::set(std::uint64_t address, std::uint64_t value, unsigned bytes) {
  Region& region = need(address, bytes);
  for (unsigned i = 0; i < bytes; ++i)
    region.bytes[address - region.address + i] =
        static_cast<std::byte>((value >> (8U * i)) & 0xFFU);
}

std::uint64_t RegisterMap::get(std::uint64_t address, unsigned bytes) const {
  const Region* region = find(address, bytes);
  if (region == nullptr) throw std::logic_error("the device has no such register");
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= std::to_integer<std::uint64_t>(region->bytes[address - region->address + i])
             << (8U * i);
  return value;
}

void RegisterMap::set_double(std::uint64_t address, double value) {
  set(address, std::bit_cast<std::uint64_t>(value), 8);
}

double RegisterMap::get_double(std::uint64_t address) const {
  return std::bit_cast<double>(get(address, 8));
}

}  // namespace daohil::simulators::devices
