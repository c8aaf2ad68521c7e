// The C names: argument checks, exceptions to codes, nothing else. What an IMAGE holds beyond its
// public fields is a Handle, kept in semReadPID, a field that the reference never uses.

#include "shm/dao.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "shm/detail/atomic.hpp"
#include "shm/detail/racy_copy.hpp"
#include "shm/detail/semaphores.hpp"
#include "shm/error.hpp"
#include "shm/layout.hpp"
#include "shm/reader.hpp"
#include "shm/segment.hpp"
#include "shm/writer.hpp"

namespace {

namespace shm = daohil::shm;

// The C structures are the layout of layout.hpp, seen from C.
static_assert(sizeof(IMAGE_METADATA) == shm::bytes::kMetadata);
static_assert(sizeof(IMAGE_KEYWORD) == shm::bytes::kKeyword);
static_assert(sizeof(IMAGE) == 168);
static_assert(sizeof(complex_float) == 8 && sizeof(complex_double) == 16);
static_assert(offsetof(IMAGE_METADATA, naxis) == shm::bytes::kNaxis);
static_assert(offsetof(IMAGE_METADATA, size) == shm::bytes::kSize);
static_assert(offsetof(IMAGE_METADATA, nelement) == shm::bytes::kNelement);
static_assert(offsetof(IMAGE_METADATA, atype) == shm::bytes::kAtype);
static_assert(offsetof(IMAGE_METADATA, creation_time) == shm::bytes::kCreationTime);
static_assert(offsetof(IMAGE_METADATA, atime) == shm::bytes::kTime);
static_assert(offsetof(IMAGE_METADATA, shared) == shm::bytes::kShared);
static_assert(offsetof(IMAGE_METADATA, sem) == shm::bytes::kSem);
static_assert(offsetof(IMAGE_METADATA, cnt0) == shm::bytes::kCnt0);
static_assert(offsetof(IMAGE_METADATA, cnt1) == shm::bytes::kCnt1);
static_assert(offsetof(IMAGE_METADATA, cnt2) == shm::bytes::kCnt2);
static_assert(offsetof(IMAGE_METADATA, write) == shm::bytes::kWrite);
static_assert(offsetof(IMAGE_METADATA, NBkw) == shm::bytes::kNbKw);
static_assert(offsetof(IMAGE_METADATA, lastNbArray) == 200);
static_assert(offsetof(IMAGE_METADATA, fifo_size) == shm::bytes::kFifoSize);
static_assert(offsetof(IMAGE_METADATA, fifo_last_written) == shm::bytes::kFifoLastWritten);
static_assert(offsetof(IMAGE_KEYWORD, value) == 24 && offsetof(IMAGE_KEYWORD, comment) == 40);
static_assert(offsetof(IMAGE, memsize) == 88 && offsetof(IMAGE, md) == 104);
static_assert(offsetof(IMAGE, array) == 112 && offsetof(IMAGE, kw) == 128);
static_assert(offsetof(IMAGE, fifo_last_read) == 152);
static_assert(offsetof(IMAGE, fifo_last_read_cnt0) == 160);

constexpr std::uint64_t kMagic = 0x64616f2d68696c31;  // "dao-hil1"

std::atomic<int> log_level{1};
thread_local std::string last_error;

int_fast8_t fail(const std::string& why) noexcept {
  try {
    last_error = why;
    if (log_level >= 1) fmt::print(stderr, "dao: {}\n", why);
  } catch (...) {  // out of memory or a closed stderr: the code still says that it failed
  }
  return DAO_ERROR;
}

struct Handle {
  std::uint64_t magic = kMagic;
  shm::Segment memory;  // what IMAGE.md and IMAGE.array point to
  shm::Reader reader;
  std::optional<shm::Writer> writer;  // from the first write on
  shm::detail::Semaphores semaphores;
  std::array<sem_t*, shm::Layout::kSemaphores> semaphore_table{};
  shm::ReadResult last_read{};

