#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace daohil::shm {

using Duration = std::chrono::nanoseconds;

/// A point on CLOCK_MONOTONIC: intervals, deadlines and pacing. One time scale for all processes
/// of a host; never steps.
class MonotonicTime {
 public:
  constexpr MonotonicTime() = default;
  constexpr explicit MonotonicTime(Duration since_boot) : ns_(since_boot) {}

  [[nodiscard]] constexpr Duration since_epoch() const { return ns_; }
  [[nodiscard]] constexpr std::int64_t count() const { return ns_.count(); }

  constexpr auto operator<=>(const MonotonicTime&) const = default;
  constexpr MonotonicTime operator+(Duration d) const { return MonotonicTime{ns_ + d}; }
  constexpr MonotonicTime operator-(Duration d) const { return MonotonicTime{ns_ - d}; }
  constexpr Duration operator-(MonotonicTime other) const { return ns_ - other.ns_; }

 private:
  Duration ns_{0};
};

/// A point on CLOCK_REALTIME (nanoseconds since 1970, UTC): what is written into stream metadata
/// and reports. It may step; never compute an interval from it.
class UtcTime {
 public:
  constexpr UtcTime() = default;
  constexpr explicit UtcTime(Duration since_1970) : ns_(since_1970) {}

  [[nodiscard]] constexpr std::int64_t count() const { return ns_.count(); }
  constexpr auto operator<=>(const UtcTime&) const = default;

 private:
  Duration ns_{0};
};

/// A frame rate, exact in millihertz, so that the time of frame k never drifts:
/// it is computed from k, not accumulated from a rounded period.
class Rate {
 public:
  /// @param mhz millihertz, 1 .. 10^12 (1 mHz to 1 GHz). @throws Error invalid_argument
  static Rate millihertz(std::int64_t mhz);
  /// Rounded to the nearest millihertz. @throws Error invalid_argument
  static Rate hertz(double hz);

  [[nodiscard]] std::int64_t millihertz() const { return mhz_; }
  [[nodiscard]] double hertz() const { return static_cast<double>(mhz_) / 1e3; }
  /// One period, rounded to the nearest nanosecond.
  [[nodiscard]] Duration period() const;
  /// Time from frame 0 to frame k: floor(k * 10^12 / millihertz) ns, exact for any k that fits
  /// 292 years.
  [[nodiscard]] Duration offset_of(std::uint64_t k) const;
  /// Frames due at or before `elapsed`, counting frame 0 (due at 0). 0 for a negative time.
  /// The inverse of offset_of: offset_of(k) <= elapsed exactly for k < frames_by(elapsed).
  [[nodiscard]] std::uint64_t frames_by(Duration elapsed) const;

  constexpr auto operator<=>(const Rate&) const = default;

 private:
  explicit constexpr Rate(std::int64_t mhz) : mhz_(mhz) {}
  std::int64_t mhz_;
};

/// Where code gets its time from. Injected, so that the same actors run under the system clock
/// and under a virtual one.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonotonicTime now() const = 0;
  [[nodiscard]] virtual UtcTime utc_now() const = 0;
  /// Returns once now() >= deadline. Always an absolute deadline: relative sleeps add up errors.
  virtual void sleep_until(MonotonicTime deadline) const = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME. Stateless, safe from any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override;
  [[nodiscard]] UtcTime utc_now() const override;
  void sleep_until(MonotonicTime deadline) const override;
};

/// The one SystemClock of the process.
const SystemClock& system_clock();

/// A clock that moves only when told to, for one thread that steps a whole bench.
/// Not safe from several threads.
class VirtualClock final : public Clock {
 public:
  /// @param utc_origin what utc_now() says at virtual time 0; fixed by default, so that two runs
  /// with one seed are bit-identical.
  explicit VirtualClock(UtcTime utc_origin = UtcTime{}) : utc_origin_(utc_origin) {}

  [[nodiscard]] MonotonicTime now() const override { return now_; }
  [[nodiscard]] UtcTime utc_now() const override;
  /// Moves now() forward to the deadline; does nothing when it has passed.
  void sleep_until(MonotonicTime deadline) const override;
  void advance(Duration by) const { now_ = now_ + by; }

 private:
  UtcTime utc_origin_;
  mutable MonotonicTime now_{};
};

/// "2026-11-23T22:27:01Z", for reports.
std::string to_iso8601(UtcTime time);

}  // namespace daohil::shm
