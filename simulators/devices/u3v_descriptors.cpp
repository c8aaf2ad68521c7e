#include "simulators/devices/u3v_descriptors.hpp"

#include <cstdio>
#include <functional>
#include <initializer_list>
#include <string>

namespace daohil::simulators::devices {
namespace {

// String indices, in the order of the list at the end of this file.
enum : unsigned { kNone, kVendor, kModel, kSerial, kGuid, kFamily, kVersion, kInfo, kUserName };

void append(std::vector<std::byte>& bytes, std::initializer_list<unsigned> values) {
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
}

unsigned low(unsigned value) { return value & 0xFFU; }
unsigned high(unsigned value) { return value >> 8U & 0xFFU; }

void append_endpoint(std::vector<std::byte>& bytes, unsigned address, unsigned burst) {
  append(bytes, {7, 0x05, address, 0x02, low(u3v::kPacket), high(u3v::kPacket), 0});
  append(bytes, {6, 0x30, burst, 0, 0, 0});  // SuperSpeed endpoint companion
}

void append_interface(std::vector<std::byte>& bytes, unsigned number, unsigned endpoints,
                      unsigned protocol) {
  append(bytes, {9, 0x04, number, 0, endpoints, 0xEF, 0x05, protocol, 0});
}

std::vector<std::byte> configuration() {
  std::vector<std::byte> bytes;
  append(bytes, {9, 0x02, 0, 0, 2, 1, 0, 0x80, 112});
  append(bytes, {8, 0x0B, 0, 2, 0xEF, 0x05, 0, 0});  // interface association
  append_interface(bytes, 0, 2, 0);
  append(bytes, {20, 0x24,  0x01,    0,      0,       1,        0,     0,       0,         1,
                 0,  kGuid, kVendor, kModel, kFamily, kVersion, kInfo, kSerial, kUserName, 0x08});
  append_endpoint(bytes, u3v::kCommandOut, 0);
  append_endpoint(bytes, u3v::kAckIn, 0);
  append_interface(bytes, 1, 1, 2);
  append_endpoint(bytes, u3v::kStreamIn, 15);
  bytes[2] = static_cast<std::byte>(low(static_cast<unsigned>(bytes.size())));
  bytes[3] = static_cast<std::byte>(high(static_cast<unsigned>(bytes.size())));
  return bytes;
}

// Vendor id, then eight characters of the unit.
std::string guid(const U3vModel& model) {
  char text[13];
  const auto unit = static_cast<unsigned>(std::hash<std::string>{}(model.serial) & 0xFFFFFFFFU);
  std::snprintf(text, sizeof text, "%04X%08X", model.vendor_id, unit);
  return text;
}

}  // namespace

Descriptors u3v_descriptors(const U3vModel& model) {
  Descriptors all;
  append(all.device,
         {18, 0x01, 0x20, 0x03, 0xEF, 0x02, 0x01, 9, low(model.vendor_id), high(model.vendor_id),
          low(model.product_id), high(model.product_id), 0, 1, kVendor, kModel, kSerial, 1});
  all.configuration = configuration();
  append(all.bos, {5, 0x0F, 22, 0, 2});
  append(all.bos, {7, 0x10, 0x02, 0x02, 0, 0, 0});
  append(all.bos, {10, 0x10, 0x03, 0, 0x0E, 0, 3, 10, 0xFF, 0x07});
  all.strings = {model.vendor, model.model,   model.serial,   guid(model),
                 model.family, model.version, "a simulation", ""};
  return all;
}

}  // namespace daohil::simulators::devices
