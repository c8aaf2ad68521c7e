#include "shm/detail/semaphores.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <cstring>
#include <utility>

#include "shm/error.hpp"

namespace daohil::shm::detail {
namespace {

constexpr mode_t kMode = 0644;

std::string semaphore_name(const std::string& base, std::size_t i) {
  return i < Layout::kSemaphores ? fmt::format("/{}_sem{:02}", base, i)
                                 : fmt::format("/{}_semlog", base);
}

#if defined(__GLIBC__) && defined(__LP64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
// glibc keeps the value of a semaphore in the low half of its first eight bytes, waiters in the
// high half (struct new_sem, since 2.21; programs of different ages share named semaphores, so
// that it cannot change unnoticed), and sem_getvalue is a relaxed load of them. Eleven calls of it
// were half of what a publication costs when nobody waits.
std::uint32_t value_of(sem_t* sem) noexcept {
  auto& word = *reinterpret_cast<std::uint64_t*>(sem);
  return static_cast<std::uint32_t>(
      std::atomic_ref<std::uint64_t>(word).load(std::memory_order_relaxed));
}
#else
std::uint32_t value_of(sem_t* sem) noexcept {
  int value = 0;
  return sem_getvalue(sem, &value) == 0 && value >= 0 ? static_cast<std::uint32_t>(value) : 0;
}
#endif

void post_up_to_one(sem_t* sem) noexcept {
  if (sem != nullptr && value_of(sem) == 0) sem_post(sem);
}

}  // namespace

std::string semaphore_base(const std::filesystem::path& stream) {
  const std::string file = stream.filename().string();
  return file.substr(0, file.find('.'));
}

Semaphores Semaphores::open(const std::filesystem::path& stream, Missing missing) {
  const std::string base = semaphore_base(stream);
  if (base.empty())
    throw Error(Errc::invalid_argument,
                fmt::format("stream {}: nothing before the first dot of the file name, from which "
                            "its semaphores are named; use <name>.im.shm",
                            stream.string()));
  Semaphores set;
  for (std::size_t i = 0; i < set.handles_.size(); ++i) {
    const std::string name = semaphore_name(base, i);
    sem_t* sem = missing == Missing::create ? sem_open(name.c_str(), O_CREAT, kMode, 0)
                                            : sem_open(name.c_str(), 0);
    if (sem != SEM_FAILED) {
      set.handles_[i] = sem;
    } else if (missing == Missing::create) {
      const char* why = std::strerror(errno);  // before anything below allocates
      throw Error(Errc::io,
                  fmt::format("stream {}: create semaphore {}: {}", stream.string(), name, why));
    }
  }
  return set;
}

Semaphores Semaphores::create(const std::filesystem::path& stream) {
  Semaphores set = open(stream, Missing::create);
  // A reference reader opens sem00, sem01, ... until one is missing, into a table of ten.
  for (std::size_t i = Layout::kSemaphores; i < 100; ++i)
    sem_unlink(fmt::format("/{}_sem{:02}", semaphore_base(stream), i).c_str());
  return set;
}

Semaphores Semaphores::open_existing(const std::filesystem::path& stream) {
  return open(stream, Missing::leave);
}

bool Semaphores::exist(const std::filesystem::path& stream) {
  const std::string name = semaphore_name(semaphore_base(stream), 0);
  sem_t* sem = sem_open(name.c_str(), 0);
  if (sem == SEM_FAILED) return errno == EACCES;
  sem_close(sem);
  return true;
}

void Semaphores::unlink(const std::filesystem::path& stream) noexcept {
  try {
    const std::string base = semaphore_base(stream);
    if (base.empty()) return;
    for (std::size_t i = 0; i <= Layout::kSemaphores; ++i)
      sem_unlink(semaphore_name(base, i).c_str());
  } catch (...) {  // out of memory while tearing down: the names stay, nothing else can be done
  }
}

Semaphores::Semaphores(Semaphores&& other) noexcept : handles_(std::exchange(other.handles_, {})) {}

Semaphores& Semaphores::operator=(Semaphores&& other) noexcept {
  if (this != &other) {
    close();
    handles_ = std::exchange(other.handles_, {});
  }
  return *this;
}

Semaphores::~Semaphores() { close(); }

void Semaphores::close() noexcept {
  for (sem_t*& sem : handles_)
    if (sem != nullptr) sem_close(std::exchange(sem, nullptr));
}

void Semaphores::post_all() noexcept {
  for (sem_t* sem : handles_) post_up_to_one(sem);
}

void Semaphores::post(std::uint16_t number) noexcept { post_up_to_one(handle(number)); }

void Semaphores::post_log() noexcept { post_up_to_one(log_handle()); }

bool Semaphores::wait(std::uint16_t number, MonotonicTime deadline) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t ns = deadline.count() > 0 ? deadline.count() : 0;
  const timespec until{ns / kSecond, ns % kSecond};
  int result = 0;
  do {
    result = sem_clockwait(handle(number), CLOCK_MONOTONIC, &until);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

sem_t* Semaphores::handle(std::uint16_t number) const {
  return number < Layout::kSemaphores ? handles_[number] : nullptr;
}

}  // namespace daohil::shm::detail
