#include "shm/time.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <ctime>

#include "shm/detail/wide.hpp"
#include "shm/error.hpp"

namespace daohil::shm {
namespace {

constexpr std::int64_t kNanosPerKilosecond = 1'000'000'000'000;  // 10^12: ns x mHz per frame
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

Duration read_clock(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return Duration{ts.tv_sec * kNanosPerSecond + ts.tv_nsec};
}

}  // namespace

Rate Rate::millihertz(std::int64_t mhz) {
  if (mhz < 1 || mhz > kNanosPerKilosecond)
    throw Error(Errc::invalid_argument,
                fmt::format("frame rate {} mHz is outside 1 mHz to 1 GHz", mhz));
  return Rate{mhz};
}

Rate Rate::hertz(double hz) {
  if (!(hz >= 1e-3 && hz <= 1e9))
    throw Error(Errc::invalid_argument,
                fmt::format("frame rate {} Hz is outside 1 mHz to 1 GHz", hz));
  return Rate{std::llround(hz * 1e3)};
}

Duration Rate::period() const { return Duration{(kNanosPerKilosecond + mhz_ / 2) / mhz_}; }

Duration Rate::offset_of(std::uint64_t k) const {
  const auto exact =
      static_cast<detail::uint128>(k) * kNanosPerKilosecond / static_cast<detail::uint128>(mhz_);
  return Duration{static_cast<std::int64_t>(exact)};
}

std::uint64_t Rate::frames_by(Duration elapsed) const {
  if (elapsed.count() < 0) return 0;
  // floor(k P / m) <= t  <=>  k P < (t + 1) m  <=>  k < (t + 1) m / P, P = 10^12, m in mHz;
  // the number of such k >= 0 is the ceiling of the right side.
  const auto right =
      (static_cast<detail::uint128>(elapsed.count()) + 1) * static_cast<detail::uint128>(mhz_);
  const auto p = static_cast<detail::uint128>(kNanosPerKilosecond);
  return static_cast<std::uint64_t>((right + p - 1) / p);
}

MonotonicTime SystemClock::now() const { return MonotonicTime{read_clock(CLOCK_MONOTONIC)}; }

UtcTime SystemClock::utc_now() const { return UtcTime{read_clock(CLOCK_REALTIME)}; }

void SystemClock::sleep_until(MonotonicTime deadline) const {
  const auto ns = deadline.count();
  const timespec ts{ns / kNanosPerSecond, ns % kNanosPerSecond};
  // EINTR: a handled signal; the deadline is absolute, so waiting again costs no accuracy.
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, nullptr) == EINTR) {
  }
}

const SystemClock& system_clock() {
  static const SystemClock clock;
  return clock;
}

UtcTime VirtualClock::utc_now() const {
  return UtcTime{Duration{utc_origin_.count() + now_.count()}};
}

void VirtualClock::sleep_until(MonotonicTime deadline) const {
  if (deadline > now_) now_ = deadline;
}

std::string to_iso8601(UtcTime time) {
  const std::time_t seconds = time.count() / kNanosPerSecond;
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

}  // namespace daohil::shm
