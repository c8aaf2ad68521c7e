// The extension module daohil._core: names, defaults and docstrings. What they do stands in
// reader_handle.cpp and writer_handle.cpp; types for readers and editors in daohil/_core.pyi.

#include <fmt/format.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl/filesystem.h>

#include "shm/python/reader_handle.hpp"
#include "shm/python/writer_handle.hpp"
#include "shm/segment.hpp"

namespace daohil::shm::python {
namespace {

using Path = std::filesystem::path;
using Seconds = std::optional<double>;

Watch watch(bool forever) { return forever ? Watch::frames : Watch::stream; }

void define_enums(py::module_& module) {
  py::enum_<Status>(module, "Status", "Outcome of a read.")
      .value("success", Status::success, "the frame after the one read last")
      .value("overwrite", Status::overwrite, "lapped: `lost` frames were skipped before this one")
      .value("not_ready", Status::not_ready, "nothing new; no frame")
      .value("timeout", Status::timeout, "nothing new in time; no frame")
      .value("torn", Status::torn, "the writer kept overtaking the copy; no frame; try again")
      .value("replaced", Status::replaced, "the path was given to another stream: reopen()")
      .value("writer_gone", Status::writer_gone, "the writer has closed the stream or died");
  py::enum_<Awaited>(module, "Awaited", "What ended a wait.")
      .value("frame", Awaited::frame)
      .value("timeout", Awaited::timeout)
      .value("replaced", Awaited::replaced, "the path was given to another stream: reopen()")
      .value("writer_gone", Awaited::writer_gone, "the writer has closed the stream or died");
  py::enum_<Wait>(module, "Wait", "How a reader waits.")
      .value("sleep", Wait::sleep, "without using the processor")
      .value("spin", Wait::spin, "polling: wakes soonest and costs a whole core")
      .value("hybrid", Wait::hybrid, "spin for 100 us, then sleep");
  py::enum_<Lapped>(module, "Lapped", "Where next() goes on when it was lapped.")
      .value("to_newest", Lapped::to_newest, "as DAO: one fresh frame")
      .value("to_oldest", Lapped::to_oldest, "the oldest frame still whole: fewest lost");
  py::enum_<WriterState>(module, "WriterState", "What can be known of a stream's writer.")
      .value("alive", WriterState::alive)
      .value("gone", WriterState::gone)
      .value("unknown", WriterState::unknown, "none yet, or one of the reference library");
}

void define_results(py::module_& module) {
  py::class_<Result>(module, "Result", "What a read gave. True when it is a frame.")
      .def_readonly("status", &Result::status)
      .def_property_readonly(
          "counter", [](const Result& r) { return r.frame.counter.value; },
          "of the frame: 1 for the first of the stream, contiguous")
      .def_property_readonly(
          "lost", [](const Result& r) { return r.frame.lost; },
          "frames skipped between the last one delivered and this")
      .def_property_readonly(
          "id", [](const Result& r) { return r.frame.id.value; }, "the device's frame number")
      .def_property_readonly(
          "time", [](const Result& r) { return static_cast<double>(r.frame.time.count()) * 1e-9; },
          "seconds since 1970 when the writer committed it; a float holds 0.2 us of that")
      .def_property_readonly(
          "time_ns", [](const Result& r) { return r.frame.time.count(); },
          "the same in nanoseconds, exactly")
      .def_property_readonly("slot", [](const Result& r) { return r.frame.slot; })
      .def_readonly("pixels", &Result::pixels,
                    "numpy array, or None without a frame: a verified copy, or of an in-place "
                    "read a read-only view of the slot")
      .def("__bool__", &Result::has_frame)
      .def("__repr__", &Result::repr);
  py::class_<Frames>(module, "History", "Consecutive frames, oldest first.")
      .def_readonly("first", &Frames::first, "counter of the first; 0 when there is none")
      .def_readonly("pixels", &Frames::pixels, "array of shape (frames, *shape)")
      .def("__len__", [](const Frames& f) { return f.pixels.shape(0); })
      .def("__repr__", [](const Frames& f) {
        return fmt::format("<daohil.History of {} frames from counter {}>", f.pixels.shape(0),
                           f.first);
      });
}

// What readers and writers have in common.
template <typename Handle>
void define_handle(py::class_<Handle>& handle) {
  handle.def_property_readonly("path", [](const Handle& h) { return h.path().string(); })
      .def_property_readonly("shape", &Handle::shape, "of a frame")
      .def_property_readonly("dtype", &Handle::dtype, "of its elements")
      .def_property_readonly("depth", &Handle::depth, "slots in the ring")
      .def_property_readonly("newest_counter", &Handle::newest_counter,
                             "counter of the newest frame; 0 before the first")
      .def_property_readonly("replaced", &Handle::replaced,
                             "has the path been given to another file, or removed?")
      .def_property_readonly("closed", &Handle::closed)
      .def("close", &Handle::close, "Give the stream back. The file stays. May be repeated.")
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](Handle& h, const py::args&) { h.close(); })
      .def("__repr__", &Handle::repr);
}