  Handle(shm::Segment segment, std::optional<shm::Writer> first_writer)
      : memory(std::move(segment)),
        reader(shm::Reader::open(memory.path())),
        writer(std::move(first_writer)),
        semaphores(shm::detail::Semaphores::open_existing(memory.path())) {
    for (std::uint16_t i = 0; i < semaphore_table.size(); ++i)
      semaphore_table[i] = semaphores.handle(i);
  }
};

struct BadImage {};

Handle& handle_of(IMAGE* image) {
  if (image == nullptr || image->used != 1 || image->semReadPID == nullptr) throw BadImage{};
  auto* handle = reinterpret_cast<Handle*>(image->semReadPID);
  if (handle->magic != kMagic) throw BadImage{};
  return *handle;
}

// The border between exceptions and codes. Whatever the body throws stays in this process.
template <typename Body>
int_fast8_t guarded(const char* function, const Body& body) noexcept {
  try {
    return static_cast<int_fast8_t>(body());
  } catch (const BadImage&) {
    return fail(fmt::format("{}: the IMAGE is NULL, closed or was never opened", function));
  } catch (const std::exception& error) {
    return fail(fmt::format("{}: {}", function, error.what()));
  }
}

void require(bool condition, const std::string& why) {
  if (!condition) throw shm::Error(shm::Errc::invalid_argument, why);
}

void attach(IMAGE* image, std::unique_ptr<Handle> handle) {
  *image = IMAGE{};
  const shm::Layout& layout = handle->memory.layout();
  const std::string name = handle->memory.path().string();
  std::memcpy(image->name, name.data(), std::min(name.size(), sizeof image->name - 1));
  image->used = 1;
  image->shmfd = -1;
  image->memsize = layout.file_bytes();
  // Users may scribble where the file's mode allows it; on a read-only mapping they may not.
  auto* base = const_cast<std::byte*>(handle->memory.bytes().data());
  image->md = reinterpret_cast<IMAGE_METADATA*>(base);
  image->array.V = base + layout.pixels_at(0);
  image->kw = reinterpret_cast<IMAGE_KEYWORD*>(base + layout.keywords_at());
  image->semptr = handle->semaphore_table.data();
  image->semlog = handle->semaphores.log_handle();
  image->fifo_last_read = handle->reader.tail().slot;
  image->fifo_last_read_cnt0 = handle->reader.tail().counter.value;
  image->semReadPID = reinterpret_cast<pid_t*>(handle.release());
}

shm::Segment open_as_permitted(const std::filesystem::path& path) {
  try {
    return shm::Segment::open(path, shm::Access::read_write);
  } catch (const shm::Error& error) {
    if (error.code() != shm::Errc::permission) throw;
    return shm::Segment::open(path, shm::Access::read);
  }
}

// The tail lives in the IMAGE, where programs look at it and may have moved it.
class SharedTail {
 public:
  SharedTail(IMAGE* image, Handle& handle) : image_(image), handle_(handle) {
    handle_.reader.set_tail({image->fifo_last_read, {image->fifo_last_read_cnt0}});
  }
  SharedTail(const SharedTail&) = delete;
  ~SharedTail() {
    image_->fifo_last_read = handle_.reader.tail().slot;
    image_->fifo_last_read_cnt0 = handle_.reader.tail().counter.value;
  }

