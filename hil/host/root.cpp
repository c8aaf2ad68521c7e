#include "hil/host/root.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "hil/host/parse.hpp"

namespace daohil::hil::host {
namespace {

constexpr std::size_t kMost = std::size_t{8} << 20;

std::string system_text(int error) { return std::generic_category().message(error); }

}  // namespace

std::filesystem::path Root::path_of(std::string_view path) const {
  while (path.starts_with('/')) path.remove_prefix(1);
  return folder_ / path;
}

Root::Reading Root::read(std::string_view path) const {
  const auto refused = [&](const std::string& why) {
    return Reading{std::nullopt, std::string(path) + ": " + why};
  };
  const int fd =
      ::open(path_of(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);  // NOLINT
  if (fd < 0) return refused(system_text(errno));
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    return refused("no regular file");
  }
  std::string text;
  std::array<char, 16384> part{};
  int error = 0;
  while (text.size() < kMost) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  // A process that is gone meanwhile, an attribute that its driver does not have.
  if (error != 0 && text.empty()) return refused(system_text(error));
  return {std::move(text), {}};
}

std::optional<std::string> Root::line(std::string_view path) const {
  const auto reading = read(path);
  if (!reading.text) return std::nullopt;
  const std::string_view all = *reading.text;
  const auto trimmed = trim(all.substr(0, all.find('\n')));
  if (trimmed.empty()) return std::nullopt;
  return std::string(trimmed);
}

std::vector<std::string> Root::list(std::string_view path) const {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(path_of(path), error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool Root::exists(std::string_view path) const {
  std::error_code error;
  return std::filesystem::exists(path_of(path), error);
}

std::optional<std::string> Root::link(std::string_view path) const {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(path_of(path), error);
  if (error) return std::nullopt;
  return target.string();
}

std::optional<std::filesystem::path> Root::resolved(std::string_view path) const {
  std::error_code error;
  auto found = std::filesystem::canonical(path_of(path), error);
  if (error) return std::nullopt;
  return found;
}

}  // namespace daohil::hil::host
