#include "shm/python/reader_handle.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "shm/detail/atomic.hpp"

namespace daohil::shm::python {
namespace {

Status status_of(ReadStatus status) {
  switch (status) {
    case ReadStatus::success:
      return Status::success;
    case ReadStatus::overwrite:
      return Status::overwrite;
    case ReadStatus::not_ready:
      return Status::not_ready;
    case ReadStatus::timeout:
      return Status::timeout;
    case ReadStatus::torn:
      return Status::torn;
  }
  return Status::not_ready;
}

Status status_of(Awaited end) {
  switch (end) {
    case Awaited::replaced:
      return Status::replaced;
    case Awaited::writer_gone:
      return Status::writer_gone;
    default:
      return Status::timeout;
  }
}

template <typename T>
T field(const std::byte* metadata, std::size_t offset) {
  return detail::load<T>(metadata, offset, std::memory_order_relaxed);
}

double real(const std::byte* metadata, std::size_t offset) {
  double value;
  std::memcpy(&value, metadata + offset, sizeof value);
  return value;
}

std::string name_in(const std::byte* metadata) {
  const auto* name = reinterpret_cast<const char*>(metadata + bytes::kName);
  return {name, strnlen(name, bytes::kNameCapacity)};
}

// A numpy array over the slot that keeps the mapping for as long as it lives. The mapping is
// read-only, and so is the array: numpy refuses to make one writable whose owner is no buffer.
py::array view_of(const std::shared_ptr<const Segment>& segment, const py::dtype& dtype,
                  const NumpyShape& shape, std::span<const std::byte> pixels) {
  using Owner = std::shared_ptr<const Segment>;
  const py::capsule owner(new Owner(segment), [](void* held) { delete static_cast<Owner*>(held); });
  py::array view(dtype, shape, pixels.data(), owner);
  view.attr("setflags")(py::arg("write") = false);
  return view;
}

}  // namespace

bool Result::intact() const { return has_frame() && Reader::over(segment->share()).intact(frame); }

std::string Result::repr() const {
  constexpr const char* kNames[] = {"success", "overwrite", "not_ready",  "timeout",
                                    "torn",    "replaced",  "writer_gone"};
  const char* name = kNames[static_cast<std::size_t>(status)];
  if (!has_frame()) return fmt::format("<daohil.Result {}>", name);
  return fmt::format("<daohil.Result {}: counter {}, lost {}, id {}, {}>", name,
                     frame.counter.value, frame.lost, frame.id.value,
                     segment->layout().format().str());
}

ReaderHandle::ReaderHandle(const std::filesystem::path& path)
    : ReaderHandle(Segment::open(path, Access::read)) {}

ReaderHandle::ReaderHandle(Segment segment) : dtype_(dtype_of(PixelType::u8)) {
  adopt(std::move(segment));
}

void ReaderHandle::adopt(Segment segment) {
  path_ = segment.path();
  dtype_ = dtype_of(segment.layout().format().type());
  shape_ = shape_of(segment.layout().format());
  segment_ = std::make_shared<const Segment>(std::move(segment));
  semaphores_.reset();
  reset_tail();
}

const Segment& ReaderHandle::segment() const {
  if (segment_ == nullptr)
    throw py::value_error(
        fmt::format("read from stream {}: the handle is closed; open another", path_.string()));
  return *segment_;
}

Reader ReaderHandle::reader() const {
  Reader reader = Reader::over(segment().share());
  reader.set_tail(tail_);
  reader.set_lapped(lapped_);
  return reader;
}

std::uint32_t ReaderHandle::slot_of(py::ssize_t index) const {
  const auto slots = static_cast<py::ssize_t>(depth());
  return static_cast<std::uint32_t>(((index % slots) + slots) % slots);
}

py::array ReaderHandle::buffer(const Into& into) const {
  if (into.out.is_none()) return py::array(dtype_, shape_);
  return checked_output(into.out, dtype_, shape_, path_.string());
}

Result ReaderHandle::result_of(const ReadResult& frame, const Into& into,
                               const py::object& copy) const {
  Result result{status_of(frame.status), frame, py::none(), segment_};
  if (!frame.has_frame()) return result;
  result.pixels = into.in_place ? view_of(segment_, dtype_, shape_, frame.pixels) : copy;
  return result;
}

template <typename Copy, typename Look>
Result ReaderHandle::read(const Into& into, Reader& reader, Copy copy, Look look) const {
  if (into.in_place) return result_of(look(reader), into, py::none());
  py::array array = buffer(into);
  const std::span<std::byte> pixels = writable_bytes_of(array);
  const ReadResult frame = copying(pixels.size(), [&] { return copy(reader, pixels); });
  return result_of(frame, into, array);
}

Result ReaderHandle::next_now(const Into& into, Reader& reader) {
  Result result = read(
      into, reader, [](Reader& from, std::span<std::byte> to) { return from.next(to); },
      [](Reader& from) { return from.next_in_place(); });
  if (result.has_frame()) {
    tail_ = reader.tail();
    lost_total_ += result.frame.lost;
  }
  return result;
}

Result ReaderHandle::next(Into into, Patience patience, Wait how) {
  Reader from = reader();
  const bool waits = patience.deadline > MonotonicTime{};
  for (;;) {
    // Looked at first, so that no array is made for a frame that is not there.
    if (from.wait(MonotonicTime{})) {
      Result result = next_now(into, from);
      if (result.has_frame() || !waits) return result;
      // Overtaken. A wait would now end at once, so this is where it is interrupted and ends.
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (system_clock().now() >= patience.deadline) return {.status = Status::timeout};
      continue;
    }
    if (!waits) return {.status = Status::not_ready};
    const Awaited end = wait_for(from, patience, [&](Reader& waiting, MonotonicTime deadline) {
      return waiting.wait(deadline, how);
    });
    if (end != Awaited::frame) return {.status = status_of(end)};
  }
}

Result ReaderHandle::newest(Into into) const {
  Reader from = reader();
  return read(
      into, from, [](Reader& r, std::span<std::byte> to) { return r.newest(to); },
      [](Reader& r) { return r.newest_in_place(); });
}

Result ReaderHandle::at(py::ssize_t index, Into into) const {
  Reader from = reader();
  const std::uint32_t slot = slot_of(index);
  return read(
      into, from, [&](Reader& r, std::span<std::byte> to) { return r.at(slot, to); },
      [&](Reader& r) { return r.at_in_place(slot); });
}

Frames ReaderHandle::history(py::ssize_t frames, const py::object& out) const {
  Reader from = reader();
  if (frames < 1 || frames > static_cast<py::ssize_t>(depth()))
    throw py::value_error(fmt::format("history of stream {}: {} frames asked for, 1 to {} possible",
                                      path_.string(), frames, depth()));
  NumpyShape shape = shape_;
  shape.insert(shape.begin(), frames);
  py::array array =
      out.is_none() ? py::array(dtype_, shape) : checked_output(out, dtype_, shape, path_.string());
  const std::span<std::byte> into = writable_bytes_of(array);
  const History got =
      copying(into.size(), [&] { return from.history(into, static_cast<std::uint32_t>(frames)); });
  const auto count = static_cast<py::ssize_t>(got.frames);
  if (count < frames) array = array[py::slice(0, count, 1)];
  return {got.first.value, array};
}

Awaited ReaderHandle::wait(Patience patience, Wait how) const {
  Reader waiter = reader();
  return wait_for(waiter, patience, [how](Reader& waiting, MonotonicTime deadline) {
    return waiting.wait(deadline, how);
  });
}

Awaited ReaderHandle::wait_semaphore(std::uint16_t number, Patience patience) {
  Reader watched = reader();
  if (!semaphores_) semaphores_ = std::make_shared<Reader>(reader());
  const std::shared_ptr<Reader> semaphores = semaphores_;
  // Under the GIL, since it opens them at the first time.
  Awaited end = Awaited::frame;
  if (!semaphores->wait_semaphore(number, MonotonicTime{}))
    end = wait_for(watched, patience, [&](Reader&, MonotonicTime deadline) {
      return semaphores->wait_semaphore(number, deadline);
    });
  // A stream of the same name posts the same semaphores.
  return end == Awaited::frame && watched.replaced() ? Awaited::replaced : end;
}

ReaderHandle ReaderHandle::another() const { return ReaderHandle(segment().share()); }

void ReaderHandle::reopen() { adopt(Segment::open(path_, Access::read)); }

void ReaderHandle::close() {
  segment_.reset();
  semaphores_.reset();
}

Tail ReaderHandle::reset_tail() {
  return tail_ = Reader::over(segment().share()).newest_published();
}

std::uint64_t ReaderHandle::newest_counter() const { return reader().newest_counter().value; }

WriterState ReaderHandle::writer_state() const { return reader().writer_state(); }

py::dict ReaderHandle::metadata(std::optional<py::ssize_t> index) const {
  const std::uint32_t slot = index ? slot_of(*index) : reader().newest_published().slot;
  const std::byte* first = segment().metadata(0);
  const std::byte* md = segment().metadata(slot);
  py::list packets;
  for (std::size_t i = 0; i < bytes::kPackets; ++i)
    packets.append(field<std::uint64_t>(md, bytes::kLastNbArray + 8 * i));

  py::dict all;
  const std::string name = name_in(md);
  all["name"] = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeFSDefaultAndSize(name.data(), static_cast<py::ssize_t>(name.size())));
  all["naxis"] = field<std::uint8_t>(md, bytes::kNaxis);
  all["size"] = py::make_tuple(field<std::uint32_t>(md, bytes::kSize),
                               field<std::uint32_t>(md, bytes::kSize + 4),
                               field<std::uint32_t>(md, bytes::kSize + 8));
  all["nelement"] = field<std::uint64_t>(md, bytes::kNelement);
  all["atype"] = field<std::uint8_t>(md, bytes::kAtype);
  all["creation_time"] = real(md, bytes::kCreationTime);
  all["last_access"] = real(md, bytes::kLastAccess);
  all["time_ns"] = field<std::int64_t>(md, bytes::kTimeNs);
  all["shared"] = field<std::uint8_t>(md, bytes::kShared);
  all["status"] = field<std::uint8_t>(md, bytes::kShared + 1);
  all["logflag"] = field<std::uint8_t>(md, bytes::kShared + 2);
  all["cnt0"] = field<std::uint64_t>(md, bytes::kCnt0);
  all["cnt1"] = field<std::uint64_t>(md, bytes::kCnt1);
  all["cnt2"] = field<std::uint64_t>(md, bytes::kCnt2);
  all["write"] = field<std::uint8_t>(md, bytes::kWrite);
  all["NBkw"] = field<std::uint16_t>(md, bytes::kNbKw);
  all["lastPos"] = field<std::uint32_t>(md, bytes::kLastPos);
  all["lastNb"] = field<std::uint32_t>(md, bytes::kLastNb);
  all["packetNb"] = field<std::uint32_t>(md, bytes::kPacketNb);
  all["packetTotal"] = field<std::uint32_t>(md, bytes::kPacketTotal);
  all["lastNbArray"] = packets;
  // Of the whole stream, kept in slot 0 only.
  all["sem"] = field<std::uint16_t>(first, bytes::kSem);
  all["fifo_size"] = field<std::uint32_t>(first, bytes::kFifoSize);
  all["fifo_last_written"] = field<std::uint32_t>(first, bytes::kFifoLastWritten);
  return all;
}

std::string ReaderHandle::repr() const {
  if (closed()) return fmt::format("<daohil.Reader {}, closed>", path_.string());
  return fmt::format("<daohil.Reader {}: {}, depth {}, newest {}>", path_.string(),
                     segment().layout().format().str(), depth(), newest_counter());
}

}  // namespace daohil::shm::python
