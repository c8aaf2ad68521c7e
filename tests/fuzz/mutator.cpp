// How the fuzzer changes an input. Bytes changed at random nearly never make a file whose size
// fits its fields; so half of the time one field gets a value with a meaning, and sometimes the
// product of the axes and the size are made to fit again, which opens the way to the readers.

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "stream_file.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

namespace {

using namespace daohil::fuzz;

struct Field {
  std::size_t at;  // in the record
  std::size_t bytes;
};

constexpr std::array<Field, 16> kFields{{{80, 1},  // naxis
                                         {84, 4},  // size
                                         {88, 4},
                                         {92, 4},
                                         {96, 8},    // nelement
                                         {104, 1},   // atype
                                         {108, 4},   // doorbell
                                         {148, 2},   // sem
                                         {152, 8},   // cnt0
                                         {168, 8},   // cnt2
                                         {176, 1},   // write
                                         {178, 2},   // NBkw
                                         {196, 4},   // sleepers
                                         {208, 4},   // fifo_size
                                         {212, 4},   // fifo_last_written
                                         {79, 1}}};  // last byte of the name

constexpr std::array<std::size_t, 13> kElementBytes{0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 16};

class Input {
 public:
  Input(std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  /// Complete records.
  [[nodiscard]] std::size_t records() const {
    if (size_ < kPrefix || data_[0] == kAsItIs) return 0;
    return std::min<std::size_t>(data_[0], (size_ - kPrefix) / kRecord);
  }
  [[nodiscard]] std::uint8_t* record(std::size_t slot) const {
    return data_ + kPrefix + slot * kRecord;
  }
  [[nodiscard]] std::size_t rest() const { return size_ - kPrefix - records() * kRecord; }

  template <typename T>
  [[nodiscard]] T get(std::size_t slot, std::size_t at) const {
    T value{};
    std::memcpy(&value, record(slot) + at, sizeof value);
    return value;
  }

 private:
  std::uint8_t* data_;
  std::size_t size_;
};

std::uint64_t telling_value(std::minstd_rand& random, std::uint64_t old, std::size_t records) {
  switch (random() % 8) {
    case 0:
      return random() % 16;
    case 1:
      return old + 1;
    case 2:
      return old - 1;
    case 3:
      return old ^ (std::uint64_t{1} << (random() % 64));
    case 4:
      return ~std::uint64_t{0} >> (random() % 64);
    case 5:
      return (std::uint64_t{1} << (random() % 64)) + random() % 3 - 1;
    case 6:
      return records + random() % 3 - 1;
    default:
      return random() % 300;
  }
}

void set_field(const Input& input, std::minstd_rand& random) {
  const Field field = kFields[random() % kFields.size()];
  const std::size_t first = random() % input.records();
  std::uint64_t value = 0;
  std::memcpy(&value, input.record(first) + field.at, field.bytes);
  value = telling_value(random, value, input.records());
  // In all slots: else the first complaint is always that they differ.
  const bool everywhere = random() % 2 == 0;
  for (std::size_t slot = 0; slot < input.records(); ++slot)
    if (everywhere || slot == first)
      std::memcpy(input.record(slot) + field.at, &value, field.bytes);
}

// Slot 0 is believed: the others say the same, nelement is the product, fifo_size the number of
// records, and the file has the size that follows.
void make_consistent(std::uint8_t* data, const Input& input) {
  const auto naxis = std::clamp<std::uint8_t>(input.get<std::uint8_t>(0, 80), 1, 3);
  std::uint64_t elements = 1;
  for (std::size_t axis = 0; axis < naxis; ++axis)
    elements *= input.get<std::uint32_t>(0, 84 + 4 * axis);
  std::memcpy(input.record(0) + 96, &elements, sizeof elements);
  const auto depth = static_cast<std::uint32_t>(input.records());
  std::memcpy(input.record(0) + 208, &depth, sizeof depth);
  for (std::size_t slot = 1; slot < input.records(); ++slot) {
    std::memcpy(input.record(slot) + 80, input.record(0) + 80, 25);  // naxis .. atype
    std::memcpy(input.record(slot) + 178, input.record(0) + 178, 2);
  }
  const std::uint64_t frame = elements * kElementBytes[input.get<std::uint8_t>(0, 104) % 13];
  const std::uint64_t wanted = depth * frame + input.get<std::uint16_t>(0, 178) * 120U;
  const std::uint64_t given = input.rest();
  const std::uint64_t pad = wanted > given ? wanted - given : 0;
  const std::uint64_t cut = given > wanted ? given - wanted : 0;
  if (frame > wanted || pad > 0xffff || cut > 0xff) return;
  data[1] = static_cast<std::uint8_t>(cut);
  data[2] = static_cast<std::uint8_t>(pad);
  data[3] = static_cast<std::uint8_t>(pad >> 8);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  Input input(data, size);
  if (input.records() == 0 || random() % 2 == 0) {
    size = LLVMFuzzerMutate(data, size, max_size);
    input = Input(data, size);
  } else {
    for (auto changes = 1 + random() % 3; changes > 0; --changes) set_field(input, random);
  }
  if (input.records() > 0 && random() % 2 == 0) make_consistent(data, input);
  return size;
}
