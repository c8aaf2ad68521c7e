#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <optional>

#include "shm/reader.hpp"

namespace daohil::shm::python {

namespace py = pybind11;

/// What may end a wait besides a frame, its deadline and a signal.
enum class Watch {
  stream,  ///< the stream: path replaced, writer gone
  frames,  ///< nothing
};

struct Patience {
  MonotonicTime deadline;
  Watch watch = Watch::stream;
};

/// @param seconds none: for ever; 0: not at all, the deadline is long past @throws py::value_error
/// on a negative number or NaN
Patience patience(std::optional<double> seconds, Watch watch);

/// Wait without the GIL, in slices so short that Ctrl-C is answered within 100 ms.
///
/// The writer is gone when nobody has taken over for a second. That is only believed of a stream
/// with more than its first frame, or when it was seen alive during this wait: old programs create
/// a stream with one frame and leave the writing to another.
/// @param reader whose stream it is; by value, so that another thread may close its handle
/// @param arrived arrived(reader, deadline): wait for a frame, false on the deadline
/// @throws py::error_already_set on a signal whose handler raises
template <typename Arrived>
Awaited wait_for(Reader& reader, Patience patience, Arrived arrived);

// ------------------------------------------------------------------------------------------------

constexpr Duration kSlice = std::chrono::milliseconds(50);

/// Has the stream come to its end? The looks of one wait.
class EndOfStream {
 public:
  /// none: not yet
  std::optional<Awaited> look(const Reader& reader);

 private:
  std::optional<MonotonicTime> last_alive_;  // or known to be dead: the second begins
};

template <typename Arrived>
Awaited wait_for(Reader& reader, Patience patience, Arrived arrived) {
  EndOfStream end_of_stream;
  for (;;) {
    const MonotonicTime slice = std::min(patience.deadline, system_clock().now() + kSlice);
    std::optional<Awaited> end;
    {
      const py::gil_scoped_release unlocked;
      if (arrived(reader, slice)) return Awaited::frame;
      if (patience.watch == Watch::stream) end = end_of_stream.look(reader);
      // A frame may have come since; then the writer may go.
      if (end && arrived(reader, MonotonicTime{})) return Awaited::frame;
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (end) return *end;
    if (slice >= patience.deadline) return Awaited::timeout;
  }
}

}  // namespace daohil::shm::python
