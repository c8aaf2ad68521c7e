#include "shm/python/convert.hpp"

#include <fmt/format.h>
#include <pybind11/complex.h>

#include <algorithm>
#include <cerrno>
#include <complex>
#include <limits>

#include "shm/error.hpp"

namespace daohil::shm::python {
namespace {

constexpr PixelType kTypes[] = {
    PixelType::u8,  PixelType::i8,  PixelType::u16, PixelType::i16, PixelType::u32, PixelType::i32,
    PixelType::u64, PixelType::i64, PixelType::f32, PixelType::f64, PixelType::c64, PixelType::c128,
};

void set_os_error(int error, const char* message) {
  // OSError chooses its subclass by the number.
  PyErr_SetObject(PyExc_OSError, py::make_tuple(error, message).ptr());
}

int errno_of(Errc code) {
  switch (code) {
    case Errc::not_found:
      return ENOENT;
    case Errc::permission:
      return EACCES;
    case Errc::busy:
      return EBUSY;
    case Errc::no_space:
      return ENOSPC;
    default:
      return EIO;
  }
}

void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Error& error) {
    if (error.code() == Errc::invalid_argument || error.code() == Errc::bad_layout)
      PyErr_SetString(PyExc_ValueError, error.what());
    else
      set_os_error(errno_of(error.code()), error.what());
  }
}

// As Python prints it.
std::string text(const NumpyShape& shape) { return py::repr(py::tuple(py::cast(shape))); }
std::string text(const py::dtype& dtype) { return py::str(py::object(dtype)); }

NumpyShape shape_of(const py::array& array) {
  return {array.shape(), array.shape() + array.ndim()};
}

// DAO keeps vectors as (n, 1).
NumpyShape without_trailing_ones(NumpyShape shape) {
  while (!shape.empty() && shape.back() == 1) shape.pop_back();
  return shape;
}

void check_dtype(const py::array& array, const py::dtype& wanted, const std::string& stream,
                 std::string_view action) {
  if (!array.dtype().equal(wanted))
    throw py::type_error(fmt::format("{} stream {}: the array is {}, the stream {}", action, stream,
                                     text(array.dtype()), text(wanted)));
}

}  // namespace

void register_errors() { py::register_local_exception_translator(translate); }

void raise_os_error(int error, const std::string& message) {
  set_os_error(error, message.c_str());
  throw py::error_already_set();
}

py::dtype dtype_of(PixelType type) {
  switch (type) {
    case PixelType::u8:
      return py::dtype::of<std::uint8_t>();
    case PixelType::i8:
      return py::dtype::of<std::int8_t>();
    case PixelType::u16:
      return py::dtype::of<std::uint16_t>();
    case PixelType::i16:
      return py::dtype::of<std::int16_t>();
    case PixelType::u32:
      return py::dtype::of<std::uint32_t>();
    case PixelType::i32:
      return py::dtype::of<std::int32_t>();
    case PixelType::u64:
      return py::dtype::of<std::uint64_t>();
    case PixelType::i64:
      return py::dtype::of<std::int64_t>();
    case PixelType::f32:
      return py::dtype::of<float>();
    case PixelType::f64:
      return py::dtype::of<double>();
    case PixelType::c64:
      return py::dtype::of<std::complex<float>>();
    case PixelType::c128:
      return py::dtype::of<std::complex<double>>();
  }
  throw Error(Errc::invalid_argument, "pixel type unknown to numpy");
}

PixelType pixel_type_of(const py::dtype& dtype, std::string_view stream) {
  for (const PixelType type : kTypes)
    if (dtype.equal(dtype_of(type))) return type;
  throw py::type_error(
      fmt::format("create stream {}: no stream holds {}; uint8 to uint64, int8 to int64, float32, "
                  "float64, complex64 and complex128 in this machine's byte order",
                  stream, text(dtype)));
}

NumpyShape shape_of(const FrameFormat& format) {
  NumpyShape shape;
  for (std::size_t axis = 0; axis < format.shape().axes(); ++axis)
    shape.push_back(format.shape()[axis]);
  return shape;
}

Shape shape_from(const NumpyShape& shape, std::string_view stream) {
  std::vector<std::uint32_t> axes;
  for (const py::ssize_t axis : shape) {
    if (axis < 1 || axis > std::numeric_limits<std::uint32_t>::max()) axes.clear();
    if (axis < 1 || axis > std::numeric_limits<std::uint32_t>::max()) break;
    axes.push_back(static_cast<std::uint32_t>(axis));
  }
  if (axes.empty() || axes.size() > Shape::kMaxAxes)
    throw py::value_error(fmt::format("create stream {}: shape {}; 1 to {} axes of 1 to {} each",
                                      stream, text(shape), Shape::kMaxAxes,
                                      std::numeric_limits<std::uint32_t>::max()));
  return Shape(std::span<const std::uint32_t>(axes));
}

py::array frame_from(const py::object& data, const FrameFormat& format, const std::string& stream) {
  const py::array array = py::array::ensure(data);
  if (!array) {
    throw py::type_error(fmt::format("write to stream {}: {} is no array", stream,
                                     std::string(py::str(py::type::of(data)))));
  }
  check_dtype(array, dtype_of(format.type()), stream, "write to");
  const NumpyShape given = shape_of(array);
  const NumpyShape wanted = shape_of(format);
  if (given != wanted && without_trailing_ones(given) != without_trailing_ones(wanted))
    throw py::value_error(fmt::format(
        "write to stream {}: the array has shape {} of {} elements, the stream {} of {}", stream,
        text(given), array.size(), text(wanted), format.elements()));
  return py::array::ensure(array, py::array::c_style);
}

py::array checked_output(const py::object& out, const py::dtype& dtype, const NumpyShape& shape,
                         const std::string& stream) {
  if (!py::isinstance<py::array>(out))
    throw py::type_error(fmt::format("read from stream {}: the buffer is {}, not a numpy array",
                                     stream, std::string(py::str(py::type::of(out)))));
  auto array = py::reinterpret_borrow<py::array>(out);
  check_dtype(array, dtype, stream, "read from");
  if (shape_of(array) != shape)
    throw py::value_error(
        fmt::format("read from stream {}: the buffer has shape {}, what is read {}", stream,
                    text(shape_of(array)), text(shape)));
  if (!array.writeable() || (array.flags() & py::array::c_style) == 0)
    throw py::value_error(fmt::format(
        "read from stream {}: the buffer is {}; it must be writable and contiguous in C order",
        stream, array.writeable() ? "not contiguous" : "read-only"));
  return array;
}

std::span<const std::byte> bytes_of(const py::array& array) {
  return {static_cast<const std::byte*>(array.data()), static_cast<std::size_t>(array.nbytes())};
}

std::span<std::byte> writable_bytes_of(py::array& array) {
  return {static_cast<std::byte*>(array.mutable_data()), static_cast<std::size_t>(array.nbytes())};
}

}  // namespace daohil::shm::python
