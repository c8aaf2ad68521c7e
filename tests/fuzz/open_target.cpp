// One input: a file, opened as a stream and read through every interface. Ends the process with a
// message when a promise is broken.
//
// A file that is refused gives one line that names action, path, field and value, the same from
// C++ and from C. A file that is accepted fulfils section "The bytes" of shm/README.md, computed
// here once more from offsets of our own, and what is read from it is what lies there.

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "shm/dao.h"
#include "shm/error.hpp"
#include "shm/reader.hpp"
#include "shm/reference_reader.hpp"
#include "stream_file.hpp"

namespace {

using namespace daohil;

void require(bool promise, std::string_view what) {
  if (promise) return;
  fmt::print(stderr, "open_target: broken promise: {}\n", what);
  std::abort();
}

// A file without a name: nothing is left behind, however the process ends.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("stream", MFD_CLOEXEC)) {
    require(fd_ >= 0, "memfd_create works");
    path_ = fmt::format("/proc/self/fd/{}", fd_);
  }
  MemoryFile(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(fd_); }

  void hold(std::span<const std::byte> bytes) const {
    require(::ftruncate(fd_, static_cast<off_t>(bytes.size())) == 0 &&
                ::pwrite(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
            "the file can be written");
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

// ------------------------------------------------------------------------------ what was promised

// Products of lying sizes do not overflow it.
__extension__ using Wide = unsigned __int128;

constexpr std::array<std::size_t, 13> kElementBytes{0, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 8, 16};

template <typename T>
T at(std::span<const std::byte> file, std::size_t offset) {
  T value{};
  require(offset + sizeof value <= file.size(), "an accepted file holds its metadata");
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

struct Geometry {
  std::size_t depth;
  std::size_t frame;

  [[nodiscard]] std::size_t pixels(std::size_t slot) const { return depth * 4304 + slot * frame; }
};

Geometry checked_geometry(std::span<const std::byte> file) {
  const std::size_t depth = at<std::uint32_t>(file, 4296);
  require(depth >= 1 && depth <= 1'000'000, "fifo_size is 1 to 10^6");
  require(at<std::uint32_t>(file, 4300) < depth, "fifo_last_written is a slot");
  require(at<std::uint16_t>(file, 148) <= 10, "at most ten semaphores");
  require(std::memchr(file.data(), 0, 80) != nullptr, "the name ends within its 80 bytes");
  Geometry geometry{depth, 0};
  for (std::size_t slot = 0; slot < depth; ++slot) {
    const std::size_t md = slot * 4304;
    const auto naxis = at<std::uint8_t>(file, md + 80);
    require(naxis >= 1 && naxis <= 3, "1 to 3 axes");
    Wide elements = 1;
    for (std::size_t axis = 0; axis < naxis; ++axis)
      elements *= at<std::uint32_t>(file, md + 84 + 4 * axis);
    require(elements > 0 && elements == at<std::uint64_t>(file, md + 96), "nelement is right");
    const auto atype = at<std::uint8_t>(file, md + 104);
    require(atype >= 1 && atype <= 12, "atype is 1 to 12");
    const Wide frame = elements * kElementBytes[atype];
    require(frame < file.size(), "a frame is smaller than the file");
    require(slot == 0 || frame == geometry.frame, "all slots say the same");
    geometry.frame = static_cast<std::size_t>(frame);
  }
  const std::size_t keywords = at<std::uint16_t>(file, 178);
  require(file.size() == depth * (4304 + geometry.frame) + keywords * 120, "the size is right");
  return geometry;
}

void check_message(std::string_view message, const std::string& path) {
  const std::string action = fmt::format("open stream {}: ", path);
  require(message.starts_with(action), fmt::format("action and path begin '{}'", message));
  const std::string_view reason = message.substr(action.size());
  require(!reason.empty(), "a reason is given");
  require(reason.find('\n') == std::string_view::npos, fmt::format("one line: '{}'", message));
  require(reason.find("open stream") == std::string_view::npos, "one message, not two");
  const auto names = [&](std::string_view field) { return reason.starts_with(field); };
  require(names("naxis") || names("size[") || names("atype") || names("nelement") ||
              names("NBkw") || names("fifo_size") || names("fifo_last_written") || names("sem ") ||
              names("name ") || names("the file has ") || names("a frame of ") ||
              reason.find(" exceed") != std::string_view::npos,
          fmt::format("the field is named: '{}'", message));
  // The name is not shown: it may be 80 bytes of anything.
  require(names("name ") || reason.find_first_of("0123456789") != std::string_view::npos,
          fmt::format("the value is given: '{}'", message));
}

// --------------------------------------------------------------------------------------- reading

struct Opened {
  std::span<const std::byte> file;
  Geometry geometry;
};

void check_frame(const Opened& opened, const shm::ReadResult& frame) {
  if (!frame.has_frame()) return;
  require(frame.slot < opened.geometry.depth, "the slot is one of the ring");
  const std::size_t md = frame.slot * 4304;
  require(frame.counter.value == at<std::uint64_t>(opened.file, md + 152), "the slot's counter");
  require(at<std::uint8_t>(opened.file, md + 176) == 0, "a marked slot is not delivered");
  require(frame.id.value == at<std::uint64_t>(opened.file, md + 168), "the slot's frame id");
  require(frame.pixels.size() == opened.geometry.frame, "one frame of pixels");
  require(std::memcmp(frame.pixels.data(), opened.file.data() + opened.geometry.pixels(frame.slot),
                      frame.pixels.size()) == 0,
          "the slot's pixels");
}

void read_all(const Opened& opened, const std::string& path) {
  shm::Reader reader = shm::Reader::open(path);
  std::vector<std::byte> pixels(opened.geometry.frame);
  const shm::MonotonicTime past{};
  check_frame(opened, reader.newest(pixels));
  check_frame(opened, reader.newest_in_place());
  for (std::uint32_t slot = 0; slot < std::min<std::size_t>(opened.geometry.depth, 4); ++slot) {
    // As if the frame of each slot had been the last one read.
    reader.set_tail({slot, {at<std::uint64_t>(opened.file, slot * 4304 + 152)}});
    reader.wait(past, shm::Wait::sleep);
    reader.wait(past, shm::Wait::spin);
    const shm::ReadResult in_place = reader.next_in_place();
    check_frame(opened, in_place);
    if (in_place.has_frame()) require(reader.intact(in_place), "nobody writes: it stays whole");
    check_frame(opened, reader.next(pixels));
    check_frame(opened, reader.next(pixels, past));
    require(reader.tail().slot < opened.geometry.depth, "the tail is a slot");
  }
  reader.reset_tail();
  check_frame(opened, reader.next(pixels));

  const shm::Segment segment = shm::Segment::open(path, shm::Access::read);
  shm::ReferenceReader reference(segment);
  const shm::ReadResult frame = reference.next();
  require(!frame.has_frame() || frame.slot < opened.geometry.depth, "the reference's slot");
}

void read_in_c(const Opened& opened, IMAGE& image) {
  void* segment = nullptr;
  std::uint32_t slot = 0;
  std::uint64_t counter = 0;
  const auto check = [&](int status) {
    if (status != DAO_SUCCESS && status != DAO_OVERWRITE) return;
    require(slot < opened.geometry.depth, "C: the slot is one of the ring");
    require(std::memcmp(segment, opened.file.data() + opened.geometry.pixels(slot),
                        opened.geometry.frame) == 0,
            "C: the slot's pixels");
  };
  check(daoShmGetNewestSegment(&image, &segment, &slot, &counter));
  daoShmCheckSegmentOverwrite(&image);
  image.fifo_last_read_cnt0 -= 1;
  check(daoShmGetNextSegment(&image, &segment, &slot, &counter));
  // Programs may have put anything there.
  image.fifo_last_read = 0xfffffff0U;
  check(daoShmGetNextSegment(&image, &segment, &slot, &counter));
  require(daoShmGetArbitrarySegment(&image, &segment, ~std::uint64_t{0}) == DAO_SUCCESS,
          "C: any slot number is one of the ring");
  require(daoShmResetTail(&image, &slot, &counter) == DAO_SUCCESS, "C: the tail can be reset");
  require(slot < opened.geometry.depth, "C: and is a slot then");
  daoShmGetCounter(&image);
}

std::optional<std::string> refusal_of(const std::string& path) {
  try {
    shm::Segment::open(path, shm::Access::read);
    return std::nullopt;
  } catch (const shm::Error& error) {
    return error.what();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile memory;
  daoSetLogLevel(0);
  const std::vector<std::byte> file = fuzz::stream_file({data, size});
  memory.hold(file);

  const std::optional<std::string> refusal = refusal_of(memory.path());
  IMAGE image{};
  const int status = daoShmShm2Img(memory.path().c_str(), &image);
  require(status == (refusal ? DAO_ERROR : DAO_SUCCESS), "C and C++ agree whether it is a stream");
  if (refusal) {
    check_message(*refusal, memory.path());
    require(daoLastError() == "daoShmShm2Img: " + *refusal, "C gives the same message");
    return 0;
  }
  const Opened opened{file, checked_geometry(file)};
  read_all(opened, memory.path());
  read_in_c(opened, image);
  require(daoShmCloseShm(&image) == DAO_SUCCESS, "C: what was opened can be closed");
  return 0;
}
