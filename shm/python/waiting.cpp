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

std::optional<Awaited> EndOfStream::look(const Reader& reader) {
  constexpr Duration kPatience = std::chrono::seconds(1);
  if (reader.replaced()) return Awaited::replaced;
  const MonotonicTime now = system_clock().now();
  const WriterState state = reader.writer_state();
  const bool gone = state == WriterState::gone && reader.newest_counter() > Counter{1};
  if (state == WriterState::alive || (gone && !last_alive_)) last_alive_ = now;
  if (state == WriterState::alive || !last_alive_ || now - *last_alive_ < kPatience)
    return std::nullopt;
  return Awaited::writer_gone;
}

}  // namespace daohil::shm::python
