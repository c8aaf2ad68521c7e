#pragma once

#include <string>
#include <string_view>

namespace daohil::drivers::test {

/// A .npy file made by hand: magic, version, length, header text as given, data.
inline std::string npy_bytes(int version, std::string_view header, std::string_view data) {
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  const int length_bytes = version == 1 ? 2 : 4;
  for (int i = 0; i < length_bytes; ++i)
    bytes += static_cast<char>((header.size() >> (8 * i)) & 0xFFU);
  bytes += header;
  bytes += data;
  return bytes;
}

}  // namespace daohil::drivers::test
