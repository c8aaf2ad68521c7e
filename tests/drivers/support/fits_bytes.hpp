#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace daohil::drivers::test {

/// A FITS file made by hand from the standard (4.0, sections 3 and 4), without a FITS library.
class FitsBytes {
 public:
  /// One 80-byte card: "KEYWORD = value".
  FitsBytes& card(std::string keyword, const std::string& value) {
    keyword.resize(8, ' ');
    std::string text = keyword + "= " + std::string(value.size() < 20 ? 20 - value.size() : 0, ' ');
    return raw_card(text + value);
  }
  FitsBytes& card(const std::string& keyword, std::int64_t value) {
    return card(keyword, std::to_string(value));
  }

  FitsBytes& image(int bitpix, const std::vector<std::int64_t>& axes) {
    card("SIMPLE", "T")
        .card("BITPIX", bitpix)
        .card("NAXIS", static_cast<std::int64_t>(axes.size()));
    for (std::size_t i = 0; i < axes.size(); ++i) card("NAXIS" + std::to_string(i + 1), axes[i]);
    return *this;
  }

  FitsBytes& end() {
    raw_card("END");
    return pad(' ');
  }

  /// Big endian.
  template <typename T>
  FitsBytes& value(T v) {
    if constexpr (std::same_as<T, float>)
      return value(std::bit_cast<std::uint32_t>(v));
    else if constexpr (std::same_as<T, double>)
      return value(std::bit_cast<std::uint64_t>(v));
    else {
      const auto bits = static_cast<std::make_unsigned_t<T>>(v);
      for (std::size_t i = sizeof(T); i > 0; --i)
        bytes_ += static_cast<char>((static_cast<std::uint64_t>(bits) >> (8 * (i - 1))) & 0xFFU);
      return *this;
    }
  }

  FitsBytes& pad(char with) {
    while (bytes_.size() % 2880 != 0) bytes_ += with;
    return *this;
  }

  [[nodiscard]] const std::string& str() const { return bytes_; }

 private:
  FitsBytes& raw_card(std::string text) {
    text.resize(80, ' ');
    bytes_ += text;
    return *this;
  }

  std::string bytes_;
};

}  // namespace daohil::drivers::test