void define_reader(py::module_& module) {
  py::class_<ReaderHandle> reader(
      module, "Reader",
      "One of any number of independent readers of a stream, with a tail of its own.\n\n"
      "Maps the stream read-only. Raises FileNotFoundError, PermissionError, ValueError (not a\n"
      "stream of this layout), OSError. Waits and copies run without the GIL; Ctrl-C ends any\n"
      "wait. close() does not end a wait in another thread.");
  define_handle(reader);
  constexpr const char* kInPlace =
      "The same without the copy: pixels is a read-only view of the slot, whole at the return. "
      "After use ask intact(result), and throw away what came of it if that is False.";
  reader
      .def(py::init<const Path&>(), py::arg("path"),
           "The tail starts at the newest frame: a late reader begins with nothing new.")
      .def(
          "next",
          [](ReaderHandle& r, Seconds timeout, Wait how, bool forever, py::object out) {
            return r.next({false, std::move(out)}, patience(timeout, watch(forever)), how);
          },
          py::arg("timeout") = 0.0, py::kw_only(), py::arg("how") = Wait::sleep,
          py::arg("forever") = false, py::arg("out") = py::none(),
          "The frame after the last one read, copied and verified.\n\n"
          "timeout: seconds; 0: do not wait; None: no limit. A wait also ends when the path was\n"
          "given to another stream or the writer is gone, unless forever is True.\n"
          "out: array to copy into instead of a new one; undefined if there is no frame.")
      .def(
          "next_in_place",
          [](ReaderHandle& r, Seconds timeout, Wait how, bool forever) {
            return r.next({.in_place = true}, patience(timeout, watch(forever)), how);
          },
          py::arg("timeout") = 0.0, py::kw_only(), py::arg("how") = Wait::sleep,
          py::arg("forever") = false, kInPlace)
      .def(
          "newest",
          [](const ReaderHandle& r, py::object out) {
            return r.newest({false, std::move(out)});
          },
          py::kw_only(), py::arg("out") = py::none(),
          "The newest frame, copied and verified. The tail stays.")
      .def(
          "newest_in_place", [](const ReaderHandle& r) { return r.newest({.in_place = true}); },
          kInPlace)
      .def(
          "at",
          [](const ReaderHandle& r, py::ssize_t slot, py::object out) {
            return r.at(slot, {false, std::move(out)});
          },
          py::arg("slot"), py::kw_only(), py::arg("out") = py::none(),
          "What a slot (modulo the depth) holds at the moment: not_ready when it was never\n"
          "written, torn when it is being written. The tail stays.")
      .def(
          "at_in_place",
          [](const ReaderHandle& r, py::ssize_t slot) { return r.at(slot, {.in_place = true}); },
          py::arg("slot"), kInPlace)
      .def("history", &ReaderHandle::history, py::arg("frames"), py::kw_only(),
           py::arg("out") = py::none(),
           "The newest frames (1 to depth), oldest first, each verified; fewer when fewer were\n"
           "written or the writer came round meanwhile. The tail stays.\n"
           "out: array of shape (frames, *shape) to copy into.")
      .def("intact", &ReaderHandle::intact, py::arg("result"),
           "Is the frame of an in-place read still the one delivered?")
      .def(
          "wait",
          [](const ReaderHandle& r, Seconds timeout, Wait how, bool forever) {
            return r.wait(patience(timeout, watch(forever)), how);
          },
          py::arg("timeout") = py::none(), py::kw_only(), py::arg("how") = Wait::sleep,
          py::arg("forever") = false, "Wait until next() has something to say.")
      .def(
          "wait_semaphore",
          [](ReaderHandle& r, std::uint16_t number, Seconds timeout, bool forever) {
            return r.wait_semaphore(number, patience(timeout, watch(forever)));
          },
          py::arg("number"), py::arg("timeout") = py::none(), py::kw_only(),
          py::arg("forever") = false,
          "Wait for one of the POSIX semaphores 0 to 9, as readers of the reference library do.\n"
          "A post wakes one reader only: each needs a number of its own.")
      .def("another", &ReaderHandle::another,
           "A second reader of the same mapping, its tail at the newest frame.")
      .def("writer", &WriterHandle::of,
           "A Writer of this very stream. Raises OSError: EBUSY when another process writes it, "
           "ESTALE when the path was given to another stream.")
      .def("reopen", &ReaderHandle::reopen,
           "Open what the path names now. The tail is at its newest frame; lost_total goes on.")
      .def(
          "reset_tail",
          [](ReaderHandle& r) {
            const Tail tail = r.reset_tail();
            return py::make_tuple(tail.slot, tail.counter.value);
          },
          "Continue with what comes after the present newest frame; returns its (slot, counter).")
      .def(
          "keywords", [](const ReaderHandle& r) { return keywords_of(r.segment()); },
          "{name: int, float or str} of the keyword records in use.")
      .def(
          "set_keyword",
          [](const ReaderHandle& r, const std::string& name, const py::object& value,
             const std::string& comment) { set_keyword_of(r, name, value, comment); },
          py::arg("name"), py::arg("value"), py::arg("comment") = "",
          "Set the keyword of that name, or use the first free record. For one process at a time.")
      .def("metadata", &ReaderHandle::metadata, py::arg("slot") = py::none(),
           "The metadata of a slot (modulo the depth), None: of the newest frame's, as a dict with "
           "DAO's names; time_ns is atime.tsfixed.secondlong. Not verified: a writer may be at it.")
      .def_property("lapped", &ReaderHandle::lapped, &ReaderHandle::set_lapped,
                    "where next() goes on when it was lapped")
      .def_property_readonly("lost_total", &ReaderHandle::lost_total,
                             "frames that next() has skipped since this reader was made")
      .def_property_readonly("writer_state", &ReaderHandle::writer_state);
}

