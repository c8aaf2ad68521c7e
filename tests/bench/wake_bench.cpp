// How soon a waiting reader of another process runs, and what waking costs the writer, at 1 kHz.
//
//   wake/sleep          begin and commit to Reader::wait, Wait::sleep, beside a bare futex
//   wake/spin           the same with Wait::spin, beside a bare spin on one word
//   wake_write/...      both again with the pixels: Writer::write beside memcpy and the bare
//   wake-up write_blocked/<n>   Writer::write with n sleeping readers beside one
//
// Latency: from the writer about to begin to the reader running with the frame, 64x64 u16. Readers
// share one core, the writer has another if there is one.

#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <climits>
#include <csignal>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>

#include "paired.hpp"
#include "places.hpp"
#include "program.hpp"
#include "shm/reader.hpp"
#include "shm/shared_block.hpp"

namespace {

using namespace daohil;
using namespace daohil::bench;

constexpr shm::Duration kPeriod = std::chrono::milliseconds(1);
// The first wake-ups of a round find caches and branches cold, as no running bench does.
constexpr std::uint32_t kWarmUp = 20;
// A reader that has seen nothing for so long gives up: the writer has failed.
constexpr shm::Duration kPatience = std::chrono::seconds(10);

shm::MonotonicTime now() { return shm::system_clock().now(); }

const std::vector<std::byte>& pixels() {
  static const std::vector<std::byte> some(64 * 64 * 2, std::byte{42});
  return some;
}

struct Cores {
  int reader = 0;
  int writer = 0;
};

Cores choose_cores() {
  const std::vector<int> cores = allowed_cores();
  return cores.empty() ? Cores{} : Cores{cores.front(), cores.back()};
}

// ------------------------------------------------------------------ what both processes look at

/// One round: frames 1 .. count, when each was written and when the reader saw it.
struct Shared {
  std::atomic<std::uint32_t> ready{0};
  std::atomic<std::int64_t> cpu_ns{0};
  alignas(64) std::atomic<std::uint32_t> word{0};  // the bare futex, the bare spin
  alignas(64) std::uint32_t count = 0;

  [[nodiscard]] std::int64_t* written() { return reinterpret_cast<std::int64_t*>(this + 1); }
  [[nodiscard]] std::int64_t* seen() { return written() + count + 1; }
  [[nodiscard]] static std::size_t bytes(std::uint32_t count) {
    return sizeof(Shared) + 2 * (count + 1) * sizeof(std::int64_t);
  }
};

class Round {
 public:
  explicit Round(std::uint32_t count)
      : block_(Shared::bytes(count)), shared_(new (block_.data()) Shared) {
    shared_->count = count;
    block_.prefault();
  }
  [[nodiscard]] Shared& shared() const { return *shared_; }

  /// Median latency in ns of the frames for which the reader was waiting: it had seen the one
  /// before in time. Where other processes took its core it was not.
  [[nodiscard]] std::optional<double> latency() const {
    const std::int64_t* written = shared_->written();
    const std::int64_t* seen = shared_->seen();
    std::vector<double> all;
    for (std::uint32_t k = kWarmUp + 1; k <= shared_->count; ++k)
      if (seen[k] != 0 && seen[k - 1] != 0 && seen[k - 1] < written[k])
        all.push_back(static_cast<double>(seen[k] - written[k]));
    if (all.empty()) return std::nullopt;
    return median(all);
  }
  /// The part of a core that the reader used.
  [[nodiscard]] double cpu() const {
    const std::int64_t span = shared_->written()[shared_->count] - shared_->written()[1];
    return static_cast<double>(shared_->cpu_ns.load()) / static_cast<double>(span);
  }

