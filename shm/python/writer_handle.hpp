#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "shm/python/convert.hpp"
#include "shm/python/reader_handle.hpp"
#include "shm/writer.hpp"

namespace daohil::shm::python {

class SharedWriter;

/// A Writer for Python. All handles of one stream in this process share one Writer, because old
/// programs write through several; its lock goes with the last of them. A child made by fork gets
/// one of its own, which is refused while its parent's lives.
class WriterHandle {
 public:
  /// @param dtype whatever numpy takes for one
  static WriterHandle create(const std::filesystem::path& path, const NumpyShape& shape,
                             const py::object& dtype, std::uint32_t depth, std::uint16_t keywords,
                             std::uint32_t mode);
  static WriterHandle attach(const std::filesystem::path& path);
  /// Of the stream that the reader has open.
  /// @throws py::error_already_set OSError ESTALE when the path was given to another since
  static WriterHandle of(const ReaderHandle& reader);

  /// @returns the frame's counter
  std::uint64_t write(const py::object& data, std::uint64_t id);
  [[nodiscard]] py::dict keywords() const;
  void set_keyword(const std::string& name, const py::object& value, const std::string& comment);

  void close() { shared_.reset(); }
  [[nodiscard]] bool closed() const { return shared_ == nullptr; }
  [[nodiscard]] std::uint64_t newest_counter() const;
  [[nodiscard]] bool replaced() const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] py::dtype dtype() const { return dtype_of(format_.type()); }
  [[nodiscard]] py::tuple shape() const { return py::tuple(py::cast(shape_of(format_))); }
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  [[nodiscard]] std::string repr() const;

 private:
  WriterHandle(std::filesystem::path path, std::shared_ptr<SharedWriter> shared);
  [[nodiscard]] std::shared_ptr<SharedWriter> shared() const;
  std::shared_ptr<SharedWriter> usable();

  std::filesystem::path path_;
  std::shared_ptr<SharedWriter> shared_;  // none: closed
  FrameFormat format_;
  std::uint32_t depth_;
};

/// Let go of the writer lock that this process has on the stream of that path, so that it can be
/// created anew; handles that still have it are told at their next write.
void release_writers(const std::filesystem::path& path);

[[nodiscard]] py::dict keywords_of(const Segment& segment);
/// In the record of that name, else in the first unused one.
/// @throws py::value_error when there is none, py::type_error, Error
void set_keyword_of(Segment& segment, const std::string& name, const py::object& value,
                    const std::string& comment);
/// The same for a stream that is open for reading. @throws Error permission; OSError ESTALE
void set_keyword_of(const ReaderHandle& reader, const std::string& name, const py::object& value,
                    const std::string& comment);

}  // namespace daohil::shm::python