void define_writer(py::module_& module) {
  py::class_<WriterHandle> writer(
      module, "Writer",
      "The one writer of a stream. Handles of one stream in one process share it; a second "
      "process\n"
      "is refused with OSError EBUSY until the last of them is closed or its process has ended.");
  define_handle(writer);
  writer
      .def_static("create", &WriterHandle::create, py::arg("path"), py::arg("shape"),
                  py::arg("dtype"), py::arg("depth") = 1, py::kw_only(), py::arg("keywords") = 0,
                  py::arg("mode") = 0600,
                  "Create a stream, replacing one of that path that has no writer.\n\n"
                  "shape: 1 to 3 axes; keywords: number of records; mode: permissions of the file.")
      .def_static("attach", &WriterHandle::attach, py::arg("path"),
                  "Take over an existing stream without a writer; its counters go on.")
      .def("write", &WriterHandle::write, py::arg("frame"), py::arg("id") = 0,
           "Publish one frame; returns its counter. TypeError on another dtype, ValueError on\n"
           "another shape (axes of length 1 at the end do not count); arrays that are not\n"
           "contiguous in C order are copied first.\n"
           "id: the device's frame number.")
      .def("keywords", &WriterHandle::keywords,
           "{name: int, float or str} of the keyword records in use.")
      .def("set_keyword", &WriterHandle::set_keyword, py::arg("name"), py::arg("value"),
           py::arg("comment") = "", "Set the keyword of that name, or use the first free record.");
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "Extension module of daohil: import that instead.";
  register_errors();
  define_enums(module);
  define_results(module);
  define_reader(module);
  define_writer(module);
  module.def("unlink", &Segment::unlink, py::arg("path"),
             "Remove a stream and its semaphores; False when there was none. Who has it open keeps "
             "it.");
  module.def("release_writers", &release_writers, py::arg("path"),
             "Let go of this process's writer of that stream, so that it can be created anew.");
  module.def(
      "dtype_of",
      [](std::uint8_t atype) {
        if (!is_pixel_type(atype))
          throw py::value_error(fmt::format("atype {}: 1 (uint8) to 12 (complex128)", atype));
        return dtype_of(static_cast<PixelType>(atype));
      },
      py::arg("atype"), "numpy's dtype of a DAO type code.");
}

}  // namespace daohil::shm::python