 private:
  shm::SharedBlock block_;
  Shared* shared_;
};

// -------------------------------------------------------------------------------------- readers

/// Waits for a frame later than `last` and returns its number.
using WaitFor = std::function<std::uint32_t(std::uint32_t last)>;

std::int64_t cpu_time() {
  timespec ts{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
  return ts.tv_sec * 1'000'000'000 + ts.tv_nsec;
}

void read_round(Shared& round, const WaitFor& wait_for) {
  round.ready.fetch_add(1);
  const std::int64_t before = cpu_time();
  for (std::uint32_t last = 0; last < round.count;) {
    const std::uint32_t frame = wait_for(last);
    const std::int64_t at = now().count();
    if (frame == last) throw std::runtime_error("no frame for 10 s");
    last = frame;
    round.seen()[frame] = at;
  }
  round.cpu_ns.store(cpu_time() - before);
}

WaitFor our_reader(const std::filesystem::path& path, shm::Wait how) {
  const auto reader = std::make_shared<shm::Reader>(shm::Reader::open(path));
  const shm::Counter first = reader->tail().counter;
  return [=](std::uint32_t last) {
    while (reader->wait(now() + kPatience, how))
      if (const shm::ReadResult frame = reader->next_in_place(); frame.has_frame())
        return static_cast<std::uint32_t>(frame.counter - first);
    return last;
  };
}

WaitFor bare_futex(Shared& round) {
  return [&round](std::uint32_t last) {
    const timespec patience{std::chrono::seconds(kPatience / std::chrono::seconds(1)).count(), 0};
    std::uint32_t word = 0;
    while ((word = round.word.load(std::memory_order_acquire)) == last)
      if (::syscall(SYS_futex, &round.word, FUTEX_WAIT, last, &patience, nullptr, 0) != 0 &&
          errno == ETIMEDOUT)
        break;
    return word;
  };
}

WaitFor bare_spin(Shared& round) {
  return [&round](std::uint32_t last) {
    std::uint32_t word = 0;
    while ((word = round.word.load(std::memory_order_acquire)) == last) benchmark::ClobberMemory();
    return word;
  };
}

/// Forked readers; killed if the round does not come to its end.
class Readers {
 public:
  Readers(Shared& round, std::size_t count, int core, const std::function<WaitFor()>& make) {
    for (std::size_t i = 0; i < count; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) run(round, core, make);
      pids_.push_back(pid);
    }
    while (round.ready.load() < count) {
      if (::waitpid(pids_.back(), nullptr, WNOHANG) != 0)
        throw std::runtime_error("a reader ended early");
      shm::system_clock().sleep_until(now() + std::chrono::milliseconds(1));
    }
  }
  Readers(const Readers&) = delete;
  ~Readers() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  void join() {
    for (const pid_t pid : pids_) {
      int status = 0;
      ::waitpid(pid, &status, 0);
      failed_ |= status != 0;
    }
    pids_.clear();
    if (failed_) throw std::runtime_error("a reader failed");
  }

 private:
  [[noreturn]] static void run(Shared& round, int core, const std::function<WaitFor()>& make) {
    try {
      pin_to(core);
      ::setpriority(PRIO_PROCESS, 0, -10);  // where permitted: less of the other processes
      read_round(round, make());
      ::_exit(0);
    } catch (const std::exception& error) {
      fmt::print(stderr, "reader: {}\n", error.what());
      ::_exit(1);
    }
  }
  std::vector<pid_t> pids_;
  bool failed_ = false;
};

// --------------------------------------------------------------------------------------- writer

/// Frames 1 .. count, one a period, each at its own deadline.
void write_round(Shared& round, const std::function<void(std::uint32_t)>& write) {
  const shm::MonotonicTime start = now();
  for (std::uint32_t k = 1; k <= round.count; ++k) {
    shm::system_clock().sleep_until(start + kPeriod * k);
    round.written()[k] = now().count();
    write(k);
  }
}

enum class Pixels { in_place, copied };

void bare_wake(Shared& round, std::uint32_t frame) {
  round.word.store(frame, std::memory_order_release);
  ::syscall(SYS_futex, &round.word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

Round measure_ours(OwnStream& stream, std::uint32_t count, shm::Wait how, Pixels how_pixels,
                   int core) {
  Round round(count);
  Readers readers(round.shared(), 1, core, [&] { return our_reader(stream.path(), how); });
  write_round(round.shared(), [&](std::uint32_t k) {
    if (how_pixels == Pixels::copied)
      stream.writer().write(pixels(), shm::FrameId{k});
    else
      stream.writer().begin().commit(shm::FrameId{k});
  });
  readers.join();
  return round;
}

Round measure_bare(BareRing& ring, std::uint32_t count, shm::Wait how, Pixels how_pixels,
                   int core) {
  Round round(count);
  Shared& shared = round.shared();
  Readers readers(shared, 1, core,
                  [&] { return how == shm::Wait::sleep ? bare_futex(shared) : bare_spin(shared); });
  write_round(shared, [&](std::uint32_t k) {
    if (how_pixels == Pixels::copied) std::memcpy(ring.next(), pixels().data(), pixels().size());
    if (how == shm::Wait::sleep)
      bare_wake(shared, k);
    else
      shared.word.store(k, std::memory_order_release);
  });
  readers.join();
  return round;
}

shm::CreateOptions small_frames() {
  return {.format = {shm::Shape{64, 64}, shm::PixelType::u16}, .depth = 8};
}

void wake(benchmark::State& state, const Options& options, Cores cores, shm::Wait how,
          Pixels how_pixels) {
  OwnStream stream(options.folder, "wake", small_frames());
  BareRing ring(options.folder, stream.writer().segment().layout());
  const auto count = static_cast<std::uint32_t>(options.calls) + kWarmUp;
  Pairs pairs;
  std::vector<double> cpu;
  std::vector<double> bare_cpu;
  for (auto _ : state) {
    const Round ours = measure_ours(stream, count, how, how_pixels, cores.reader);
    const Round bare = measure_bare(ring, count, how, how_pixels, cores.reader);
    if (ours.latency() && bare.latency()) pairs.add(*ours.latency(), *bare.latency());
    cpu.push_back(ours.cpu());
    bare_cpu.push_back(bare.cpu());
    state.SetIterationTime(ours.latency().value_or(0) / 1e9);
  }
  pairs.report(state);
  state.counters["cpu"] = median(cpu);
  state.counters["limit_cpu"] = median(bare_cpu);
}

/// n readers beside one, round by round.
void compare_rounds(benchmark::State& state, std::size_t readers,
                    const std::function<double(std::size_t)>& measure) {
  Pairs pairs;
  for (auto _ : state) {
    const double many = measure(readers);
    pairs.add(many, measure(1));
    state.SetIterationTime(many / 1e9);
  }
  pairs.report(state);
}

/// Median time of one write while so many readers sleep, ns.
double time_of_write(Round& round, std::size_t sleeping, int core,
                     const std::function<WaitFor()>& make,
                     const std::function<void(std::uint32_t)>& write) {
  Readers readers(round.shared(), sleeping, core, make);
  std::vector<double> took;
  write_round(round.shared(), [&](std::uint32_t k) {
    const shm::MonotonicTime start = now();
    write(k);
    if (k > kWarmUp) took.push_back(static_cast<double>((now() - start).count()));
  });
  readers.join();
  return median(took);
}

void write_blocked(benchmark::State& state, const Options& options, Cores cores,
                   std::size_t sleeping) {
  OwnStream stream(options.folder, "blocked", small_frames());
  const auto count = static_cast<std::uint32_t>(options.calls) + kWarmUp;
  const auto measure = [&](std::size_t readers) {
    Round round(count);
    return time_of_write(
        round, readers, cores.reader, [&] { return our_reader(stream.path(), shm::Wait::sleep); },
        [&](std::uint32_t k) { stream.writer().write(pixels(), shm::FrameId{k}); });
  };
  compare_rounds(state, sleeping, measure);
}

void bare_blocked(benchmark::State& state, const Options& options, Cores cores,
                  std::size_t sleeping) {
  OwnStream stream(options.folder, "blocked", small_frames());
  BareRing ring(options.folder, stream.writer().segment().layout());
  const auto count = static_cast<std::uint32_t>(options.calls) + kWarmUp;
  const auto measure = [&](std::size_t readers) {
    Round round(count);
    Shared& shared = round.shared();
    return time_of_write(
        round, readers, cores.reader, [&] { return bare_futex(shared); },
        [&](std::uint32_t k) {
          std::memcpy(ring.next(), pixels().data(), pixels().size());
          bare_wake(shared, k);
        });
  };
  compare_rounds(state, sleeping, measure);
}

void add_benchmarks(const Options& options) {
  const Cores cores = choose_cores();
  pin_to(cores.writer);
  sched_param fifo{};
  fifo.sched_priority = 10;
  const bool real_time = ::sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0;
  benchmark::AddCustomContext(
      "placement",
      fmt::format("readers on core {} nice -10, writer on core {} {}", cores.reader, cores.writer,
                  real_time ? "SCHED_FIFO" : "(no right to SCHED_FIFO)"));
  const auto add_wake = [&](const char* name, shm::Wait how, Pixels how_pixels) {
    add_rounds(options, name,
               [=](benchmark::State& state) { wake(state, options, cores, how, how_pixels); });
  };
  add_wake("wake/sleep", shm::Wait::sleep, Pixels::in_place);
  add_wake("wake/spin", shm::Wait::spin, Pixels::in_place);
  add_wake("wake_write/sleep", shm::Wait::sleep, Pixels::copied);
  add_wake("wake_write/spin", shm::Wait::spin, Pixels::copied);
  for (const std::size_t sleeping : {0U, 1U, 2U, 4U, 16U}) {
    const auto add = [&](const char* what, auto body) {
      add_rounds(options, fmt::format("{}/{}", what, sleeping),
                 [=](benchmark::State& state) { body(state, options, cores, sleeping); });
    };
    add("write_blocked", write_blocked);
    add("bare_blocked", bare_blocked);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return daohil::bench::run_program(argc, argv, {.rounds = 9, .calls = 400}, add_benchmarks);
}
