#include "shm/frame.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "shm/detail/wide.hpp"
#include "shm/error.hpp"

namespace daohil::shm {
namespace {

struct TypeFacts {
  PixelType type;
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array<TypeFacts, 12> kTypes{{{PixelType::u8, "u8", 1},
                                            {PixelType::i8, "i8", 1},
                                            {PixelType::u16, "u16", 2},
                                            {PixelType::i16, "i16", 2},
                                            {PixelType::u32, "u32", 4},
                                            {PixelType::i32, "i32", 4},
                                            {PixelType::u64, "u64", 8},
                                            {PixelType::i64, "i64", 8},
                                            {PixelType::f32, "f32", 4},
                                            {PixelType::f64, "f64", 8},
                                            {PixelType::c64, "c64", 8},
                                            {PixelType::c128, "c128", 16}}};

const TypeFacts& facts_of(PixelType type) { return kTypes.at(static_cast<std::size_t>(type) - 1); }

// Two mappings of a depth-2 stream of such frames still fit the 47-bit user address space of
// x86-64 and arm64 Linux; anything larger is a mistake in the arguments.
constexpr std::uint64_t kMaxFrameBytes = std::uint64_t{1} << 45;

}  // namespace

bool is_pixel_type(std::uint8_t code) { return code >= 1 && code <= kTypes.size(); }

std::size_t bytes_of(PixelType type) { return facts_of(type).bytes; }

std::string_view name_of(PixelType type) { return facts_of(type).name; }

std::optional<PixelType> pixel_type_named(std::string_view name) {
  const auto* it = std::find_if(kTypes.begin(), kTypes.end(),
                                [&](const TypeFacts& facts) { return facts.name == name; });
  if (it == kTypes.end()) return std::nullopt;
  return it->type;
}

Shape::Shape(std::span<const std::uint32_t> axes) : axes_(axes.size()) {
  if (axes.empty() || axes.size() > kMaxAxes)
    throw Error(Errc::invalid_argument,
                fmt::format("a frame has 1 to 3 axes, not {}", axes.size()));
  std::copy(axes.begin(), axes.end(), size_.begin());
  for (std::size_t i = 0; i < axes_; ++i)
    if (size_[i] == 0)
      throw Error(Errc::invalid_argument, fmt::format("axis {} of shape {} is 0", i, str()));
}

std::uint64_t Shape::elements() const {
  std::uint64_t n = 1;
  for (std::size_t i = 0; i < axes_; ++i) n *= size_[i];
  return n;
}

std::string Shape::str() const {
  return fmt::format("{}", fmt::join(size_.begin(), size_.begin() + axes_, "x"));
}

FrameFormat::FrameFormat(Shape shape, PixelType type) : shape_(shape), type_(type), bytes_(0) {
  detail::uint128 bytes = bytes_of(type);
  for (std::size_t i = 0; i < shape.axes(); ++i) bytes *= shape[i];
  if (bytes > kMaxFrameBytes)
    throw Error(Errc::invalid_argument,
                fmt::format("a frame of {} {} exceeds 2^45 bytes", shape.str(), name_of(type)));
  bytes_ = static_cast<std::size_t>(bytes);
}

std::string FrameFormat::str() const { return fmt::format("{} {}", shape_.str(), name_of(type_)); }

}  // namespace daohil::shm
