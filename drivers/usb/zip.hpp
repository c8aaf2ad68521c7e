#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace daohil::drivers::usb {

/// The first file of a ZIP archive, stored or deflated (APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12,
/// 4.3.16): how cameras keep their descriptions. Its CRC is checked.
/// @param largest what is longer when unpacked is refused: a few bytes can claim gigabytes
/// @throws Error that says what is wrong with the archive
[[nodiscard]] std::string unzip_first(std::span<const std::byte> archive, std::size_t largest);

}  // namespace daohil::drivers::usb
