#include "shm/survey.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "shm/detail/file_descriptor.hpp"
#include "shm/detail/semaphore_files.hpp"
#include "shm/detail/semaphores.hpp"
#include "shm/detail/writer_lock.hpp"
#include "shm/error.hpp"

namespace daohil::shm {
namespace {

namespace fs = std::filesystem;
using detail::FileDescriptor;

// Of what a file claims to be the depth, no more is believed here: its metadata are copied.
constexpr std::uint64_t kMaxSurveyedMetadata = std::uint64_t{256} << 20;
constexpr std::size_t kNanosPerSecond = 1'000'000'000;

[[noreturn]] void fail(int error, const fs::path& path) {
  const Errc code = error == ENOENT || error == ENOTDIR ? Errc::not_found
                    : error == EACCES || error == EPERM ? Errc::permission
                                                        : Errc::io;
  throw Error(code, fmt::format("look at {}: {}", path.string(), std::strerror(error)));
}

// The size of a file and its first bytes. The rest is address space that nobody may touch: the
// layout's functions take the whole file, but look at its metadata only.
class Snapshot {
 public:
  Snapshot(int fd, std::size_t size)
      : fd_(fd),
        size_(size),
        at_(::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  ~Snapshot() {
    if (*this) ::munmap(at_, size_);
  }
  [[nodiscard]] explicit operator bool() const { return at_ != MAP_FAILED; }

  /// Fetch the first bytes again, at most as many as the file has.
  bool read(std::size_t bytes) {
    bytes = std::min(bytes, size_);
    if (::mprotect(at_, bytes, PROT_READ | PROT_WRITE) != 0) return false;
    return pread_all({static_cast<std::byte*>(at_), bytes}, 0);
  }
  [[nodiscard]] bool pread_all(std::span<std::byte> into, std::size_t offset) const {
    while (!into.empty()) {
      const auto n = ::pread(fd_, into.data(), into.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      into = into.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::size_t>(n);
    }
    return true;
  }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(at_), size_};
  }