 private:
  IMAGE* image_;
  Handle& handle_;
};

template <typename T>
void set(T* where, T value) {
  if (where != nullptr) *where = value;
}

// Pixels in the mapping that the IMAGE shows, not in the reader's read-only one.
void* pixels_of(IMAGE* image, const Handle& handle, std::uint32_t slot) {
  return static_cast<std::byte*>(image->array.V) + slot * handle.memory.layout().format().bytes();
}

int deliver(IMAGE* image, Handle& handle, const shm::ReadResult& frame, void** segment,
            std::uint32_t* index, std::uint64_t* counter) {
  if (frame.status == shm::ReadStatus::not_ready) return DAO_NOTREADY;
  // Nothing whole to hand out, the writer is faster than one look: the reference has no code for
  // it. "Nothing yet" makes callers come again.
  if (!frame.has_frame()) return DAO_NOTREADY;
  handle.last_read = frame;
  set(segment, pixels_of(image, handle, frame.slot));
  set(index, frame.slot);
  set(counter, frame.counter.value);
  return frame.status == shm::ReadStatus::overwrite ? DAO_OVERWRITE : DAO_SUCCESS;
}

constexpr shm::Duration kWaitSlice = std::chrono::milliseconds(100);

template <typename Reached>
void wait_until(Handle& handle, const Reached& reached) {
  const shm::Tail kept = handle.reader.tail();
  while (!reached()) {
    // The reader's wait looks at its tail: put it at the newest frame, the next one wakes it.
    handle.reader.reset_tail();
    if (reached()) break;
    handle.reader.wait(shm::system_clock().now() + kWaitSlice);
  }
  handle.reader.set_tail(kept);
}

sem_t* semaphore(const Handle& handle, std::int32_t number) {
  require(number >= 0 && number < shm::Layout::kSemaphores,
          fmt::format("semaphore {} is outside 0 to {}", number, shm::Layout::kSemaphores - 1));
  sem_t* sem = handle.semaphores.handle(static_cast<std::uint16_t>(number));
  require(sem != nullptr,
          fmt::format("stream {} has no semaphore {}", handle.memory.path().string(), number));
  return sem;
}

}  // namespace

extern "C" {

int_fast8_t daoShmImageCreate(IMAGE* image, const char* name, long naxis, uint32_t* size,
                              uint8_t atype, int shared, int NBkw) {
  return daoShmImageCreate_FIFO(image, name, naxis, size, atype, shared, NBkw, 1);
}

int_fast8_t daoShmImageCreate_FIFO(IMAGE* image, const char* name, long naxis, uint32_t* size,
                                   uint8_t atype, int shared, int NBkw, uint32_t fifo_size) {
  return guarded(__func__, [&] {
    require(image != nullptr && name != nullptr && size != nullptr, "NULL argument");
    require(naxis >= 1 && naxis <= 3, fmt::format("naxis is {}, expected 1 to 3", naxis));
    require(shm::is_pixel_type(atype), fmt::format("atype is {}, expected 1 to 12", atype));
    require(shared == 1, fmt::format("shared is {}: only shared images (1) are offered", shared));
    require(NBkw >= 0 && NBkw <= UINT16_MAX, fmt::format("NBkw is {}, expected 0 to 65535", NBkw));
    const shm::CreateOptions options{.format = {shm::Shape({size, static_cast<std::size_t>(naxis)}),
                                                static_cast<shm::PixelType>(atype)},
                                     .depth = fifo_size,
                                     .keywords = static_cast<std::uint16_t>(NBkw)};
    shm::Writer writer = shm::Writer::create(name, options);
    attach(image, std::make_unique<Handle>(shm::Segment::open(name, shm::Access::read_write),
                                           std::move(writer)));
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmShm2Img(const char* name, IMAGE* image) {
  return guarded(__func__, [&] {
    require(image != nullptr && name != nullptr, "NULL argument");
    attach(image, std::make_unique<Handle>(open_as_permitted(name), std::nullopt));
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmCloseShm(IMAGE* image) {
  return guarded(__func__, [&] {
    const std::unique_ptr<Handle> handle(&handle_of(image));
    handle->magic = 0;
    *image = IMAGE{};
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmImage2Shm(void* im, uint32_t nbVal, IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const shm::FrameFormat& format = handle.memory.layout().format();
    require(im != nullptr, "NULL argument");
    require(nbVal <= format.elements(), fmt::format("{} elements given, a frame of {} has {}",
                                                    nbVal, format.str(), format.elements()));
    if (!handle.writer) handle.writer.emplace(shm::Writer::attach(handle.memory.path()));
    shm::Slot slot = handle.writer->begin();
    shm::detail::racy_fill(slot.pixels().data(), static_cast<const std::byte*>(im),
                           nbVal * shm::bytes_of(format.type()));
    // The reference leaves cnt2 to the application; keep what it put there.
    const auto id =
        shm::detail::load<std::uint64_t>(handle.writer->segment().metadata(slot.index()),
                                         shm::bytes::kCnt2, std::memory_order_relaxed);
    slot.commit({id});
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmGetNewestSegment(IMAGE* image, void** segment, uint32_t* index,
                                   uint64_t* counter) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const shm::Tail newest = handle.reader.newest_published();
    shm::ReadResult frame;
    frame.status = shm::ReadStatus::success;
    frame.slot = newest.slot;
    frame.counter = newest.counter;
    return deliver(image, handle, frame, segment, index, counter);
  });
}

int_fast8_t daoShmGetNextSegment(IMAGE* image, void** segment, uint32_t* index, uint64_t* counter) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const SharedTail tail(image, handle);
    return deliver(image, handle, handle.reader.next_in_place(), segment, index, counter);
  });
}

int_fast8_t daoShmWaitForNextSegment(IMAGE* image, void** segment, uint32_t* index,
                                     uint64_t* counter) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const SharedTail tail(image, handle);
    for (;;) {
      const int status =
          deliver(image, handle, handle.reader.next_in_place(), segment, index, counter);
      if (status != DAO_NOTREADY) return status;
      handle.reader.wait(shm::system_clock().now() + kWaitSlice);
    }
  });
}

int_fast8_t daoShmGetArbitrarySegment(IMAGE* image, void** segment, uint_fast32_t index) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    shm::ReadResult& frame = handle.last_read;
    frame.status = shm::ReadStatus::success;
    frame.slot = static_cast<std::uint32_t>(index % handle.reader.depth());
    frame.counter = {shm::detail::load<std::uint64_t>(
        handle.memory.metadata(frame.slot), shm::bytes::kCnt0, std::memory_order_acquire)};
    set(segment, pixels_of(image, handle, frame.slot));
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmCheckSegmentOverwrite(IMAGE* image) {
  return guarded(__func__, [&] {
    const Handle& handle = handle_of(image);
    return handle.reader.intact(handle.last_read) ? DAO_SUCCESS : DAO_OVERWRITE;
  });
}

int_fast8_t daoShmResetTail(IMAGE* image, uint32_t* index, uint64_t* counter) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const SharedTail written_back(image, handle);
    const shm::Tail tail = handle.reader.reset_tail();
    set(index, tail.slot);
    set(counter, tail.counter.value);
    return DAO_SUCCESS;
  });
}

