#include "hil/run/foreign_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace daohil::hil::run {
namespace {

using shm::MonotonicTime;
using shm::ReadStatus;

// Clocks of two cores agree to a microsecond; a millisecond tells another clock from them.
constexpr std::int64_t kFutureNs = 1'000'000;

// The words of a line, separated by blanks.
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}
  // Empty after the last.
  std::string_view next() {
    constexpr std::string_view kBlanks = " \t";
    text_.remove_prefix(std::min(text_.find_first_not_of(kBlanks), text_.size()));
    const std::string_view word = text_.substr(0, text_.find_first_of(kBlanks));
    text_.remove_prefix(word.size());
    return word;
  }

 private:
  std::string_view text_;
};

// The whole word as a number without sign, or nothing.
template <typename Number>
std::optional<Number> number_in(std::string_view word, int base = 10) {
  Number value{};
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value, base);
  if (word.empty() || word.front() == '-' || error != std::errc{} || stop != end)
    return std::nullopt;
  return value;
}

// By name, or by DAO's number; torn has none.
std::optional<ReadStatus> status_in(std::string_view word) {
  struct Name {
    std::string_view name, dao;
    ReadStatus status;
  };
  constexpr std::array kNames{
      Name{"success", "0", ReadStatus::success},
      Name{"overwrite", "-2", ReadStatus::overwrite},
      Name{"not_ready", "-3", ReadStatus::not_ready},
      Name{"timeout", "-1", ReadStatus::timeout},
      Name{"torn", "torn", ReadStatus::torn},
  };
  for (const Name& known : kNames)
    if (word == known.name || word == known.dao) return known.status;
  return std::nullopt;
}

std::optional<Content> content_in(std::string_view word) {
  using Name = std::pair<std::string_view, Content>;
  constexpr std::array kNames{Name{"good", Content::good}, Name{"torn", Content::torn},
                              Name{"wrong", Content::wrong_frame},
                              Name{"discarded", Content::discarded}};
  for (const auto& [name, content] : kNames)
    if (word == name) return content;
  return std::nullopt;
}

bool has_frame(ReadStatus status) {
  return status == ReadStatus::success || status == ReadStatus::overwrite;
}

// The key=value words of a call line. @returns why it is malformed; empty when it is not
class CallKeys {
 public:
  explicit CallKeys(ReportedCall& call) : call_(call) {}

  std::string take(std::string_view word) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return "a word without '='";
    const std::string_view key = word.substr(0, equals);
    const std::string_view value = word.substr(equals + 1);
    const auto known = std::find(kKeys.begin(), kKeys.end(), key);
    if (known == kKeys.end()) return "unknown key";
    const auto bit = 1U << (known - kKeys.begin());
    if ((seen_ & bit) != 0) return "a key twice";
    seen_ |= bit;
    return set(key, value) ? "" : "impossible value";
  }

 private:
  static constexpr std::array<std::string_view, 7> kKeys{"id",    "lost",     "content", "crc",
                                                         "crc32", "intended", "waited"};

  bool set(std::string_view key, std::string_view value) {
    CallEvent& event = call_.event;
    if (key == "id") return assign(event.id, number_in<std::uint64_t>(value));
    if (key == "lost") {
      call_.lost_reported = true;
      return assign(event.lost, number_in<std::uint64_t>(value));
    }
    if (key == "content") return assign(event.content, content_in(value));
    if (key == "intended") return assign(event.intended, number_in<std::int64_t>(value));
    if (key == "waited") {
      event.waited = value == "1" ? 1 : 0;
      return value == "0" || value == "1";
    }
    const auto sum = value.size() <= 8 ? number_in<std::uint32_t>(value, 16) : std::nullopt;
    if (!sum || call_.sum) return false;
    const auto kind = key == "crc" ? drivers::PixelSum::crc32c : drivers::PixelSum::crc32;
    call_.sum = ReportedSum{kind, *sum};
    return true;
  }
  template <typename Value>
  static bool assign(Value& to, const std::optional<Value>& value) {
    if (value) to = *value;
    return value.has_value();
  }

  ReportedCall& call_;
  unsigned seen_ = 0;
};

}  // namespace

std::string printable(std::string_view bytes, std::size_t longest) {
  std::string text;
  for (const char c : bytes.substr(0, longest)) {
    if (c >= ' ' && c <= '~')
      text += c;
    else
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return bytes.size() > longest ? text + "..." : text;
}

ForeignLines::ForeignLines(std::string reader, std::size_t most)
    : reader_(std::move(reader)), most_(most) {}

void ForeignLines::malformed(std::string_view text, std::string_view why) const {
  throw std::runtime_error(fmt::format("reader '{}', line {} of its standard output: {}: \"{}\"",
                                       reader_, number_, why, printable(text)));
}

void ForeignLines::take(std::string_view bytes, MonotonicTime arrival) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (rest_.size() + part.size() > kLongestLine) {
      number_ += 1;
      rest_ += part.substr(0, kLongestLine - rest_.size());
      malformed(rest_, fmt::format("longer than {} bytes", kLongestLine));
    }
    if (end == std::string_view::npos) {
      rest_ += part;
      return;
    }
    bytes.remove_prefix(end + 1);
    if (rest_.empty()) {
      line(part, arrival);
    } else {
      rest_ += part;
      line(std::exchange(rest_, {}), arrival);
    }
  }
}

