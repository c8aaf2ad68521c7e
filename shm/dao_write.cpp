// The writing half of the C names: frames whole and in parts, sums, semaphores.

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "shm/dao.h"
#include "shm/detail/atomic.hpp"
#include "shm/detail/dao_image.hpp"
#include "shm/detail/racy_copy.hpp"

namespace {

namespace shm = daohil::shm;
using namespace daohil::shm::detail;

constexpr int kMostChannels = 1024;
constexpr int kSumAttempts = 16;

const shm::FrameFormat& format_of(const Handle& handle) { return handle.memory.layout().format(); }

void require_fits(const Handle& handle, std::uint64_t first, std::uint64_t elements) {
  const shm::FrameFormat& format = format_of(handle);
  require(first <= format.elements() && elements <= format.elements() - first,
          first == 0 ? fmt::format("{} elements given, a frame of {} has {}", elements,
                                   format.str(), format.elements())
                     : fmt::format("{} elements given from {} on, a frame of {} has {}", elements,
                                   first, format.str(), format.elements()));
}

// The slot of the next frame, marked as being written until it is published.
shm::Slot& slot_of(Handle& handle) {
  shm::Writer& writer = handle.writing();
  if (!handle.open_slot) handle.open_slot.emplace(writer.begin());
  return *handle.open_slot;
}

void fill(Handle& handle, std::uint64_t first, const void* from, std::uint64_t elements) {
  const std::size_t size = shm::bytes_of(format_of(handle).type());
  racy_fill(slot_of(handle).pixels().data() + first * size, static_cast<const std::byte*>(from),
            elements * size);
}

// Who has a removed stream open goes on reading it, and nobody else ever will: its writer goes on,
// as with the reference, but is told, once. Two system calls a second; the clock itself takes none.
void look_at_path(Handle& handle) {
  constexpr shm::Duration kNever = shm::Duration::max();
  if (handle.next_look == kNever) return;
  timespec coarse{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
  const shm::Duration now = std::chrono::seconds(coarse.tv_sec) + shm::Duration(coarse.tv_nsec);
  if (now < handle.next_look) return;
  handle.next_look = now + std::chrono::seconds(1);
  if (!handle.memory.replaced()) return;
  handle.next_look = kNever;
  warn(
      fmt::format("write stream {}: it has been replaced or removed; who opens that path now does "
                  "not see these frames; close it and open it again",
                  handle.memory.path().string()));
}

void publish(Handle& handle) {
  look_at_path(handle);
  shm::Slot& slot = slot_of(handle);
  // The reference leaves cnt2 to the application; keep what it put there.
  const auto id = load<std::uint64_t>(handle.memory.metadata(slot.index()), shm::bytes::kCnt2,
                                      std::memory_order_relaxed);
  slot.commit({id});
  handle.open_slot.reset();
}

// Another IMAGE of this process may have published the slot since it was opened.
void forget_stale_slot(Handle& handle) {
  if (handle.open_slot && handle.open_slot->counter() <= handle.writing().newest())
    handle.open_slot.reset();
}

// Integers wrap, and signed ones must not do so by undefined behaviour.
template <typename T>
T wrapping_sum(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(static_cast<U>(a) + static_cast<U>(b)));
  } else {
    return a + b;
  }
}

template <typename T>
void add(std::span<std::byte> sum, std::span<const std::byte> frame) {
  for (std::size_t at = 0; at < sum.size(); at += sizeof(T)) {
    T a;
    T b;
    std::memcpy(&a, sum.data() + at, sizeof a);
    std::memcpy(&b, frame.data() + at, sizeof b);
    a = wrapping_sum(a, b);
    std::memcpy(sum.data() + at, &a, sizeof a);
  }
}

using Adder = void (*)(std::span<std::byte>, std::span<const std::byte>);

Adder adder_of(shm::PixelType type) {
  switch (type) {
    case shm::PixelType::u8:
      return add<std::uint8_t>;
    case shm::PixelType::i8:
      return add<std::int8_t>;
    case shm::PixelType::u16:
      return add<std::uint16_t>;
    case shm::PixelType::i16:
      return add<std::int16_t>;
    case shm::PixelType::u32:
      return add<std::uint32_t>;
    case shm::PixelType::i32:
      return add<std::int32_t>;
    case shm::PixelType::u64:
      return add<std::uint64_t>;
    case shm::PixelType::i64:
      return add<std::int64_t>;
    case shm::PixelType::f32:
    case shm::PixelType::c64:
      return add<float>;  // a complex number is two of them
    case shm::PixelType::f64:
    case shm::PixelType::c128:
      return add<double>;
  }
  return add<std::uint8_t>;
}

