#include "shm/python/writer_handle.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <utility>
#include <vector>

#include "shm/detail/semaphores.hpp"
#include "shm/error.hpp"
#include "shm/keywords.hpp"
#include "shm/survey.hpp"

namespace daohil::shm::python {

/// The mutex is held for one frame, and never while Python runs: who waits for it may have the GIL.
class SharedWriter {
 public:
  explicit SharedWriter(Writer writer) : writer_(std::move(writer)), owner_(::getpid()) {}

  /// A parent's, inherited by fork: not ours to use, and its lock not ours to keep.
  [[nodiscard]] bool inherited() const { return owner_ != ::getpid(); }
  void disown() { writer_.reset(); }

  void release() {
    const std::lock_guard one(mutex_);
    writer_.reset();
  }
  [[nodiscard]] bool writes(const Segment& stream) {
    const std::lock_guard one(mutex_);
    return writer_ && writer_->segment().same_stream(stream);
  }
  /// @throws Error io when it was released
  template <typename Work>
  auto with(Work work) {
    const std::lock_guard one(mutex_);
    if (!writer_)
      throw Error(Errc::io, "write to stream: this process has created it anew; open it again");
    return work(*writer_);
  }

 private:
  std::mutex mutex_;
  std::optional<Writer> writer_;
  pid_t owner_;
};

namespace {

// Under the GIL.
std::vector<std::weak_ptr<SharedWriter>>& registry() {
  static std::vector<std::weak_ptr<SharedWriter>> writers;
  return writers;
}

std::shared_ptr<SharedWriter> registered(Writer writer) {
  auto shared = std::make_shared<SharedWriter>(std::move(writer));
  std::erase_if(registry(), [](const auto& known) { return known.expired(); });
  registry().push_back(shared);
  return shared;
}

std::shared_ptr<SharedWriter> writer_here(const Segment& stream) {
  for (const auto& known : registry()) {
    auto shared = known.lock();
    if (!shared) continue;
    if (shared->inherited())
      shared->disown();
    else if (shared->writes(stream))
      return shared;
  }
  return nullptr;
}

std::shared_ptr<SharedWriter> attached(const std::filesystem::path& path) {
  if (auto shared = writer_here(Segment::open(path, Access::read))) return shared;
  return registered(Writer::attach(path));
}

[[noreturn]] void raise_stale(const std::filesystem::path& path) {
  raise_os_error(ESTALE, fmt::format("write to stream {}: its path was given to another stream "
                                     "since this one was opened; open it again",
                                     path.string()));
}

py::object python_value(const Keyword::Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return py::int_(*integer);
  if (const auto* real = std::get_if<double>(&value)) return py::float_(*real);
  const auto& text = std::get<std::string>(value);
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "replace"));
}

py::object python_text(const std::string& text) { return python_value(Keyword::Value(text)); }

Keyword::Value keyword_value(const std::string& name, const py::object& value) {
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (PyIndex_Check(value.ptr())) {
    const auto integer = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    if (!integer) throw py::error_already_set();
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
    if (overflow != 0)
      throw py::value_error(
          fmt::format("keyword {}: {} does not fit 64 bits", name, std::string(py::str(integer))));
    return std::int64_t{number};
  }
  const double number = PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw py::type_error(fmt::format("keyword {}: the value is {}; int, float or str", name,
                                     std::string(py::str(py::type::of(value)))));
  }
  return number;
}

std::uint16_t record_for(const Segment& segment, const std::string& name) {
  if (name.empty())
    throw py::value_error(
        fmt::format("keyword of stream {}: the name is empty", segment.path().string()));
  const std::uint16_t count = segment.layout().keywords();
  const std::uint16_t named = find_keyword(segment, name);
  if (named < count) return named;
  const std::vector<Keyword> all = read_keywords(segment);
  for (std::uint16_t i = 0; i < count; ++i)
    if (std::holds_alternative<std::monostate>(all[i].value)) return i;
  throw py::value_error(
      fmt::format("keyword {} of stream {}: all of its {} records are in use; create it with more",
                  name, segment.path().string(), count));
}

// Only where semaphores of that name were there before: the search takes milliseconds.
void warn_of_shared_semaphores(const std::filesystem::path& path) {
  std::optional<std::string> warning;
  {
    const py::gil_scoped_release others_may_run;
    warning = shared_semaphores_warning(path, streams_sharing_semaphores(path, Holders::of_host()));
  }
  // Raises if the program has made warnings errors; the stream is then closed again.
  if (warning && PyErr_WarnEx(PyExc_RuntimeWarning, warning->c_str(), 1) != 0)
    throw py::error_already_set();
}

}  // namespace