 private:
  int fd_;
  std::size_t size_;
  void* at_;
};

template <typename T>
T get(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string text(std::span<const std::byte> bytes) {
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  return {begin, ::strnlen(begin, bytes.size())};
}

// How much of the file the metadata may take, by every place where a depth may stand.
std::uint64_t metadata_to_read(std::span<const std::byte> head, std::size_t size) {
  std::uint64_t wanted = bytes::kMetadataLaterMax;
  const auto consider = [&](std::size_t at, std::uint64_t metadata) {
    if (head.size() < at + sizeof(std::uint32_t)) return;
    const std::uint64_t needed = get<std::uint32_t>(head, at) * metadata;
    if (needed <= size) wanted = std::max(wanted, needed);
  };
  consider(bytes::kFifoSize, bytes::kMetadata);
  consider(bytes::kFifoSizeLater, bytes::kMetadataLater);
  return wanted;
}

SlotReport slot_report(std::span<const std::byte> metadata, std::uint32_t slot) {
  return {.slot = slot,
          .counter = {get<std::uint64_t>(metadata, bytes::kCnt0)},
          .id = {get<std::uint64_t>(metadata, bytes::kCnt2)},
          .time = UtcTime{Duration{get<std::int64_t>(metadata, bytes::kTimeNs)}},
          .state = get<std::uint8_t>(metadata, bytes::kWrite) == 0
                       ? SlotReport::State::whole
                       : SlotReport::State::being_written};
}

std::optional<SlotReport> newest_of(std::span<const SlotReport> slots) {
  const auto newest = std::max_element(
      slots.begin(), slots.end(),
      [](const SlotReport& a, const SlotReport& b) { return a.counter < b.counter; });
  if (newest == slots.end() || newest->counter.value == 0) return std::nullopt;
  return *newest;
}

std::string value_of(std::span<const std::byte> keyword) {
  const auto value = keyword.subspan(bytes::kKeywordValue, bytes::kKeywordTextCapacity);
  switch (static_cast<char>(keyword[bytes::kKeywordType])) {
    case 'L':
      return fmt::format("{}", get<std::int64_t>(value, 0));
    case 'D':
      return fmt::format("{}", get<double>(value, 0));
    case 'S':
      return text(value);
    default:
      return {};
  }
}

KeywordReport keyword_report(std::span<const std::byte> keyword) {
  return {.name = text(keyword.subspan(bytes::kKeywordName, bytes::kKeywordType)),
          .type = static_cast<char>(keyword[bytes::kKeywordType]),
          .value = value_of(keyword),
          .comment = text(keyword.subspan(bytes::kKeywordComment))};
}

std::vector<KeywordReport> read_keywords(const Snapshot& file, std::uint16_t count) {
  std::vector<std::byte> records(count * bytes::kKeyword);
  const std::size_t size = file.bytes().size();
  if (records.size() > size || !file.pread_all(records, size - records.size())) return {};
  std::vector<KeywordReport> keywords;
  for (std::size_t k = 0; k < count; ++k)
    keywords.push_back(
        keyword_report(std::span(records).subspan(k * bytes::kKeyword, bytes::kKeyword)));
  return keywords;
}

void read_content(Snapshot& file, StreamReport& report) {
  const std::size_t size = file.bytes().size();
  std::uint64_t wanted = metadata_to_read({}, size);
  const auto cut_short = [&] { report.reason = "the file was cut short while it was looked at"; };
  if (!file.read(wanted)) return cut_short();
  wanted = metadata_to_read(file.bytes().first(std::min<std::uint64_t>(wanted, size)), size);
  if (wanted > kMaxSurveyedMetadata) {
    report.reason = fmt::format("the metadata of all its slots would be {} bytes, more than {}",
                                wanted, kMaxSurveyedMetadata);
    return;
  }
  if (!file.read(wanted)) return cut_short();
  report.layout = recognise_layout(file.bytes());
  try {
    (void)parse_layout(file.bytes(), report.path.string());
  } catch (const Error& error) {
    report.reason = error.what();
    const std::string action = fmt::format("open stream {}: ", report.path.string());
    if (report.reason.starts_with(action)) report.reason.erase(0, action.size());
  }
  if (!report.layout) return;
  for (std::uint32_t slot = 0; slot < report.layout->depth; ++slot)
    report.slots.push_back(slot_report(
        file.bytes().subspan(slot * report.layout->metadata_bytes, bytes::kMetadataBeforeFifo),
        slot));
  report.newest = newest_of(report.slots);
  report.rate_hz = rate_of(report.slots);
  report.name = text(file.bytes().subspan(bytes::kName, bytes::kNameCapacity));
  const auto created = get<double>(file.bytes(), bytes::kCreationTime);
  constexpr double kYear2200 = 7.3e9;
  if (created > 0 && created < kYear2200)
    report.created = UtcTime{Duration{std::llround(created * kNanosPerSecond)}};
  report.keywords = read_keywords(file, report.layout->keywords);
}

// The streams that names tell of, in the folders given, where streams are by convention, and where
// processes have them mapped.
using StreamsByBase = std::map<std::string, std::set<fs::path>>;

StreamsByBase streams_by_base(std::span<const fs::path> given, const Holders& holders) {
  StreamsByBase streams;
  const auto note = [&](const fs::path& path) {
    if (has_stream_name(path)) streams[semaphore_base_of(path)].insert(path);
  };
  std::vector<fs::path> folders = stream_folders();
  folders.insert(folders.end(), given.begin(), given.end());
  for (const auto& folder : folders) {
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) note(entry->path());
  }
  for (const auto& mapped : holders.paths()) note(mapped);  // "x.im.shm (deleted)" is no such name
  return streams;
}

std::vector<fs::path> others_of_its_base(const fs::path& path, const StreamsByBase& streams) {
  const auto of_base = streams.find(semaphore_base_of(path));
  if (of_base == streams.end()) return {};
  const auto same = [](const fs::path& a, const fs::path& b) {
    std::error_code error;
    if (fs::equivalent(a, b, error)) return true;
    std::error_code ignored;
    return error && fs::weakly_canonical(a, ignored) == fs::weakly_canonical(b, ignored);
  };
  std::vector<fs::path> others;
  for (const auto& other : of_base->second) {
    const auto is_other = [&](const fs::path& known) { return same(known, other); };
    if (!is_other(path) && std::none_of(others.begin(), others.end(), is_other))
      others.push_back(other);
  }
  return others;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// What is looked at once for all files of a survey.
struct Surroundings {
  std::map<std::string, std::vector<detail::SemaphoreFile>> semaphores;
  StreamsByBase streams;

  Surroundings(std::span<const fs::path> folders, const Holders& holders)
      : streams(streams_by_base(folders, holders)) {
    for (auto& file : detail::semaphore_files()) semaphores[file.base].push_back(file);
  }
};

StreamReport survey_one(const fs::path& path, const Holders& holders,
                        const Surroundings& surroundings) {
  StreamReport report;
  report.path = path;
  const FileDescriptor fd = detail::open_without_hanging(path.c_str(), O_RDONLY);
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) fail(errno, path);
  constexpr mode_t kPermissions = 07777;
  report.file_bytes = static_cast<std::uint64_t>(status.st_size);
  report.mode = status.st_mode & kPermissions;
  report.owner = status.st_uid;
  report.file = {status.st_dev, status.st_ino};
  if (!S_ISREG(status.st_mode)) {
    report.reason = "not a regular file";
    return report;
  }
  report.holders = holders.of(report.file);
  report.writer = detail::someone_holds_writer_lock(fd.get()) ? WriterPresence::alive
                  : report.holders.empty()                    ? WriterPresence::none
                                                              : WriterPresence::unknown;
  const std::string base = semaphore_base_of(path);
  if (const auto files = surroundings.semaphores.find(base); files != surroundings.semaphores.end())
    report.semaphores = detail::semaphores_of(base, files->second);
  if (report.semaphores.present > 0)
    report.shares_semaphores_with = others_of_its_base(path, surroundings.streams);
  if (status.st_size == 0) {
    report.reason = "the file has 0 bytes";
    return report;
  }
  Snapshot file(fd.get(), static_cast<std::size_t>(status.st_size));
  if (file)
    read_content(file, report);
  else
    report.reason = fmt::format("{} bytes do not fit the address space", report.file_bytes);
  return report;
}
void survey_folder(const fs::path& folder, const Holders& holders, const Surroundings& surroundings,
                   std::vector<StreamReport>& reports) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  std::vector<fs::path> paths;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (has_stream_name(entry->path())) paths.push_back(entry->path());
  if (error) fail(error.value(), folder);
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) try {
      reports.push_back(survey_one(path, holders, surroundings));
    } catch (const Error& failure) {
      if (failure.code() == Errc::not_found) continue;
      StreamReport report;
      report.path = path;
      report.reason = failure.what();
      reports.push_back(std::move(report));
    }
}

}  // namespace