// The newest frame, verified: a sum with a torn frame in it would look like any other.
void newest_of(Handle& input, std::vector<std::byte>& frame) {
  frame.resize(format_of(input).bytes());
  for (int attempt = 0; attempt < kSumAttempts; ++attempt) {
    const shm::ReadResult read = input.reader.newest(frame);
    if (read.has_frame()) return;
    if (read.status ==
        shm::ReadStatus::not_ready)  // nothing written yet: what creating left, zeros
      return std::fill(frame.begin(), frame.end(), std::byte{0});
  }
  throw shm::Error(shm::Errc::busy,
                   fmt::format("read stream {}: its writer kept overtaking the copy",
                               input.memory.path().string()));
}

}  // namespace

extern "C" {

int_fast8_t daoShmImage2ShmQuiet(void* im, uint32_t nbVal, IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    require(im != nullptr, "NULL argument");
    require_fits(handle, 0, nbVal);
    forget_stale_slot(handle);
    fill(handle, 0, im, nbVal);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmImage2Shm(void* im, uint32_t nbVal, IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    require(im != nullptr, "NULL argument");
    require_fits(handle, 0, nbVal);
    forget_stale_slot(handle);
    fill(handle, 0, im, nbVal);
    publish(handle);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmImagePart2Shm(char* im, uint32_t nbVal, IMAGE* image, uint32_t position,
                                uint16_t packetId, uint16_t packetTotal, uint64_t frameNumber) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    require(im != nullptr, "NULL argument");
    require_fits(handle, position, nbVal);
    require(packetId < shm::bytes::kPackets,
            fmt::format("packetId is {}, expected 0 to {}", packetId, shm::bytes::kPackets - 1));
    forget_stale_slot(handle);
    fill(handle, position, im, nbVal);
    slot_of(handle).note({position, nbVal, packetId, packetTotal, frameNumber});
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmImagePart2ShmFinalize(IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    forget_stale_slot(handle);
    publish(handle);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmTimestampShm(IMAGE* image) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    if (handle.memory.layout().depth() > 1) {
      handle.writing().restamp();
    } else {
      forget_stale_slot(handle);
      publish(handle);
    }
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmCombineShm2Shm(IMAGE** imageCube, IMAGE* image, int nbChannel, int nbVal) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    require(imageCube != nullptr, "NULL argument");
    require(nbChannel >= 1 && nbChannel <= kMostChannels,
            fmt::format("nbChannel is {}, expected 1 to {}", nbChannel, kMostChannels));
    require(nbVal >= 0, fmt::format("nbVal is {}", nbVal));
    const auto elements = static_cast<std::uint64_t>(nbVal);
    require_fits(handle, 0, elements);

    const shm::PixelType type = format_of(handle).type();
    const std::size_t bytes = elements * shm::bytes_of(type);
    std::vector<std::byte> sum(bytes);
    std::vector<std::byte> frame;
    for (int channel = 0; channel < nbChannel; ++channel) {
      Handle& input = handle_of(imageCube[channel]);
      require(format_of(input).type() == type,
              fmt::format("stream {} holds {}, the sum {}", input.memory.path().string(),
                          shm::name_of(format_of(input).type()), shm::name_of(type)));
      require_fits(input, 0, elements);
      newest_of(input, frame);
      adder_of(type)(sum, std::span(frame).first(bytes));
    }
    forget_stale_slot(handle);
    fill(handle, 0, sum.data(), elements);
    publish(handle);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoShmImageCreateSem(IMAGE* image, long NBsem) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    require(NBsem >= 1 && NBsem <= shm::Layout::kSemaphores,
            fmt::format("NBsem is {}, expected 1 to {}", NBsem, shm::Layout::kSemaphores));
    require(!handle.memory.is_private(), "a private image has no semaphores");
    require(handle.memory.access() == shm::Access::read_write,
            fmt::format("stream {} is open for reading only", handle.memory.path().string()));
    Semaphores::create(handle.memory.path());
    handle.open_semaphores();
    image->semlog = handle.semaphores.log_handle();
    store<std::uint16_t>(handle.memory.writable_metadata(0), shm::bytes::kSem,
                         static_cast<std::uint16_t>(NBsem), std::memory_order_relaxed);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoImageCreateSem(IMAGE* image, long NBsem) {
  return daoShmImageCreateSem(image, NBsem);
}

int_fast8_t daoSemPost(IMAGE* image, int32_t semNb) {
  return guarded(__func__, [&] {
    Handle& handle = handle_of(image);
    require(semNb >= 0 && semNb < shm::Layout::kSemaphores,
            fmt::format("semaphore {} is outside 0 to {}", semNb, shm::Layout::kSemaphores - 1));
    handle.semaphores.post(static_cast<std::uint16_t>(semNb));
    return DAO_SUCCESS;
  });
}

int_fast8_t daoSemPostAll(IMAGE* image) {
  return guarded(__func__, [&] {
    Semaphores& semaphores = handle_of(image).semaphores;
    for (std::uint16_t i = 0; i < shm::Layout::kSemaphores; ++i) semaphores.post(i);
    return DAO_SUCCESS;
  });
}

int_fast8_t daoSemLogPost(IMAGE* image) {
  return guarded(__func__, [&] {
    handle_of(image).semaphores.post_log();
    return DAO_SUCCESS;
  });
}

}  // extern "C"
