#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace daohil::drivers::usb::test {

/// Bytes of a device written down field by field, with no code of the codec under test.
class Bytes {
 public:
  Bytes& u8(std::uint64_t value) { return number(value, 1); }
  Bytes& u16(std::uint64_t value) { return number(value, 2); }
  Bytes& u32(std::uint64_t value) { return number(value, 4); }
  Bytes& u64(std::uint64_t value) { return number(value, 8); }
  Bytes& text(std::string_view text, std::size_t field) {
    for (std::size_t i = 0; i < field; ++i)
      u8(i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
    return *this;
  }
  Bytes& zeros(std::size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  [[nodiscard]] std::vector<std::byte>& get() { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  Bytes& number(std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
      bytes_.push_back(static_cast<std::byte>((value >> (8U * i)) & 0xFFU));
    return *this;
  }

  std::vector<std::byte> bytes_;
};

}  // namespace daohil::drivers::usb::test