WriterHandle::WriterHandle(std::filesystem::path path, std::shared_ptr<SharedWriter> shared)
    : path_(std::move(path)),
      shared_(std::move(shared)),
      format_(shared_->with([](Writer& writer) { return writer.format(); })),
      depth_(shared_->with([](Writer& writer) { return writer.segment().layout().depth(); })) {}

WriterHandle WriterHandle::create(const std::filesystem::path& path, const NumpyShape& shape,
                                  const py::object& dtype, std::uint32_t depth,
                                  std::uint16_t keywords, std::uint32_t mode) {
  const std::string name = path.string();
  const CreateOptions options{
      .format =
          FrameFormat(shape_from(shape, name), pixel_type_of(py::dtype::from_args(dtype), name)),
      .depth = depth,
      .keywords = keywords,
      .mode = mode};
  const bool semaphores_known = detail::Semaphores::exist(path);
  WriterHandle writer{path, registered(Writer::create(path, options))};
  if (semaphores_known) warn_of_shared_semaphores(path);
  return writer;
}

WriterHandle WriterHandle::attach(const std::filesystem::path& path) {
  return {path, attached(path)};
}

WriterHandle WriterHandle::of(const ReaderHandle& reader) {
  const Segment& stream = reader.segment();
  if (stream.replaced()) raise_stale(reader.path());
  WriterHandle writer = attach(reader.path());
  if (!writer.shared_->writes(stream)) raise_stale(reader.path());
  return writer;
}

std::shared_ptr<SharedWriter> WriterHandle::shared() const {
  if (!shared_)
    throw py::value_error(
        fmt::format("write to stream {}: the handle is closed; open another", path_.string()));
  return shared_;
}

std::shared_ptr<SharedWriter> WriterHandle::usable() {
  if (shared()->inherited()) {
    shared_->disown();
    shared_ = attached(path_);
  }
  return shared_;
}

std::uint64_t WriterHandle::write(const py::object& data, std::uint64_t id) {
  const std::shared_ptr<SharedWriter> writer = usable();
  const py::array frame = frame_from(data, format_, path_.string());
  const std::span<const std::byte> pixels = bytes_of(frame);
  return copying(pixels.size(), [&] {
    return writer->with([&](Writer& one) { return one.write(pixels, FrameId{id}).value; });
  });
}

py::dict WriterHandle::keywords() const {
  return keywords_of(shared()->with([](Writer& writer) { return writer.segment().share(); }));
}

void WriterHandle::set_keyword(const std::string& name, const py::object& value,
                               const std::string& comment) {
  Segment segment = usable()->with([](Writer& writer) { return writer.segment().share(); });
  set_keyword_of(segment, name, value, comment);
}

std::uint64_t WriterHandle::newest_counter() const {
  return shared()->with([](Writer& writer) { return writer.newest().value; });
}

bool WriterHandle::replaced() const {
  return shared()->with([](Writer& writer) { return writer.segment().replaced(); });
}

std::string WriterHandle::repr() const {
  if (closed()) return fmt::format("<daohil.Writer {}, closed>", path_.string());
  return fmt::format("<daohil.Writer {}: {}, depth {}, newest {}>", path_.string(), format_.str(),
                     depth_, newest_counter());
}

void release_writers(const std::filesystem::path& path) {
  try {
    if (const auto shared = writer_here(Segment::open(path, Access::read))) shared->release();
  } catch (const Error&) {
    // No stream, or none that could be opened: creating it will say so if it matters.
  }
}

py::dict keywords_of(const Segment& segment) {
  py::dict all;
  for (const Keyword& keyword : read_keywords(segment))
    if (!std::holds_alternative<std::monostate>(keyword.value))
      all[python_text(keyword.name)] = python_value(keyword.value);
  return all;
}

void set_keyword_of(Segment& segment, const std::string& name, const py::object& value,
                    const std::string& comment) {
  const Keyword keyword{name, keyword_value(name, value), comment};
  write_keyword(segment, record_for(segment, name), keyword);
}

void set_keyword_of(const ReaderHandle& reader, const std::string& name, const py::object& value,
                    const std::string& comment) {
  Segment segment = Segment::open(reader.path(), Access::read_write);
  if (!segment.same_stream(reader.segment())) raise_stale(reader.path());
  set_keyword_of(segment, name, value, comment);
}

}  // namespace daohil::shm::python