void ForeignLines::end(MonotonicTime arrival) {
  if (!rest_.empty()) line(std::exchange(rest_, {}), arrival);
}

void ForeignLines::line(std::string_view text, MonotonicTime arrival) {
  number_ += 1;
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  const std::string_view word = Words(text).next();
  if (word.empty() || word.front() == '#') return;
  const bool digit = word.front() >= '0' && word.front() <= '9';
  if (word == "ready") {
    ready_line(text);
  } else if (word == "call") {
    call_line(text, arrival);
  } else if (digit) {
    counter_line(text, arrival);
  } else if (begun_) {
    malformed(text, "neither a counter nor \"call ...\"");
  } else {
    // Libraries greet, and so do interpreters; but what never comes to the point is no reader.
    if (preamble_.empty()) preamble_ = printable(text);
    if (number_ > kPreamble)
      malformed(text, fmt::format("{} lines, and none of a reader", kPreamble));
    return;
  }
  begun_ = true;
  ready_ = true;
}

void ForeignLines::ready_line(std::string_view text) {
  if (begun_) malformed(text, "\"ready\" comes once, and before any call");
  Words words(text);
  words.next();
  const std::string_view tail = words.next();
  if (tail.empty()) return;
  tail_at_open_ = number_in<std::uint64_t>(tail);
  if (!tail_at_open_ || !words.next().empty())
    malformed(text, "not \"ready\" or \"ready <counter>\"");
}

void ForeignLines::counter_line(std::string_view text, MonotonicTime arrival) {
  Words words(text);
  const auto counter = number_in<std::uint64_t>(words.next());
  if (!counter || !words.next().empty()) malformed(text, "not a counter");
  ReportedCall call;
  call.counter_only = true;
  CallEvent& event = call.event;
  event.timing = Timing::arrival;
  event.status = ReadStatus::success;
  event.counter = *counter;
  // Of such a call is known that it was over when its line was here, no more.
  event.after = std::max(arrival.count(), last_after_);
  event.before = event.intended = calls_.empty() ? event.after : last_after_;
  add(call);
}

void ForeignLines::call_line(std::string_view text, MonotonicTime arrival) {
  Words words(text);
  words.next();
  const auto before = number_in<std::int64_t>(words.next());
  const auto after = number_in<std::int64_t>(words.next());
  const auto status = status_in(words.next());
  const auto counter = number_in<std::uint64_t>(words.next());
  if (!before || !after || !status || !counter)
    malformed(text, "not \"call <before_ns> <after_ns> <status> <counter> ...\"");
  ReportedCall call;
  CallEvent& event = call.event;
  event.intended = event.before = *before;
  event.after = *after;
  event.status = *status;
  event.counter = *counter;
  CallKeys keys(call);
  for (auto word = words.next(); !word.empty(); word = words.next())
    if (const std::string why = keys.take(word); !why.empty()) malformed(text, why);

  if (event.after < event.before) malformed(text, "it returned before it was called");
  if (event.before < last_before_) malformed(text, "called before the call of the line before");
  if (event.after > arrival.count() + kFutureNs)
    malformed(text, "it returned later than its line came; times are CLOCK_MONOTONIC in ns");
  if (!has_frame(event.status) && (call.sum || event.content != Content::unchecked))
    malformed(text, "pixels, and yet no frame");
  add(call);
}

void ForeignLines::add(const ReportedCall& call) {
  if (calls_.size() == most_)
    throw std::runtime_error(fmt::format(
        "reader '{}', line {} of its standard output: more calls than the {} that there "
        "is room for",
        reader_, number_, most_));
  if (!call.counter_only) last_before_ = call.event.before;
  last_after_ = call.event.after;
  calls_.push_back(call);
}

void infer_status(std::vector<ReportedCall>& calls, std::uint64_t first, plan::ReadMode mode) {
  std::uint64_t previous = first;
  for (ReportedCall& call : calls) {
    CallEvent& event = call.event;
    if (!has_frame(event.status)) continue;
    const bool in_order = mode == plan::ReadMode::next && event.counter > previous;
    const std::uint64_t skipped = in_order ? event.counter - previous - 1 : 0;
    if (call.counter_only && skipped > 0) event.status = ReadStatus::overwrite;
    // A success that lost frames is a contradiction, and is left as one.
    if (event.status == ReadStatus::overwrite && !call.lost_reported) event.lost = skipped;
    previous = event.counter;
  }
}

}  // namespace daohil::hil::run
