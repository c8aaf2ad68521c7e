// What one frame costs the writer and the reader, beside what it cannot go below.
//
//   write/<frame>/<depth>     Writer::write beside memcpy into as many bare slots
//   publish/<frame>/<depth>   begin and commit, pixels in place, beside the clock and three stores
//   depth/<depth>             the same at that depth beside depth 1
//   readers/<count>           the same with idle readers attached beside none
//   read/<frame>/<depth>      Reader::next, a verified copy, beside memcpy out of bare slots

#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <memory>

#include "paired.hpp"
#include "places.hpp"
#include "program.hpp"
#include "shm/reader.hpp"

namespace {

using namespace daohil;
using namespace daohil::bench;

struct Frame {
  const char* name;
  shm::FrameFormat format;
  std::size_t calls;  // about 0.2 ms a round: shorter than a time slice of the scheduler
};

const std::vector<Frame>& frames() {
  static const std::vector<Frame> all{
      {"64x64", {shm::Shape{64, 64}, shm::PixelType::u16}, 2000},
      {"240x240", {shm::Shape{240, 240}, shm::PixelType::u16}, 80},
      {"640x512", {shm::Shape{640, 512}, shm::PixelType::u16}, 16},
      {"2048x2048", {shm::Shape{2048, 2048}, shm::PixelType::u16}, 2},
  };
  return all;
}

std::size_t calls_of(const Options& options, std::size_t own) {
  return options.calls > 0 ? static_cast<std::size_t>(options.calls) : own;
}

std::vector<std::byte> some_pixels(const shm::FrameFormat& format) {
  return std::vector<std::byte>(format.bytes(), std::byte{42});
}

void write_beside_memcpy(benchmark::State& state, const Options& options, const Frame& frame,
                         std::uint32_t depth) {
  OwnStream stream(options.folder, "write", {.format = frame.format, .depth = depth});
  BareRing ring(options.folder, stream.writer().segment().layout());
  const std::vector<std::byte> pixels = some_pixels(frame.format);
  compare(
      state, calls_of(options, frame.calls),
      [&] { stream.writer().write(pixels, shm::FrameId{1}); },
      [&] {
        std::memcpy(ring.next(), pixels.data(), pixels.size());
        benchmark::ClobberMemory();
      });
}

constexpr std::size_t kPublishCalls = 2000;

// A type, so that two streams are compared by one copy of the code.
struct Publish {
  OwnStream* stream;
  void operator()() const { stream->writer().begin().commit(shm::FrameId{1}); }
};

// Less a stream cannot do: know the time and say "frame k is in slot s".
struct BareStamp {
  std::atomic<std::int64_t> time{0};
  std::atomic<std::uint64_t> counter{0};
  std::atomic<std::uint32_t> index{0};

  void store() {
    const shm::UtcTime now = shm::system_clock().utc_now();
    time.store(now.count(), std::memory_order_relaxed);
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    index.store(0, std::memory_order_release);
  }
};

void publish_in_place(benchmark::State& state, const Options& options, const Frame& frame,
                      std::uint32_t depth) {
  OwnStream stream(options.folder, "publish", {.format = frame.format, .depth = depth});
  const auto bare = std::make_unique<BareStamp>();
  compare(state, calls_of(options, kPublishCalls), Publish{&stream}, [&] { bare->store(); });
}

void publish_at_depth(benchmark::State& state, const Options& options, std::uint32_t depth) {
  const shm::FrameFormat format(shm::Shape{64, 64}, shm::PixelType::u16);
  OwnStream deep(options.folder, "deep", {.format = format, .depth = depth});
  OwnStream flat(options.folder, "flat", {.format = format, .depth = 1});
  compare(state, calls_of(options, kPublishCalls), Publish{&deep}, Publish{&flat});
}

// A process with readers that have the stream open and do nothing.
class IdleReaders {
 public:
  IdleReaders(const std::filesystem::path& path, std::size_t count) {
    int ready[2];
    if (::pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) hold(path, count, ready[1]);
    char byte = 0;
    ::close(ready[1]);
    const bool opened = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
    if (!opened) throw std::runtime_error("the idle readers did not open the stream");
  }
  IdleReaders(const IdleReaders&) = delete;
  ~IdleReaders() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  [[noreturn]] static void hold(const std::filesystem::path& path, std::size_t count, int ready) {
    try {
      std::vector<shm::Reader> readers;
      for (std::size_t i = 0; i < count; ++i) readers.push_back(shm::Reader::open(path));
      if (::write(ready, "", 1) == 1)
        for (;;) ::pause();
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
    }
    ::_exit(1);
  }
  pid_t pid_;
};

void publish_to_idle(benchmark::State& state, const Options& options, std::size_t count) {
  const shm::FrameFormat format(shm::Shape{64, 64}, shm::PixelType::u16);
  OwnStream seen(options.folder, "seen", {.format = format, .depth = 8});
  OwnStream unseen(options.folder, "unseen", {.format = format, .depth = 8});
  const IdleReaders readers(seen.path(), count);
  compare(state, calls_of(options, kPublishCalls), Publish{&seen}, Publish{&unseen});
}

void read_beside_memcpy(benchmark::State& state, const Options& options, const Frame& frame,
                        std::uint32_t depth) {
  OwnStream stream(options.folder, "read", {.format = frame.format, .depth = depth});
  BareRing ring(options.folder, stream.writer().segment().layout());
  std::vector<std::byte> pixels = some_pixels(frame.format);
  shm::Reader reader = shm::Reader::open(stream.path());
  // Once round the ring without a writer: the tail is put before the oldest frame again.
  const shm::Tail newest = reader.tail();
  const shm::Tail oldest{newest.slot, {newest.counter.value - depth}};
  compare(
      state, calls_of(options, frame.calls),
      [&] {
        if (reader.tail().counter == newest.counter) reader.set_tail(oldest);
        if (!reader.next(pixels).has_frame()) throw std::runtime_error("no frame");
      },
      [&] {
        std::memcpy(pixels.data(), ring.next(), pixels.size());
        benchmark::ClobberMemory();
      });
}

void add_benchmarks(const Options& options) {
  if (const auto cores = allowed_cores(); !cores.empty()) pin_to(cores.back());
  for (const Frame& frame : frames())
    for (const std::uint32_t depth : {1U, 8U}) {
      const auto add = [&](const char* what, auto body) {
        add_rounds(options, fmt::format("{}/{}/{}", what, frame.name, depth),
                   [=, &frame](benchmark::State& state) { body(state, options, frame, depth); });
      };
      add("write", write_beside_memcpy);
      add("publish", publish_in_place);
      add("read", read_beside_memcpy);
    }
  for (const std::uint32_t depth : {1U, 10U, 100U, 1000U})
    add_rounds(options, fmt::format("depth/{}", depth),
               [=](benchmark::State& state) { publish_at_depth(state, options, depth); });
  for (const std::size_t count : {0U, 1U, 4U, 16U, 64U})
    add_rounds(options, fmt::format("readers/{}", count),
               [=](benchmark::State& state) { publish_to_idle(state, options, count); });
}

}  // namespace

int main(int argc, char** argv) {
  return daohil::bench::run_program(argc, argv, {.rounds = 201}, add_benchmarks);
}
