#include "shm/holders.hpp"

#include <fmt/format.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace daohil::shm {
namespace {

namespace fs = std::filesystem;

struct MappedFile {
  FileIdentity file;
  std::string path;
};

// "7f..-7f.. rw-s 00000000 fe:01 12345   /dev/shm/wfs.im.shm" (proc(5))
std::optional<MappedFile> mapped_file(const std::string& line) {
  std::istringstream fields(line);
  std::string range, permissions, offset, device;
  MappedFile mapped;
  if (!(fields >> range >> permissions >> offset >> device >> mapped.file.inode)) return {};
  const auto colon = device.find(':');
  if (mapped.file.inode == 0 || colon == std::string::npos) return {};
  constexpr int kHexadecimal = 16;
  const auto number = [](const std::string& text) {
    return static_cast<unsigned>(std::strtoul(text.c_str(), nullptr, kHexadecimal));
  };
  mapped.file.device = makedev(number(device.substr(0, colon)), number(device.substr(colon + 1)));
  std::getline(fields >> std::ws, mapped.path);
  return mapped;
}

std::optional<pid_t> process_id(const fs::path& folder) {
  const std::string name = folder.filename().string();
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || end != name.data() + name.size()) return {};
  return pid;
}

std::string command_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name;
}

// "lock:	1: OFDLCK  ADVISORY  WRITE -1 fe:01:12345 0 0": shown under the descriptor that holds
// it.
bool holds_writer_lock(pid_t pid, const FileIdentity& file) {
  const std::string inode = fmt::format(":{} ", file.inode);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fdinfo", pid), ignored)) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);)
      if (line.starts_with("lock:") && line.find("OFDLCK") != std::string::npos &&
          line.find("WRITE") != std::string::npos && line.find(inode) != std::string::npos)
        return true;
  }
  return false;
}

}  // namespace

void Holders::read_maps_of(pid_t pid) {
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  if (!maps) {
    if (errno != ENOENT && errno != ESRCH) complete_ = false;
    return;
  }
  for (std::string line; std::getline(maps, line);) {
    auto mapped = mapped_file(line);
    if (!mapped) continue;
    auto& pids = pids_[mapped->file];
    if (pids.empty()) paths_.push_back(std::move(mapped->path));
    if (pids.empty() || pids.back() != pid) pids.push_back(pid);
  }
  // Opened, but refused at the first read: how a process of another user answers.
  if (maps.bad()) complete_ = false;
}

Holders Holders::of_host() {
  Holders holders;
  std::error_code error;
  fs::directory_iterator entry("/proc", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const auto pid = process_id(entry->path())) holders.read_maps_of(*pid);
  if (error) holders.complete_ = false;
  return holders;
}

std::vector<Holder> Holders::of(const FileIdentity& file) const {
  const auto found = pids_.find(file);
  if (found == pids_.end()) return {};
  std::vector<pid_t> pids = found->second;
  std::sort(pids.begin(), pids.end());
  std::vector<Holder> holders;
  for (const pid_t pid : pids)
    holders.push_back({pid, command_of(pid),
                       holds_writer_lock(pid, file) ? Holder::Role::writes : Holder::Role::maps});
  return holders;
}

}  // namespace daohil::shm