uint64_t daoShmGetCounter(IMAGE* image) {
  std::uint64_t counter = 0;
  guarded(__func__, [&] {
    counter = handle_of(image).reader.newest_counter().value;
    return DAO_SUCCESS;
  });
  return counter;
}

int_fast8_t daoShmWaitForCounter(IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const shm::Counter before = handle.reader.newest_counter();
    wait_until(handle, [&] { return handle.reader.newest_counter() > before; });
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmWaitForTargetCounter(IMAGE* image, uint64_t counter) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    wait_until(handle, [&] { return handle.reader.newest_counter().value >= counter; });
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmWaitForSemaphore(IMAGE* image, int32_t semNb) {
  return guarded(__func__, [&] {
    sem_t* sem = semaphore(handle_of(image), semNb);
    while (sem_wait(sem) != 0)
      require(errno == EINTR, fmt::format("wait for semaphore: {}", std::strerror(errno)));
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmWaitForSemaphoreTimeout(IMAGE* image, int32_t semNb,
                                          const struct timespec* timeout) {
  return guarded(__func__, [&] {
    require(timeout != nullptr, "NULL argument");
    sem_t* sem = semaphore(handle_of(image), semNb);
    while (sem_timedwait(sem, timeout) != 0) {
      if (errno == ETIMEDOUT) return DAO_TIMEOUT;
      require(errno == EINTR, fmt::format("wait for semaphore: {}", std::strerror(errno)));
    }
    return DAO_SUCCESS;
  });
}

const char* daoLastError(void) { return last_error.c_str(); }

void daoSetLogLevel(int logLevel) { log_level = logLevel; }

int daoGetLogLevel(void) { return log_level; }

}  // extern "C"
