#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <istream>
#include <limits>
#include <optional>
#include <ostream>
#include <stdexcept>

#include "hil/histogram.hpp"
#include "shm/time.hpp"

// The encodings of HdrHistogram: numbers big endian, counts as LEB128 of their zigzag form, a run
// of n > 1 zeros as -n.
namespace daohil::hil {
namespace {

constexpr std::uint32_t kCookie = 0x1c849313;            // V2, 9 bytes a count at most
constexpr std::uint32_t kCompressedCookie = 0x1c849314;  // V2, with zlib
constexpr std::size_t kHeader = 40;
// No histogram has more: 5 digits from 1 to 2^63 - 1 take 47 halves of 131072 counts.
constexpr std::size_t kMostBytes = 64U << 20U;

[[noreturn]] void damaged(const std::string& why) {
  throw std::runtime_error("not an encoded histogram: " + why);
}

class Bytes {
 public:
  template <typename Number>
  void put(Number value) {
    for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
      text_ += static_cast<char>(static_cast<std::uint64_t>(value) >> shift);
  }
  void put_count(std::int64_t count) {
    auto rest = (static_cast<std::uint64_t>(count) << 1) ^ static_cast<std::uint64_t>(count >> 63);
    // The ninth byte has all of its 8 bits.
    for (int i = 0; i < 8 && rest >= 0x80; ++i, rest >>= 7)
      text_ += static_cast<char>(0x80 | (rest & 0x7f));
    text_ += static_cast<char>(rest);
  }
  std::string text_;
};

class Source {
 public:
  explicit Source(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::string_view rest() const { return bytes_; }

  template <typename Number>
  Number get() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) value = value << 8 | next();
    return static_cast<Number>(value);
  }
  std::int64_t get_count() {
    std::uint64_t value = 0;
    for (unsigned i = 0;; ++i) {
      const std::uint64_t byte = next();
      if (i == 8) {
        value |= byte << 56;
        break;
      }
      value |= (byte & 0x7f) << (7 * i);
      if ((byte & 0x80) == 0) break;
    }
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
  }

 private:
  std::uint8_t next() {
    if (bytes_.empty()) damaged("it is cut short");
    const auto byte = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  std::string_view bytes_;
};

std::string uncompressed(const Histogram& histogram) {
  const auto counts = histogram.counts();
  auto end = counts.size();
  while (end > 0 && counts[end - 1] == 0) --end;
  end = std::max<std::size_t>(end, 1);  // as the reference, which goes up to the largest value

  Bytes payload;
  for (std::size_t i = 0; i < end;) {
    const std::size_t begin = i++;
    if (counts[begin] != 0) {
      payload.put_count(counts[begin]);
      continue;
    }
    while (i < end && counts[i] == 0) ++i;
    const auto zeros = static_cast<std::int64_t>(i - begin);
    payload.put_count(zeros > 1 ? -zeros : 0);
  }

  Bytes all;
  all.put(kCookie);
  all.put(static_cast<std::uint32_t>(payload.text_.size()));
  all.put(std::uint32_t{0});  // normalizing index offset
  all.put(static_cast<std::uint32_t>(histogram.digits()));
  all.put(histogram.lowest());
  all.put(histogram.highest());
  all.put(std::bit_cast<std::uint64_t>(1.0));  // ratio of integers to values
  return all.text_ + payload.text_;
}

Histogram from_uncompressed(std::string_view bytes) {
  Source source(bytes);
  if (source.get<std::uint32_t>() != kCookie) damaged("unknown encoding inside");
  const auto length = source.get<std::uint32_t>();
  if (source.get<std::uint32_t>() != 0) damaged("a shifted histogram");
  const auto digits = source.get<std::uint32_t>();
  const auto lowest = source.get<std::int64_t>();
  const auto highest = source.get<std::int64_t>();
  (void)source.get<std::uint64_t>();  // the ratio, which does not change what is counted
  // Of the counts; older versions of the C implementation state it with the header.
  if (length != source.rest().size() && length != source.rest().size() + kHeader)
    damaged("its length is not the one it states");
  std::optional<Histogram> histogram;
  try {
    histogram.emplace(lowest, highest, static_cast<int>(std::min(digits, 100U)));
  } catch (const std::invalid_argument& error) {
    damaged(error.what());
  }
  const auto size = static_cast<std::int64_t>(histogram->counts().size());
  std::int64_t index = 0;
  while (!source.empty()) {
    const std::int64_t count = source.get_count();
    if (count < 0) {
      if (count < -size) damaged("more counts than the range has");
      index -= count;
      continue;
    }
    if (index >= size) damaged("more counts than the range has");
    if (count > std::numeric_limits<std::int64_t>::max() - histogram->total())
      damaged("its counts have no sum");
    histogram->add_at(static_cast<std::size_t>(index), count);
    index += 1;
  }
  if (index > size) damaged("more counts than the range has");
  return *histogram;
}

std::string deflated(std::string_view bytes) {
  uLongf size = ::compressBound(bytes.size());
  std::string text(size, '\0');
  if (::compress(reinterpret_cast<Bytef*>(text.data()), &size,
                 reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != Z_OK)
    throw std::runtime_error("zlib cannot compress a histogram");
  text.resize(size);
  return text;
}

// The size is not stated; it is bounded, so that a small text cannot ask for all memory.
std::string inflated(std::string_view bytes) {
  z_stream stream{};
  if (::inflateInit(&stream) != Z_OK) throw std::runtime_error("zlib cannot start");
  const struct End {
    z_stream& stream;
    ~End() { ::inflateEnd(&stream); }
  } end{stream};
  // zlib takes pointers to non-const for old times' sake and changes nothing.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string text;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    char buffer[65536];
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = sizeof buffer;
    state = ::inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END) damaged("zlib cannot read it");
    text.append(buffer, sizeof buffer - stream.avail_out);
    if (text.size() > kMostBytes) damaged("it is larger than any histogram");
  }
  return text;
}

std::string to_base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                  reinterpret_cast<const unsigned char*>(bytes.data()),
                                  static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

std::string from_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > kMostBytes) damaged("no base64");
  std::string bytes(text.size() / 4 * 3, '\0');
  if (::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size())) < 0)
    damaged("no base64");
  // It leaves the zeros that '=' stands for.
  const auto padding = text.ends_with("==") ? 2U : text.ends_with("=") ? 1U : 0U;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

