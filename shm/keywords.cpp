#include "shm/keywords.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "shm/error.hpp"

namespace daohil::shm {
namespace {

constexpr char kUnused = 'N';
constexpr char kInteger = 'L';
constexpr char kReal = 'D';
constexpr char kText = 'S';

using Record = std::array<char, bytes::kKeyword>;

// To the first 0, or all of it.
std::string text_at(const Record& record, std::size_t offset, std::size_t capacity) {
  const char* begin = record.data() + offset;
  return {begin, std::find(begin, begin + capacity, '\0')};
}

template <typename T>
T number_at(const Record& record) {
  T value;
  std::memcpy(&value, record.data() + bytes::kKeywordValue, sizeof value);
  return value;
}

Keyword parse(const Record& record) {
  Keyword keyword{.name = text_at(record, bytes::kKeywordName, bytes::kKeywordNameCapacity)};
  keyword.comment = text_at(record, bytes::kKeywordComment, bytes::kKeywordCommentCapacity);
  switch (record[bytes::kKeywordType]) {
    case kInteger:
      keyword.value = number_at<std::int64_t>(record);
      break;
    case kReal:
      keyword.value = number_at<double>(record);
      break;
    case kText:
      keyword.value = text_at(record, bytes::kKeywordValue, bytes::kKeywordTextCapacity);
      break;
    default:
      break;
  }
  return keyword;
}

void put_text(Record& record, std::size_t offset, std::size_t most, std::string_view what,
              std::string_view text) {
  if (text.size() > most)
    throw Error(Errc::invalid_argument, fmt::format("keyword {} '{}' has {} bytes, {} at most",
                                                    what, text, text.size(), most));
  std::memcpy(record.data() + offset, text.data(), text.size());
}

struct PutValue {
  Record& record;

  void operator()(std::monostate) const { record[bytes::kKeywordType] = kUnused; }
  void operator()(std::int64_t value) const { number(kInteger, value); }
  void operator()(double value) const { number(kReal, value); }
  void operator()(const std::string& value) const {
    record[bytes::kKeywordType] = kText;
    put_text(record, bytes::kKeywordValue, bytes::kKeywordTextCapacity, "text", value);
  }

  template <typename T>
  void number(char type, T value) const {
    record[bytes::kKeywordType] = type;
    std::memcpy(record.data() + bytes::kKeywordValue, &value, sizeof value);
  }
};

Record record_of(const Segment& segment, std::uint16_t index) {
  Record record;
  std::memcpy(record.data(), segment.keywords().data() + index * bytes::kKeyword, record.size());
  return record;
}

}  // namespace

std::vector<Keyword> read_keywords(const Segment& segment) {
  std::vector<Keyword> keywords;
  for (std::uint16_t i = 0; i < segment.layout().keywords(); ++i)
    keywords.push_back(parse(record_of(segment, i)));
  return keywords;
}

void write_keyword(Segment& segment, std::uint16_t index, const Keyword& keyword) {
  if (segment.access() != Access::read_write)
    throw Error(Errc::permission, fmt::format("keyword of stream {}: it is open for reading only",
                                              segment.path().string()));
  if (index >= segment.layout().keywords())
    throw Error(Errc::invalid_argument,
                fmt::format("keyword {} of stream {}: it has {}", index, segment.path().string(),
                            segment.layout().keywords()));
  Record record{};
  put_text(record, bytes::kKeywordName, bytes::kKeywordNameCapacity - 1, "name", keyword.name);
  put_text(record, bytes::kKeywordComment, bytes::kKeywordCommentCapacity - 1, "comment",
           keyword.comment);
  std::visit(PutValue{record}, keyword.value);
  std::memcpy(segment.writable_keywords().data() + index * bytes::kKeyword, record.data(),
              record.size());
}

std::uint16_t find_keyword(const Segment& segment, std::string_view name) {
  const std::uint16_t count = segment.layout().keywords();
  for (std::uint16_t i = 0; i < count; ++i)
    if (parse(record_of(segment, i)).name == name) return i;
  return count;
}

}  // namespace daohil::shm
