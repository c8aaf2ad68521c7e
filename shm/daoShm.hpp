#pragma once

#include <sys/stat.h>

#include <chrono>
#include <complex>
#include <cstdint>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dao.h"

/// DAO's C++ interface: one class over the C names of dao.h. Needs C++17 and libdao, nothing else.
///
///   Dao::Shm shm("/tmp/x.im.shm", {256, 256}, nullptr, /*depth=*/8);  // create, of float
///   Dao::Shm shm("/tmp/x.im.shm");                                    // open
///
/// What is wrong throws std::runtime_error with the path and the values: a missing file, elements
/// of another type, a shape of 1 or 4 axes, a stream that was replaced or lost its writer
/// meanwhile. What is normal at frame rate (nothing new, lapped, time-out) is a status or nullptr.
namespace Dao {

/// One entry an axis, slowest first, as numpy's shape in C order.
using Shape = std::vector<uint32_t>;

/// What get_frame waits for. A semaphore wakes one reader a frame: each reader needs its own.
enum class ShmSync : int32_t {
  SEM0 = 0,
  SEM1,
  SEM2,
  SEM3,
  SEM4,
  SEM5,
  SEM6,
  SEM7,
  SEM8,
  SEM9,
  SEM,   ///< SEM0
  SPIN,  ///< the counter; any number of readers
  NONE,  ///< nothing: what is newest now
};

namespace detail {

/// The _DATATYPE_ code of an element type; 0 for one that no stream holds.
template <typename T>
constexpr uint8_t type_code() {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= 8) {
    constexpr uint8_t is_signed = std::is_signed_v<T> ? 1 : 0;
    constexpr uint8_t width = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 2 : sizeof(T) == 4 ? 4 : 6;
    return static_cast<uint8_t>(_DATATYPE_UINT8 + width + is_signed);
  }
  if constexpr (std::is_same_v<T, float>) return _DATATYPE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return _DATATYPE_DOUBLE;
  if constexpr (std::is_same_v<T, complex_float> || std::is_same_v<T, std::complex<float>>)
    return _DATATYPE_COMPLEX_FLOAT;
  if constexpr (std::is_same_v<T, complex_double> || std::is_same_v<T, std::complex<double>>)
    return _DATATYPE_COMPLEX_DOUBLE;
  return 0;
}

inline const char* type_name(uint8_t code) {
  constexpr const char* kNames[] = {
      "?",        "uint8_t", "int8_t", "uint16_t", "int16_t",       "uint32_t",      "int32_t",
      "uint64_t", "int64_t", "float",  "double",   "complex_float", "complex_double"};
  return kNames[code <= _DATATYPE_COMPLEX_DOUBLE ? code : 0];
}

inline std::string text_of(const Shape& shape) {
  std::string text = "{";
  for (const uint32_t axis : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(axis);
  return text + "}";
}

/// Which file a path names at the moment.
class FileId {
 public:
  FileId() = default;
  explicit FileId(const std::string& path) {
    struct stat status {};
    there_ = ::stat(path.c_str(), &status) == 0;
    if (there_) device_ = status.st_dev, inode_ = status.st_ino;
  }
  bool operator==(const FileId& other) const {
    return there_ == other.there_ && device_ == other.device_ && inode_ == other.inode_;
  }
  bool operator!=(const FileId& other) const { return !(*this == other); }

 private:
  bool there_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// An IMAGE that is closed with its owner. Move-only.
class Image {
 public:
  Image() = default;
  Image(Image&& other) noexcept : image_(std::exchange(other.image_, IMAGE{})) {}
  Image& operator=(Image&& other) noexcept {
    if (this == &other) return *this;
    close();
    image_ = std::exchange(other.image_, IMAGE{});
    return *this;
  }
  ~Image() { close(); }
  IMAGE* get() { return &image_; }
  const IMAGE_METADATA* metadata() const { return image_.md; }

 private:
  void close() {
    if (image_.used == 1) daoShmCloseShm(&image_);
  }

  IMAGE image_{};
};

}  // namespace detail

/// A stream of frames of T, open for reading and writing. Move-only; one thread at a time, distinct
/// objects are independent. All reads but the waiting ones are free of system calls while there is
/// something new.
///
/// Pointers lead into shared memory and stay readable as long as the object lives; the frame there
/// stays whole for depth - 1 further frames: ask check_segment_overwrite() after use.
///
/// @tparam T by _DATATYPE_: (u)int8_t to (u)int64_t, float, double, complex_float and
///         complex_double or std::complex of either. float when nothing says otherwise.
template <typename T = float>
class Shm {
  static_assert(detail::type_code<T>() != 0,
                "Dao::Shm<T>: T must be an integer of 1 to 8 bytes, float, double, complex_float, "
                "complex_double, std::complex<float> or std::complex<double>");

 public:
  /// Create a stream, in place of one of that name that nobody writes, and open it.
  /// @param name full path, at most 79 bytes
  /// @param shape 2 or 3 axes, each at least 1
  /// @param frame written and published as the first one, unless nullptr
  /// @param depth slots in the ring, 1 to 1000000
  /// @throws std::runtime_error
  Shm(const std::string& name, const Dao::Shape& shape, const T* frame = nullptr,
      uint32_t depth = 1)
      : path_(name) {
    if (shape.size() != 2 && shape.size() != 3)
      throw error("create", "the shape " + detail::text_of(shape) + " has " +
                                std::to_string(shape.size()) + " axes, expected 2 or 3");
    Dao::Shape size = shape;
    if (daoShmImageCreate_FIFO(image_.get(), name.c_str(), static_cast<long>(size.size()),
                               size.data(), detail::type_code<T>(), 1, 0, depth) != DAO_SUCCESS)
      throw error("create", daoLastError());
    file_ = detail::FileId(path_);
    depth_ = depth;
    if (frame != nullptr) set_frame(frame);
  }

  /// Open an existing stream; what is newest now counts as read.
  /// @throws std::runtime_error, also when its elements are no T
  Shm(const std::string& name) : path_(name), file_(name) {
    if (daoShmShm2Img(name.c_str(), image_.get()) != DAO_SUCCESS)
      throw error("open", daoLastError());
    const uint8_t found = image_.metadata()->atype;
    if (found != detail::type_code<T>())
      throw error("open", std::string("asked for ") + detail::type_name(detail::type_code<T>()) +
                              " (" + std::to_string(detail::type_code<T>()) + "), it holds " +
                              detail::type_name(found) + " (" + std::to_string(found) +
                              "); use Dao::Shm<" + detail::type_name(found) + ">");
    depth_ = image_.metadata()->fifo_size;
  }

  /// Write one frame of get_element_count() elements and publish it. The first write makes this
  /// process the stream's one writer.
  /// @throws std::runtime_error: nullptr, another process writes, the file may not be written, the
  ///         stream has been replaced or removed (looked for once a second)
  void set_frame(const T* frame) {
    look_at_path_now_and_then("write");
    const uint64_t elements = get_element_count();
    if (elements > std::numeric_limits<uint32_t>::max())
      throw error("write", "a frame of " + std::to_string(elements) +
                               " elements; at most 4294967295 can be written at once");
    // The C interface of old takes what it does not change as void *.
    if (daoShmImage2Shm(const_cast<T*>(frame), static_cast<uint32_t>(elements), image_.get()) !=
        DAO_SUCCESS)
      throw error("write", daoLastError());
  }

  /// The newest frame; zeros before the first. The position of get_next_frame stays.
  /// @param sync what to wait for first, without limit
  /// @throws std::runtime_error: replaced, or the writer has gone for good (daoSetPatience)
  T* get_frame(ShmSync sync = ShmSync::NONE) {
    if (sync == ShmSync::SPIN)
      wait_with(daoShmWaitForCounter(image_.get()));
    else if (sync != ShmSync::NONE)
      wait_with(daoShmWaitForSemaphore(image_.get(), number_of(sync)));
    return newest();
  }

  /// The same with a limit.
  /// @param value of a semaphore: seconds to wait for it; of SPIN: the counter to wait for
  /// @returns nullptr when the time has passed
  T* get_frame(ShmSync sync, size_t value) {
    if (sync == ShmSync::SPIN) {
      wait_with(daoShmWaitForTargetCounter(image_.get(), value));
    } else if (sync != ShmSync::NONE) {
      const timespec until = in_seconds(value);
      const int_fast8_t status =
          daoShmWaitForSemaphoreTimeout(image_.get(), number_of(sync), &until);
      if (status == DAO_TIMEOUT) {
        look_at_path();
        return nullptr;
      }
      wait_with(status);
    }
    return newest();
  }

  /// The frame after the one read last.
  /// @param wait for it, without limit, if it is not there
  /// @param[out] status DAO_SUCCESS; DAO_OVERWRITE: lapped, this is the newest frame and others
  /// were
  ///             skipped; DAO_NOTREADY: nothing new
  /// @returns nullptr when nothing is new
  /// @throws std::runtime_error: replaced, or the writer has gone for good (daoSetPatience)
  T* get_next_frame(bool wait, int_fast8_t& status) {
    uint64_t cnt0 = 0;
    return get_next_frame(wait, status, cnt0);
  }

  /// @param[out] cnt0 the frame's counter; untouched when there is none
  T* get_next_frame(bool wait, int_fast8_t& status, uint64_t& cnt0) {
    T* frame = take_next(status, cnt0);
    while (frame == nullptr && wait) {
      wait_with(daoShmWaitForNextSegment(image_.get()));
      const uint64_t newest = get_counter();
      frame = take_next(status, cnt0);
      // Depth 1: that one is being overwritten in the only slot, so its successor is what comes.
      if (frame == nullptr) wait_with(daoShmWaitForTargetCounter(image_.get(), newest + 1));
    }
    note(frame != nullptr ? cnt0 : seen_);
    return frame;
  }

  /// Is the frame returned last, by whichever read, still whole? DAO_SUCCESS or DAO_OVERWRITE.
  int_fast8_t check_segment_overwrite() {
    return checked(daoShmCheckSegmentOverwrite(image_.get()));
  }

  /// What slot i modulo the depth holds, whatever that is. The position of get_next_frame stays.
  T* get_arbitrary_frame(uint32_t i) {
    void* segment = nullptr;
    checked(daoShmGetArbitrarySegment(image_.get(), &segment, i));
    return static_cast<T*>(segment);
  }

  /// One entry an axis.
  Dao::Shape get_shape() const {
    const IMAGE_METADATA& md = slot(0);
    return Dao::Shape(md.size, md.size + (md.naxis <= 3 ? md.naxis : 3));
  }
  /// Elements of one frame.
  uint64_t get_element_count() const { return slot(0).nelement; }

  // Of the newest frame, or of what is in slot i modulo the depth. The values of a slot that is
  // being written are those of no frame.

  /// 1 for the first frame, contiguous; 0 in a slot that was never written.
  uint64_t get_counter() const { return get_counter(newest_slot()); }
  uint64_t get_counter(uint32_t i) const { return load(slot(i).cnt0); }
  uint64_t get_cnt1() const { return get_cnt1(newest_slot()); }
  uint64_t get_cnt1(uint32_t i) const { return load(slot(i).cnt1); }
  /// The device's frame number (cnt2).
  uint64_t get_frame_id() const { return get_frame_id(newest_slot()); }
  uint64_t get_frame_id(uint32_t i) const { return load(slot(i).cnt2); }
  /// When it was published: ns since 1970.
  int64_t get_timestamp() const { return get_timestamp(newest_slot()); }
  int64_t get_timestamp(uint32_t i) const { return load(slot(i).atime.tsfixed.secondlong); }
  IMAGE_METADATA* get_meta_data() const { return get_meta_data(newest_slot()); }
  IMAGE_METADATA* get_meta_data(uint32_t i) const { return const_cast<IMAGE_METADATA*>(&slot(i)); }

 private:
  using Steady = std::chrono::steady_clock;

  [[nodiscard]] std::runtime_error error(const std::string& action, const std::string& why) const {
    return std::runtime_error("Dao::Shm: " + action + " " + path_ + ": " + why);
  }

  template <typename V>
  static V load(const V& value) {
    return __atomic_load_n(&value, __ATOMIC_ACQUIRE);
  }

  const IMAGE_METADATA& slot(uint32_t i) const {
    if (image_.metadata() == nullptr) throw error("look at", "this object was moved from");
    return image_.metadata()[i % depth_];
  }
  uint32_t newest_slot() const { return load(slot(0).fifo_last_written); }

  static int32_t number_of(ShmSync sync) {
    return static_cast<int32_t>(sync == ShmSync::SEM ? ShmSync::SEM0 : sync);
  }

  static timespec in_seconds(size_t seconds) {
    timespec until{};
    clock_gettime(CLOCK_REALTIME, &until);
    const auto left = static_cast<size_t>(std::numeric_limits<time_t>::max() - until.tv_sec);
    until.tv_sec += static_cast<time_t>(seconds < left ? seconds : left);
    return until;
  }

  int_fast8_t checked(int_fast8_t status) const {
    if (status == DAO_ERROR) throw error("read", daoLastError());
    return status;
  }
  void wait_with(int_fast8_t status) const {
    if (status != DAO_SUCCESS) throw error("wait for", daoLastError());
  }

  T* newest() {
    void* segment = nullptr;
    uint64_t cnt0 = 0;
    checked(daoShmGetNewestSegment(image_.get(), &segment, nullptr, &cnt0));
    note(cnt0);
    return static_cast<T*>(segment);
  }

  T* take_next(int_fast8_t& status, uint64_t& cnt0) {
    void* segment = nullptr;
    status = checked(daoShmGetNextSegment(image_.get(), &segment, nullptr, &cnt0));
    return status == DAO_NOTREADY ? nullptr : static_cast<T*>(segment);
  }

  // Frames that come are proof enough that the stream lives. When none does, look; in a loop that
  // polls not more often than once a millisecond. The waits look for themselves.
  void note(uint64_t cnt0) {
    if (cnt0 != seen_) {
      seen_ = cnt0;
      next_look_ = Steady::time_point::min();
      return;
    }
    const auto now = Steady::now();
    if (now < next_look_) return;
    next_look_ = now + std::chrono::milliseconds(1);
    look_at_path();
  }

  void look_at_path(const char* action = "read") const {
    if (detail::FileId(path_) != file_)
      throw error(action, "the stream has been replaced or removed; open it again");
  }

  // Two system calls a second; the clock itself takes none.
  void look_at_path_now_and_then(const char* action) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec == looked_) return;
    look_at_path(action);
    looked_ = now.tv_sec;
  }

  std::string path_;
  detail::FileId file_;
  uint32_t depth_ = 1;
  uint64_t seen_ = 0;
  time_t looked_ = -1;
  Steady::time_point next_look_ = Steady::time_point::min();
  // The last member: moving takes the others along first, and it is closed before they go.
  detail::Image image_;
};

// Dao::Shm shm(path, {256, 256}, nullptr, 8): float.
Shm(const std::string&, const Dao::Shape&, std::nullptr_t, uint32_t = 1)->Shm<float>;

}  // namespace Dao
