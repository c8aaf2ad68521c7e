#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "shm/python/convert.hpp"
#include "shm/python/waiting.hpp"
#include "shm/reader.hpp"

namespace daohil::shm::python {

/// ReadStatus, and what can end a wait.
enum class Status {
  success,
  overwrite,
  not_ready,
  timeout,
  torn,
  replaced,
  writer_gone,
};

/// What a read gave. Keeps the mapping that a view in `pixels` looks at.
struct Result {
  Status status = Status::not_ready;
  ReadResult frame{};
  py::object pixels = py::none();
  std::shared_ptr<const Segment> segment{};

  [[nodiscard]] bool has_frame() const { return frame.has_frame(); }
  [[nodiscard]] bool intact() const;
  [[nodiscard]] std::string repr() const;
};

/// Consecutive frames, oldest first.
struct Frames {
  std::uint64_t first = 0;
  py::array pixels;
};

/// Whether pixels are copied, and where to.
struct Into {
  bool in_place = false;
  py::object out = py::none();
};

/// A Reader for Python. Its state is only touched under the GIL; what runs without works on a
/// Reader of its own over the same mapping, so that threads that share a handle, or close it under
/// each other, are never led astray: at worst two get the same frame.
class ReaderHandle {
 public:
  explicit ReaderHandle(const std::filesystem::path& path);

  Result next(Into into, Patience patience, Wait how);
  Result newest(Into into) const;
  Result at(py::ssize_t slot, Into into) const;
  Frames history(py::ssize_t frames, const py::object& out) const;
  [[nodiscard]] bool intact(const Result& result) const { return result.intact(); }

  Awaited wait(Patience patience, Wait how) const;
  Awaited wait_semaphore(std::uint16_t number, Patience patience);

  /// A reader of the same mapping with a tail of its own, at the newest frame.
  [[nodiscard]] ReaderHandle another() const;
  void reopen();
  void close();
  [[nodiscard]] bool closed() const { return segment_ == nullptr; }

  Tail reset_tail();
  [[nodiscard]] Lapped lapped() const { return lapped_; }
  void set_lapped(Lapped policy) { lapped_ = policy; }
  [[nodiscard]] std::uint64_t lost_total() const { return lost_total_; }
  [[nodiscard]] std::uint64_t newest_counter() const;
  [[nodiscard]] WriterState writer_state() const;
  [[nodiscard]] bool replaced() const { return segment().replaced(); }

  [[nodiscard]] py::dict metadata(std::optional<py::ssize_t> slot) const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] py::dtype dtype() const { return dtype_; }
  [[nodiscard]] py::tuple shape() const { return py::tuple(py::cast(shape_)); }
  [[nodiscard]] std::uint32_t depth() const { return segment().layout().depth(); }
  [[nodiscard]] std::string repr() const;
  /// @throws py::value_error when closed
  [[nodiscard]] const Segment& segment() const;

 private:
  explicit ReaderHandle(Segment segment);
  void adopt(Segment segment);

  [[nodiscard]] Reader reader() const;
  [[nodiscard]] std::uint32_t slot_of(py::ssize_t index) const;
  [[nodiscard]] Result result_of(const ReadResult& frame, const Into& into,
                                 const py::object& copy) const;
  [[nodiscard]] py::array buffer(const Into& into) const;
  template <typename Copy, typename Look>
  Result read(const Into& into, Reader& reader, Copy copy, Look look) const;
  Result next_now(const Into& into, Reader& reader);

  std::filesystem::path path_;
  std::shared_ptr<const Segment> segment_;  // none: closed
  std::shared_ptr<Reader> semaphores_;      // a Reader that keeps them open
  Tail tail_{};
  Lapped lapped_ = Lapped::to_newest;
  std::uint64_t lost_total_ = 0;
  py::dtype dtype_;
  NumpyShape shape_;
};

}  // namespace daohil::shm::python