std::string_view name_of(WriterPresence state) {
  switch (state) {
    case WriterPresence::alive:
      return "alive";
    case WriterPresence::unknown:
      return "maybe";
    case WriterPresence::none:
      return "no";
  }
  return "?";
}

bool has_stream_name(const fs::path& path) {
  constexpr std::string_view kEnding = ".im.shm";
  const std::string name = path.filename().string();
  return name.size() > kEnding.size() && name.ends_with(kEnding);
}

std::string semaphore_base_of(const fs::path& path) { return detail::semaphore_base(path); }

std::vector<fs::path> streams_sharing_semaphores(const fs::path& path, const Holders& holders) {
  const fs::path folder = folder_of(path);
  return others_of_its_base(path, streams_by_base(std::span(&folder, 1), holders));
}

std::optional<std::string> shared_semaphores_warning(const fs::path& path,
                                                     std::span<const fs::path> others) {
  if (others.empty()) return std::nullopt;
  std::string names;
  for (const auto& other : others)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", other.string());
  return fmt::format(
      "stream {} has the semaphores {}_sem00 .. of {} too: who waits for one is woken by the "
      "frames of both; give them names that differ before the first dot",
      path.string(), semaphore_base_of(path), names);
}

std::optional<double> rate_of(std::span<const SlotReport> slots) {
  std::vector<SlotReport> frames;
  for (const auto& slot : slots)
    if (slot.counter.value > 0 && slot.state == SlotReport::State::whole) frames.push_back(slot);
  std::sort(frames.begin(), frames.end(),
            [](const SlotReport& a, const SlotReport& b) { return a.counter > b.counter; });
  std::size_t last = 0;
  while (last + 1 < frames.size() && frames[last].counter == frames[last + 1].counter + 1) ++last;
  if (last == 0) return std::nullopt;
  const auto ns = frames[0].time.count() - frames[last].time.count();
  if (ns <= 0) return std::nullopt;
  return static_cast<double>(last) * static_cast<double>(kNanosPerSecond) / static_cast<double>(ns);
}

StreamReport survey_file(const fs::path& path, const Holders& holders) {
  const fs::path folder = folder_of(path);
  return survey_one(path, holders, Surroundings(std::span(&folder, 1), holders));
}

std::vector<StreamReport> survey(std::span<const fs::path> folders, const Holders& holders) {
  const Surroundings surroundings(folders, holders);
  std::vector<StreamReport> reports;
  std::vector<fs::path> seen;
  for (const auto& folder : folders) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error) fail(error.value(), folder);
    if (std::find(seen.begin(), seen.end(), real) != seen.end()) continue;
    seen.push_back(real);
    survey_folder(folder, holders, surroundings, reports);
  }
  return reports;
}

std::vector<fs::path> stream_folders() {
  std::vector<fs::path> folders{"/tmp", "/dev/shm"};
  const char* milk = std::getenv("MILK_SHM_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (milk != nullptr && *milk != '\0') folders.emplace_back(milk);
  std::erase_if(folders, [](const fs::path& folder) {
    std::error_code ignored;
    return !fs::is_directory(folder, ignored);
  });
  return folders;
}

}  // namespace daohil::shm
