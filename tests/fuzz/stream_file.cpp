#include "stream_file.hpp"

#include <algorithm>

namespace daohil::fuzz {

std::vector<std::byte> stream_file(std::span<const std::uint8_t> input) {
  if (input.size() < kPrefix) return {};
  const std::size_t slots = input[0];
  const std::size_t cut = input[1];
  const std::size_t pad = input[2] + 256U * input[3];
  std::span<const std::byte> rest = std::as_bytes(input.subspan(kPrefix));
  const auto take = [&](std::size_t bytes) {
    const auto taken = rest.first(std::min(bytes, rest.size()));
    rest = rest.subspan(taken.size());
    return taken;
  };

  std::vector<std::byte> file;
  for (std::size_t slot = 0; slots != kAsItIs && slot < slots && !rest.empty(); ++slot) {
    const auto head = take(kHead);
    file.insert(file.end(), head.begin(), head.end());
    if (head.size() == kHead) file.resize(slot * kMetadata + kTail);
    const auto tail = take(kMetadata - kTail);
    file.insert(file.end(), tail.begin(), tail.end());
  }
  file.insert(file.end(), rest.begin(), rest.end());
  file.resize(file.size() + pad);
  file.resize(file.size() - std::min(cut, file.size()));
  return file;
}

}  // namespace daohil::fuzz
