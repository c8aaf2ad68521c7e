#include "hil/plan/text_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>

#include "hil/plan/problem.hpp"

namespace daohil::hil::plan {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

[[noreturn]] void fail(const std::string& file, int line, const std::string& problem) {
  throw Error(Problem{.file = file, .line = line, .text = problem});
}

// Length of the UTF-8 sequence that begins here, 0 if none does (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

void refuse_binary(const std::string& file, std::string_view text) {
  int line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control =
        (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f;
    const std::size_t length = utf8_length(text.substr(i));
    if (control || length == 0)
      fail(file, line, fmt::format("byte {:#04x} at offset {}: not a text file in UTF-8", byte, i));
    if (byte == '\n') ++line;
    i += length;
  }
}

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found)
    fail(file, 1, "no such file; check the path");
  if (error) fail(file, 1, fmt::format("cannot be read: {}", error.message()));
  if (status.type() == std::filesystem::file_type::directory)
    fail(file, 1, "is a folder, not a file");
  if (status.type() != std::filesystem::file_type::regular) fail(file, 1, "is not a regular file");

  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(file, 1, fmt::format("cannot be read: {}", std::strerror(errno)));
  std::string text(kMaxBytes + 1, '\0');  // one more, to tell the largest file from a larger one
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) fail(file, 1, "cannot be read: input/output error");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

void check_text(const std::string& file, std::string_view text) {
  if (text.size() > kMaxBytes) fail(file, 1, "is larger than 1 MiB; this is no scenario or bench");
  refuse_binary(file, text);
}

}  // namespace daohil::hil::plan
