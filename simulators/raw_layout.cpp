#include "simulators/raw_layout.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace daohil::simulators {
namespace {

constexpr std::size_t kAmplifiers = 8;
constexpr std::size_t kPrescan = 6;
constexpr std::size_t kAmplifierColumns = 60;
constexpr std::size_t kAmplifierRows = 120;

enum class Half : std::uint8_t { upper, lower };
enum class Direction : std::uint8_t { left_to_right, right_to_left };

struct Amplifier {
  Half half;
  std::size_t column;
  Direction direction;
};

constexpr Amplifier kReadout[kAmplifiers] = {
    {Half::upper, 0, Direction::right_to_left},   {Half::upper, 60, Direction::left_to_right},
    {Half::upper, 120, Direction::right_to_left}, {Half::upper, 180, Direction::left_to_right},
    {Half::lower, 180, Direction::left_to_right}, {Half::lower, 120, Direction::right_to_left},
    {Half::lower, 60, Direction::left_to_right},  {Half::lower, 0, Direction::right_to_left},
};

void require_length(std::string_view what, std::size_t is, std::size_t must_be) {
  if (is != must_be)
    throw std::invalid_argument("ocam2k: " + std::string(what) + " of " + std::to_string(is) +
                                " pixels, must be " + std::to_string(must_be));
}

}  // namespace

void scramble_ocam2k(std::span<const std::uint16_t> image, std::uint32_t number,
                     std::uint16_t empty, std::span<std::uint16_t> raw) {
  require_length("an image", image.size(), kOcam2kSide * kOcam2kSide);
  require_length("a raw frame", raw.size(), kOcam2kRawColumns * kOcam2kRawRows);
  std::fill(raw.begin(), raw.end(), empty);
  raw[4] = static_cast<std::uint16_t>(number);
  raw[5] = static_cast<std::uint16_t>(number >> 16);
  for (std::size_t amplifier = 0; amplifier < kAmplifiers; ++amplifier) {
    const auto [half, first_column, direction] = kReadout[amplifier];
    for (std::size_t step = 0; step < kAmplifierRows; ++step)
      for (std::size_t clock = 0; clock < kAmplifierColumns; ++clock) {
        const std::size_t row = half == Half::upper ? step : kOcam2kSide - 1 - step;
        const std::size_t within =
            direction == Direction::left_to_right ? clock : kAmplifierColumns - 1 - clock;
        raw[(step + 1) * kOcam2kRawColumns + (kPrescan + clock) * kAmplifiers + amplifier] =
            image[row * kOcam2kSide + first_column + within];
      }
  }
}

void write_cred3_tags(const Cred3Tags& tags, std::span<std::uint16_t> image) {
  if (image.size() < 4)
    throw std::invalid_argument("cred3: tags take 4 pixels, the image has " +
                                std::to_string(image.size()));
  constexpr unsigned kReserved = 0xFFF8;
  image[0] = static_cast<std::uint16_t>(tags.counter);
  image[1] = static_cast<std::uint16_t>(tags.counter >> 16);
  image[2] = 0;
  image[3] = static_cast<std::uint16_t>(kReserved | static_cast<unsigned>(tags.capacitor) << 1 |
                                        static_cast<unsigned>(tags.marker));
}

}  // namespace daohil::simulators
