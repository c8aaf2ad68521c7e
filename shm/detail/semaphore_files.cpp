#include "shm/detail/semaphore_files.hpp"

#include <semaphore.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>

namespace daohil::shm::detail {
namespace {

namespace fs = std::filesystem;

std::optional<SemaphoreFile> semaphore_file(const fs::path& path) {
  constexpr std::string_view kBegin = "sem.";
  constexpr std::string_view kLogEnd = "_semlog";
  constexpr std::string_view kNumberEnd = "_sem00";
  std::string name = path.filename().string();
  if (!name.starts_with(kBegin)) return std::nullopt;
  name.erase(0, kBegin.size());
  SemaphoreFile file{path, {}, SemaphoreFile::kLog};
  if (name.ends_with(kLogEnd)) {
    file.base = name.substr(0, name.size() - kLogEnd.size());
  } else {
    if (name.size() <= kNumberEnd.size()) return std::nullopt;
    const std::string end = name.substr(name.size() - kNumberEnd.size());
    const auto digit = [&](std::size_t i) {
      return std::isdigit(static_cast<unsigned char>(end[i]));
    };
    if (!end.starts_with("_sem") || !digit(4) || !digit(5)) return std::nullopt;
    file.number = std::stoi(end.substr(4));
    file.base = name.substr(0, name.size() - kNumberEnd.size());
  }
  if (file.base.empty() || file.base.find('.') != std::string::npos) return std::nullopt;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size != static_cast<off_t>(sizeof(sem_t)))
    return std::nullopt;
  return file;
}

}  // namespace

std::vector<SemaphoreFile> semaphore_files() {
  std::vector<SemaphoreFile> files;
  std::error_code error;
  fs::directory_iterator entry(kSemaphoreFolder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (auto file = semaphore_file(entry->path())) files.push_back(std::move(*file));
  std::sort(files.begin(), files.end(),
            [](const SemaphoreFile& a, const SemaphoreFile& b) { return a.path < b.path; });
  return files;
}

SemaphoreReport semaphores_of(const std::string& base, const std::vector<SemaphoreFile>& files) {
  SemaphoreReport report;
  for (const auto& file : files) {
    if (file.base != base) continue;
    if (file.number == SemaphoreFile::kLog)
      report.log = SemaphoreReport::Log::present;
    else
      ++(file.number < int{Layout::kSemaphores} ? report.present : report.surplus);
  }
  return report;
}

}  // namespace daohil::shm::detail
