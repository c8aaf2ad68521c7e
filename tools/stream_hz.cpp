#include "tools/stream_hz.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include "shm/error.hpp"
#include "shm/reader.hpp"

namespace daohil::tools {
namespace {

using namespace std::chrono_literals;

// How late a signal and a replaced stream are noticed.
constexpr shm::Duration kLook = 50ms;
constexpr shm::Duration kRefresh = 1s;
constexpr int kBenchError = 4;

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_stop(int number) { stop_signal = number; }

// The reference creates a stream anew by cutting the file to 0 bytes, under whoever maps it.
extern "C" void report_cut_file(int) {
  constexpr std::string_view kText =
      "hil: measure the stream: its file was cut short by another process; start again\n";
  (void)!::write(STDERR_FILENO, kText.data(), kText.size());
  ::_exit(kBenchError);
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = note_stop;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
  action.sa_handler = report_cut_file;
  ::sigaction(SIGBUS, &action, nullptr);
}

// The last second, on one line that is written over.
class LiveLine {
 public:
  explicit LiveLine(shm::MonotonicTime now) : begin_(now), shown_(now) {}
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine() { clear(); }

  void observe(const shm::Observation& frame) {
    if (!terminal_) return;
    second_.observe(frame);
    last_ = frame;
  }
  void recreated() {
    second_ = shm::IntervalMeter();
    last_.reset();
  }
  void show_when_due(shm::MonotonicTime now, std::uint64_t frames) {
    if (!terminal_ || now - shown_ < kRefresh) return;
    shown_ = now;
    print(now, frames);
    second_ = shm::IntervalMeter();
    if (last_) second_.observe(*last_);
  }

 private:
  void print(shm::MonotonicTime now, std::uint64_t frames) {
    const shm::PaceReport pace = second_.report();
    std::string text = "no frame";
    if (pace.rate_hz && pace.interval) {
      const auto us = [](shm::Duration d) {
        return std::chrono::duration<double, std::micro>(d).count();
      };
      text = fmt::format("{:.1f} Hz  median {:.1f} us  p99 {:.1f} us  max {:.1f} us  lost {}",
                         *pace.rate_hz, us(pace.interval->median), us(pace.interval->p99),
                         us(pace.interval->max), pace.lost);
    }
    clear();
    fmt::print(stderr, "{}   {} frames in {:.0f} s, Ctrl-C ends", text, frames,
               std::chrono::duration<double>(now - begin_).count());
    std::fflush(stderr);
    line_shown_ = true;
  }
  void clear() {
    if (!line_shown_) return;
    fmt::print(stderr, "\r\033[K");
    std::fflush(stderr);
    line_shown_ = false;
  }

  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool line_shown_ = false;
  shm::MonotonicTime begin_;
  shm::MonotonicTime shown_;
  shm::IntervalMeter second_;
  std::optional<shm::Observation> last_;
};

class Follower {
 public:
  Follower(const std::filesystem::path& path, const HzLimits& limits)
      : path_(path),
        limits_(limits),
        reader_(shm::Reader::open(path)),
        begin_(shm::system_clock().now()),
        last_frame_(begin_),
        live_(begin_) {}

  HzResult follow() {
    for (;;) {
      const shm::MonotonicTime now = shm::system_clock().now();
      if (const auto end = ended(now)) return {meter_.report(), *end};
      live_.show_when_due(now, meter_.frames());
      if (reader_.wait(now + kLook))
        take(reader_.next_in_place());
      else
        look_for_another_stream();
    }
  }

 private:
  [[nodiscard]] std::optional<HzEnd> ended(shm::MonotonicTime now) const {
    if (stop_signal != 0) return HzEnd::signal;
    if (limits_.frames && meter_.frames() >= *limits_.frames) return HzEnd::frames;
    if (limits_.duration && now - begin_ >= *limits_.duration) return HzEnd::duration;
    if (now - last_frame_ >= limits_.silence) return HzEnd::silence;
    return std::nullopt;
  }

  void take(const shm::ReadResult& result) {
    if (!result.has_frame()) return;
    last_frame_ = shm::system_clock().now();
    const shm::Observation frame{result.counter, result.id, result.time};
    meter_.observe(frame);
    live_.observe(frame);
  }

  void look_for_another_stream() {
    // One that was made anew in the same file, as the reference does it, begins with 1 again.
    if (reader_.newest_counter() < reader_.tail().counter) return begin_at_first_frame();
    if (!reader_.segment().replaced()) return;
    try {
      reader_ = shm::Reader::open(path_);
    } catch (const shm::Error& error) {
      if (error.code() == shm::Errc::not_found) return;  // perhaps it comes back
      throw;
    }
    begin_at_first_frame();
    meter_.recreated();
    live_.recreated();
  }

  void begin_at_first_frame() { reader_.set_tail({reader_.depth() - 1, shm::Counter{0}}); }

  std::filesystem::path path_;
  HzLimits limits_;
  shm::Reader reader_;
  shm::IntervalMeter meter_;
  shm::MonotonicTime begin_;
  shm::MonotonicTime last_frame_;
  LiveLine live_;
};

}  // namespace

std::string_view name_of(HzEnd end) {
  switch (end) {
    case HzEnd::duration:
      return "duration";
    case HzEnd::frames:
      return "frames";
    case HzEnd::silence:
      return "silence";
    case HzEnd::signal:
      return "signal";
  }
  return "?";
}

HzResult measure_hz(const std::filesystem::path& path, const HzLimits& limits) {
  catch_signals();
  return Follower(path, limits).follow();
}

}  // namespace daohil::tools