// ---- the log ------------------------------------------------------------------------------------

std::optional<double> number_in(std::string_view word) {
  double value = 0;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::string_view up_to_comma(std::string_view& text) {
  const auto comma = text.find(',');
  const std::string_view word = text.substr(0, comma);
  text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  return word;
}

LogInterval interval_in(std::string_view line) {
  constexpr std::string_view kTag = "Tag=";
  std::string tag;
  if (line.starts_with(kTag)) tag = up_to_comma(line).substr(kTag.size());
  const auto start = number_in(up_to_comma(line));
  const auto length = number_in(up_to_comma(line));
  const auto largest = number_in(up_to_comma(line));
  if (!start || !length || !largest) damaged("three numbers are missing before it");
  return {std::move(tag), *start, *length, decode(line)};
}

}  // namespace

std::string encode(const Histogram& histogram) {
  const std::string compressed = deflated(uncompressed(histogram));
  Bytes all;
  all.put(kCompressedCookie);
  all.put(static_cast<std::uint32_t>(compressed.size()));
  return to_base64(all.text_ + compressed);
}

Histogram decode(std::string_view text) {
  const std::string bytes = from_base64(text);
  Source source(bytes);
  if (source.get<std::uint32_t>() != kCompressedCookie) damaged("unknown encoding");
  if (source.get<std::uint32_t>() != source.rest().size())
    damaged("its length is not the one it states");
  return from_uncompressed(inflated(source.rest()));
}

HistogramLogWriter::HistogramLogWriter(std::ostream& out, double start_utc,
                                       const std::vector<std::string>& comments)
    : out_(&out) {
  for (std::string comment : comments) {
    std::replace(comment.begin(), comment.end(), '\n', ' ');
    out << "#" << comment << "\n";
  }
  const shm::UtcTime utc{shm::Duration{static_cast<std::int64_t>(start_utc * 1e9)}};
  out << "#[Histogram log format version 1.3]\n"
      << fmt::format("#[StartTime: {:.3f} (seconds since epoch), {}]\n", start_utc,
                     shm::to_iso8601(utc))
      << "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
         "\"Interval_Compressed_Histogram\"\n";
}

void HistogramLogWriter::write(const LogInterval& interval, double max_unit) {
  if (interval.tag.find_first_of(", \t\r\n") != std::string::npos)
    throw std::invalid_argument("the tag '" + interval.tag + "' of a histogram has a separator");
  const std::string tag = interval.tag.empty() ? "" : "Tag=" + interval.tag + ",";
  *out_ << fmt::format("{}{:.3f},{:.3f},{:.3f},{}\n", tag, interval.start, interval.length,
                       static_cast<double>(interval.histogram.max()) / max_unit,
                       encode(interval.histogram));
}

HistogramLog read_histogram_log(std::istream& in) {
  constexpr std::string_view kStart = "#[StartTime: ";
  HistogramLog log;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    try {
      std::string_view text = line;
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (text.starts_with(kStart)) {
        text.remove_prefix(kStart.size());
        const auto start = number_in(text.substr(0, text.find(' ')));
        if (!start) damaged("a start time that is no number");
        log.start_utc = *start;
      } else if (!text.empty() && text.front() != '#' && text.front() != '"') {
        log.intervals.push_back(interval_in(text));
      }
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("histogram log, line {}: {}", number, error.what()));
    }
  }
  return log;
}

}  // namespace daohil::hil
