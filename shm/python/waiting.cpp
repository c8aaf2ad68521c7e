#include "shm/python/waiting.hpp"

#include <fmt/format.h>

#include <cmath>

namespace daohil::shm::python {

Patience patience(std::optional<double> seconds, Watch watch) {
  constexpr double kForEver = 1e9;  // 30 years
  if (!seconds || *seconds > kForEver) return {MonotonicTime{Duration::max()}, watch};
  if (std::isnan(*seconds) || *seconds < 0)
    throw py::value_error(fmt::format("timeout {}: seconds from 0, or None for ever", *seconds));
  if (*seconds == 0) return {MonotonicTime{}, watch};
  const auto ns = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
  return {system_clock().now() + ns, watch};
}

std::optional<Awaited> end_of_stream(const Reader& reader, WriterState& before) {
  if (reader.replaced()) return Awaited::replaced;
  const WriterState state = reader.writer_state();
  const bool died = before == WriterState::alive && state != WriterState::alive;
  before = state;
  if (died || (state == WriterState::gone && reader.newest_counter() > Counter{1}))
    return Awaited::writer_gone;
  return std::nullopt;
}

}  // namespace daohil::shm::python
