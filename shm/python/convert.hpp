#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/frame.hpp"

namespace daohil::shm::python {

namespace py = pybind11;

/// shm::Error becomes ValueError (invalid_argument, bad_layout) or an OSError with its errno, hence
/// FileNotFoundError (ENOENT), PermissionError (EACCES); EBUSY is a stream that has a writer.
void register_errors();

/// @throws py::error_already_set always: OSError of that errno
[[noreturn]] void raise_os_error(int error, const std::string& message);

py::dtype dtype_of(PixelType type);
/// @param stream only for the message @throws py::type_error
PixelType pixel_type_of(const py::dtype& dtype, std::string_view stream);

using NumpyShape = std::vector<py::ssize_t>;
NumpyShape shape_of(const FrameFormat& format);
/// @throws Error invalid_argument, @throws py::value_error
Shape shape_from(const NumpyShape& shape, std::string_view stream);

/// The array whose bytes are a frame: as it is, or a copy where it is not contiguous in C order.
/// Its shape may lack axes of length 1 at the end of the stream's, and the reverse.
/// @throws py::type_error, py::value_error saying both sides
py::array frame_from(const py::object& data, const FrameFormat& format, const std::string& stream);

/// The caller's array to read into, checked.
/// @param shape of the whole array @throws py::type_error, py::value_error saying both sides
py::array checked_output(const py::object& out, const py::dtype& dtype, const NumpyShape& shape,
                         const std::string& stream);

std::span<const std::byte> bytes_of(const py::array& array);
std::span<std::byte> writable_bytes_of(py::array& array);

/// Run `work`, which must not touch Python, without the GIL if it moves many bytes: letting go of
/// it costs about as much as copying this many.
template <typename Work>
auto copying(std::size_t bytes, Work work) {
  constexpr std::size_t kFew = 4096;
  if (bytes <= kFew) return work();
  const py::gil_scoped_release unlocked;
  return work();
}

}  // namespace daohil::shm::python
