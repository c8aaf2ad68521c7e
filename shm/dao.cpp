// The C names that create, open, read and wait: argument checks, exceptions to codes, nothing else.

#include "shm/dao.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "shm/detail/atomic.hpp"
#include "shm/detail/dao_image.hpp"
#include "shm/survey.hpp"

namespace {

namespace shm = daohil::shm;
using namespace daohil::shm::detail;

// How long a wait outlives the stream's writer, in seconds; negative: without end.
std::atomic<double> patience{1.0};

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

// How often a wait makes the system calls that tell whether there is still something to wait for.
constexpr shm::Duration kLook = std::chrono::milliseconds(100);

// Ends a wait that would have no end, by throwing the reason.
class Watch {
 public:
  explicit Watch(const Handle& handle) : handle_(&handle) {}

  void look() {
    const shm::Reader& reader = handle_->reader;
    const std::string path = handle_->memory.path().string();
    if (reader.replaced())
      throw shm::Error(shm::Errc::not_found,
                       fmt::format("wait for stream {}: it has been replaced or removed; close it "
                                   "and open it again",
                                   path));
    const shm::MonotonicTime now = shm::system_clock().now();
    const shm::WriterState state = reader.writer_state();
    // Of a stream with its first frame alone, the creator may have left the writing to another.
    const bool gone = state == shm::WriterState::gone && reader.newest_counter() > shm::Counter{1};
    if (state == shm::WriterState::alive || (gone && !last_alive_)) last_alive_ = now;
    const double seconds = patience;
    if (state == shm::WriterState::alive || !last_alive_ || seconds < 0) return;
    if (std::chrono::duration<double>(now - *last_alive_).count() > seconds)
      throw shm::Error(shm::Errc::not_found,
                       fmt::format("wait for stream {}: its writer has gone, and for {} s nobody "
                                   "took over; daoSetPatience(-1) waits for ever",
                                   path, seconds));
  }

 private:
  const Handle* handle_;
  std::optional<shm::MonotonicTime> last_alive_;  // or known to be dead: the patience begins
};

template <typename Reached>
void wait_until(Handle& handle, const Reached& reached) {
  if (reached()) return;
  const shm::Clock& clock = shm::system_clock();
  const shm::Tail kept = handle.reader.tail();
  Watch watch(handle);
  watch.look();
  shm::MonotonicTime next_look = clock.now() + kLook;
  while (!reached()) {
    // The reader's wait looks at its tail: put it at the newest frame, the next one wakes it.
    handle.reader.reset_tail();
    if (reached()) break;
    handle.reader.wait(next_look);
    if (clock.now() < next_look) continue;
    if (!reached()) watch.look();
    next_look = clock.now() + kLook;
  }
  handle.reader.set_tail(kept);
}

// A stream created anew posts the semaphores of the old one: what wakes without a frame may be
// that.
void check_woken(Handle& handle) {
  const shm::Counter newest = handle.reader.newest_counter();
  if (newest <= handle.woken_at) Watch(handle).look();
  handle.woken_at = newest;
}

// Only where semaphores of that name were there before: the search takes milliseconds.
void warn_of_shared_semaphores(const char* name) {
  const auto others = shm::streams_sharing_semaphores(name, shm::Holders::of_host());
  if (const auto warning = shm::shared_semaphores_warning(name, others)) warn(*warning);
}

std::uint16_t checked_number(const Handle& handle, std::int32_t number) {
  require(number >= 0 && number < shm::Layout::kSemaphores,
          fmt::format("semaphore {} is outside 0 to {}", number, shm::Layout::kSemaphores - 1));
  const auto n = static_cast<std::uint16_t>(number);
  require(handle.semaphores.handle(n) != nullptr,
          fmt::format("stream {} has no semaphore {}", handle.memory.path().string(), number));
  return n;
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
    require(shared == 0 || shared == 1, fmt::format("shared is {}, expected 0 or 1", shared));
    require(NBkw >= 0 && NBkw <= UINT16_MAX, fmt::format("NBkw is {}, expected 0 to 65535", NBkw));
    const shm::CreateOptions options{.format = {shm::Shape({size, static_cast<std::size_t>(naxis)}),
                                                static_cast<shm::PixelType>(atype)},
                                     .depth = fifo_size,
                                     .keywords = static_cast<std::uint16_t>(NBkw)};
    if (shared == 1) retire_process_writer(name);
    const bool semaphores_known = shared == 1 && Semaphores::exist(name);
    shm::Segment segment = shared == 1 ? shm::Segment::create(name, options)
                                       : shm::Segment::create_private(name, options);
    // Created is not written: whoever writes first takes the lock.
    segment.unlock_for_writing();
    attach(image, std::make_unique<Handle>(std::move(segment)));
    if (semaphores_known) warn_of_shared_semaphores(name);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmInit1D(const char* name, uint32_t nbVal, IMAGE** image) {
  return guarded(__func__, [&] {
    require(image != nullptr, "NULL argument");
    constexpr std::size_t kImages = 10;
    // For the caller to free(): memory of C.
    std::unique_ptr<void, decltype(&std::free)> images(std::calloc(kImages, sizeof(IMAGE)),
                                                       &std::free);
    *image = nullptr;
    require(images != nullptr, "out of memory");
    auto* first = static_cast<IMAGE*>(images.get());
    std::uint32_t size[2] = {nbVal, 1};
    const auto status = daoShmImageCreate(first, name, 2, size, _DATATYPE_FLOAT, 1, 0);
    if (status != DAO_SUCCESS) return int{status};  // it has said why
    *image = static_cast<IMAGE*>(images.release());
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmShm2Img(const char* name, IMAGE* image) {
  return guarded(__func__, [&] {
    require(image != nullptr && name != nullptr, "NULL argument");
    attach(image, std::make_unique<Handle>(open_as_permitted(name)));
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmUnlink(const char* name) {
  return guarded(__func__, [&] {
    require(name != nullptr, "NULL argument");
    if (!shm::Segment::unlink(name))
      throw shm::Error(shm::Errc::not_found, fmt::format("unlink stream {}: there is none", name));
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

int_fast8_t daoShmWaitForNextSegment(IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    const SharedTail tail(image, handle);
    const shm::Clock& clock = shm::system_clock();
    if (handle.reader.wait(clock.now())) return DAO_SUCCESS;
    // Until daoShmGetNextSegment has a frame, not only until one is counted: at depth 1 the counter
    // may name a frame that is being rewritten.
    Watch watch(handle);
    do watch.look();
    while (!handle.reader.wait(clock.now() + kLook));
    return DAO_SUCCESS;
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
    Handle& handle = handle_of(image);
    const std::uint16_t number = checked_number(handle, semNb);
    Watch watch(handle);
    watch.look();
    while (!handle.semaphores.wait(number, shm::system_clock().now() + kLook)) watch.look();
    check_woken(handle);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmWaitForSemaphoreTimeout(IMAGE* image, int32_t semNb,
                                          const struct timespec* timeout) {
  return guarded(__func__, [&] {
    require(timeout != nullptr, "NULL argument");
    Handle& handle = handle_of(image);
    sem_t* sem = handle.semaphores.handle(checked_number(handle, semNb));
    while (sem_timedwait(sem, timeout) != 0) {
      if (errno == ETIMEDOUT) return DAO_TIMEOUT;
      require(errno == EINTR, fmt::format("wait for semaphore: {}", std::strerror(errno)));
    }
    check_woken(handle);
    return DAO_SUCCESS;
  });
}

void daoSetPatience(double seconds) { patience = seconds; }

}  // extern "C"
