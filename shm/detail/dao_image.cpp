#include "shm/detail/dao_image.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

namespace daohil::shm::detail {
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
static_assert(offsetof(IMAGE_METADATA, lastNbArray) == shm::bytes::kLastNbArray);
static_assert(offsetof(IMAGE_METADATA, fifo_size) == shm::bytes::kFifoSize);
static_assert(offsetof(IMAGE_METADATA, fifo_last_written) == shm::bytes::kFifoLastWritten);
static_assert(offsetof(IMAGE_KEYWORD, value) == 24 && offsetof(IMAGE_KEYWORD, comment) == 40);
static_assert(offsetof(IMAGE, memsize) == 88 && offsetof(IMAGE, md) == 104);
static_assert(offsetof(IMAGE, array) == 112 && offsetof(IMAGE, kw) == 128);
static_assert(offsetof(IMAGE, fifo_last_read) == 152);
static_assert(offsetof(IMAGE, fifo_last_read_cnt0) == 160);

// One process is one writer, whichever of its IMAGEs it writes with: programs for the reference
// create with one and write with another.
class ProcessWriters {
 public:
  std::shared_ptr<ProcessWriter> of(const Segment& segment) {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : writers_)
      if (auto known = weak.lock(); known && known->writer.segment().same_stream(segment))
        return known;
    if (segment.replaced())
      throw Error(Errc::busy, fmt::format("write to stream {}: it has been replaced or removed; "
                                          "close it and open it again",
                                          segment.path().string()));
    std::erase_if(writers_, [](const auto& weak) { return weak.expired(); });
    auto made = std::make_shared<ProcessWriter>(ProcessWriter{Writer::over(segment.share())});
    writers_.push_back(made);
    return made;
  }

  void retire(const std::string& path) {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : writers_) {
      const auto known = weak.lock();
      if (!known || known->retired || known->writer.segment().path() != path) continue;
      known->retired = true;
      known->writer.segment().share().unlock_for_writing();
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<ProcessWriter>> writers_;
};

ProcessWriters& process_writers() {
  static ProcessWriters writers;
  return writers;
}

}  // namespace

std::shared_ptr<ProcessWriter> process_writer(const Segment& segment) {
  return process_writers().of(segment);
}

void retire_process_writer(const std::string& path) { process_writers().retire(path); }

Handle::Handle(Segment segment) : memory(std::move(segment)), reader(Reader::over(memory.share())) {
  if (!memory.is_private()) open_semaphores();
  woken_at = reader.newest_counter();
}

void Handle::open_semaphores() {
  semaphores = Semaphores::open_existing(memory.path());
  for (std::uint16_t i = 0; i < semaphore_table.size(); ++i)
    semaphore_table[i] = semaphores.handle(i);
}

Writer& Handle::writing() {
  if (!writer) writer = process_writer(memory);
  if (writer->retired)
    throw Error(Errc::busy, fmt::format("write to stream {}: this process has created it anew; "
                                        "close this IMAGE",
                                        memory.path().string()));
  return writer->writer;
}

Handle& handle_of(IMAGE* image) {
  if (image == nullptr || image->used != 1 || image->semReadPID == nullptr) throw BadImage{};
  auto* handle = reinterpret_cast<Handle*>(image->semReadPID);
  if (handle->magic != Handle::kMagic) throw BadImage{};
  return *handle;
}

void attach(IMAGE* image, std::unique_ptr<Handle> handle) {
  *image = IMAGE{};
  const Layout& layout = handle->memory.layout();
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

void require(bool condition, const std::string& why) {
  if (!condition) throw Error(Errc::invalid_argument, why);
}

}  // namespace daohil::shm::detail
