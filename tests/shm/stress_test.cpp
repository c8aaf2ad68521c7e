// One writer flat out against every kind of reader at once. The reference library hands out 64 to
// 96 % bad frames as good under such a load; here none may be accepted, and what was delivered,
// lost and left over must add up. Bounded by a number of frames, never by time;
// DAO_HIL_STRESS_FRAMES=N sets how many for a deeper look (tests/deep).

#include <cstdlib>
#include <thread>

#include "shm/detail/racy_copy.hpp"
#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

#if defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kDefaultFrames = 3'000;
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::uint64_t kDefaultFrames = 20'000;
#else
constexpr std::uint64_t kDefaultFrames = 60'000;
#endif

std::uint64_t frames_wanted() {
  const char* text = std::getenv("DAO_HIL_STRESS_FRAMES");
  return text == nullptr ? kDefaultFrames : std::strtoull(text, nullptr, 10);
}
const std::uint64_t kFrames = frames_wanted();
constexpr std::uint32_t kWords = 512;

/// Every word of a frame is a function of its counter. Word by word and atomically: in place, the
/// writer may be storing at the same time.
bool describes_itself(std::span<const std::byte> pixels, Counter counter) {
  for (std::size_t i = 0; i < kWords; ++i) {
    auto* word = reinterpret_cast<std::uint32_t*>(const_cast<std::byte*>(pixels.data())) + i;
    if (std::atomic_ref<std::uint32_t>(*word).load(std::memory_order_relaxed) !=
        word_of(counter.value, i))
      return false;
  }
  return true;
}

struct Count {
  std::uint64_t first = 0;  // counter of the tail at the start
  std::uint64_t last = 0;
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  std::uint64_t bad = 0;        // accepted as good and wrong
  std::uint64_t gaps = 0;       // counter does not follow from the last one and `lost`
  std::uint64_t overtaken = 0;  // in place: noticed by intact()
};

enum class Mode { next_copy, next_in_place, newest, history, any_slot, wait_sleep, wait_spin };

// What a mode reads is either the next frame, or whatever is there.
bool in_order(Mode mode) {
  return mode != Mode::newest && mode != Mode::history && mode != Mode::any_slot;
}

class StressReader {
 public:
  StressReader(const std::filesystem::path& path, Mode mode)
      : reader_(Reader::open(path)), mode_(mode) {
    count_.first = count_.last = reader_.tail().counter.value;
  }

  void run(const std::atomic<bool>& done) {
    while (!finished(done)) {
      if (mode_ == Mode::newest)
        take_newest();
      else if (mode_ == Mode::history)
        take_history();
      else if (mode_ == Mode::any_slot)
        take_any_slot();
      else
        take(read());
    }
  }
  [[nodiscard]] const Count& count() const { return count_; }
  [[nodiscard]] bool reads_in_order() const { return in_order(mode_); }

 private:
  /// The end is reached when the writer is done and nothing is left.
  bool finished(const std::atomic<bool>& done) const {
    return count_.last == kFrames && done.load(std::memory_order_acquire);
  }

  ReadResult read() {
    switch (mode_) {
      case Mode::next_in_place:
        return reader_.next_in_place();
      case Mode::wait_sleep:
        reader_.wait(far_deadline(), Wait::sleep);
        break;
      case Mode::wait_spin:
        reader_.wait(far_deadline(), Wait::spin);
        break;
      default:
        break;
    }
    if (mode_ != Mode::next_copy && count_.last == kFrames) return {};
    return reader_.next(into_);
  }

  void take(const ReadResult& got) {
    if (!got.has_frame()) {
      std::this_thread::yield();
      return;
    }
    ++count_.delivered;
    count_.lost += got.lost;
    if (got.counter.value != count_.last + got.lost + 1) ++count_.gaps;
    if ((got.status == ReadStatus::success) != (got.lost == 0)) ++count_.gaps;
    count_.last = got.counter.value;
    judge(got);
  }

  void take_newest() {
    const ReadResult got = reader_.newest(into_);
    if (!got.has_frame()) {
      std::this_thread::yield();
      return;
    }
    ++count_.delivered;
    if (got.counter.value < count_.last) ++count_.gaps;
    count_.last = got.counter.value;
    judge(got);
  }

  void take_history() {
    const std::uint32_t wanted = reader_.depth();
    const std::size_t bytes = kWords * 4;
    history_.resize(wanted * bytes);
    const History got = reader_.history(history_, wanted);
    if (got.frames == 0) return std::this_thread::yield();
    for (std::uint32_t i = 0; i < got.frames; ++i) {
      ++count_.delivered;
      if (!describes_itself(std::span(history_).subspan(i * bytes, bytes), got.first + i))
        ++count_.bad;
    }
    const std::uint64_t last = got.first.value + got.frames - 1;
    if (last < count_.last) ++count_.gaps;
    count_.last = last;
  }

  void take_any_slot() {
    const ReadResult got = reader_.at(static_cast<std::uint32_t>(count_.delivered), into_);
    if (!got.has_frame()) return std::this_thread::yield();
    ++count_.delivered;
    count_.last = std::max(count_.last, got.counter.value);
    judge(got);
  }

  void judge(const ReadResult& got) {
    bool good = describes_itself(got.pixels, got.counter);
    if (got.id.value != 1000 + got.counter.value) good = false;
    if (mode_ == Mode::next_in_place && !reader_.intact(got)) {
      ++count_.overtaken;  // said so: whatever was seen is thrown away
      return;
    }
    if (!good) ++count_.bad;
  }

  Reader reader_;
  Mode mode_;
  Bytes into_ = Bytes(kWords * 4);
  Bytes history_;
  Count count_;
};

enum class Writing { whole, packets };

// A camera that sends its frame in four packets: the slot stays marked from the first to the last.
void write_packets(Writer& writer, std::span<const std::byte> pixels, FrameId id) {
  constexpr std::uint16_t kPackets = 4;
  const std::size_t size = pixels.size() / kPackets;
  Slot slot = writer.begin();
  for (std::uint16_t p = 0; p < kPackets; ++p) {
    detail::racy_fill(slot.pixels().data() + p * size, pixels.data() + p * size, size);
    slot.note({static_cast<std::uint32_t>(p * size / 4), static_cast<std::uint32_t>(size / 4), p,
               kPackets, id.value});
  }
  slot.commit(id);
}

class Stress : public testing::TestWithParam<std::tuple<std::uint32_t, Writing>> {};
INSTANTIATE_TEST_SUITE_P(Depth, Stress,
                         testing::Combine(testing::Values(1U, 2U, 3U, 8U),
                                          testing::Values(Writing::whole, Writing::packets)));

TEST_P(Stress, NoBadFrameIsAcceptedAndTheCountsAddUp) {
  const TempStream stream;
  const auto [depth, writing] = GetParam();
  Writer writer = Writer::create(stream.path(), Geometry{{kWords}, 5, 4, depth, 0}.options());
  std::vector<StressReader> readers;
  for (const Mode mode : {Mode::next_copy, Mode::next_in_place, Mode::newest, Mode::history,
                          Mode::any_slot, Mode::wait_sleep, Mode::wait_spin})
    readers.emplace_back(stream.path(), mode);

  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (auto& reader : readers) threads.emplace_back([&] { reader.run(done); });
  Bytes pixels(kWords * 4);
  for (std::uint64_t k = 1; k <= kFrames; ++k) {
    for (std::size_t i = 0; i < kWords; ++i) put(pixels, i * 4, word_of(k, i));
    if (writing == Writing::whole)
      writer.write(pixels, FrameId{1000 + k});
    else
      write_packets(writer, pixels, FrameId{1000 + k});
  }
  done.store(true, std::memory_order_release);
  for (auto& thread : threads) thread.join();

  ASSERT_EQ(writer.newest().value, kFrames);
  std::uint64_t reads = 0;
  for (std::size_t i = 0; i < readers.size(); ++i) {
    SCOPED_TRACE(fmt::format("reader {} depth {}", i, depth));
    const Count& count = readers[i].count();
    EXPECT_EQ(count.bad, 0U) << "of " << count.delivered;
    EXPECT_EQ(count.gaps, 0U);
    EXPECT_GT(count.delivered, 0U);
    const std::uint64_t backlog = kFrames - count.last;
    reads += count.delivered;
    if (readers[i].reads_in_order()) {
      EXPECT_EQ(kFrames - count.first, count.delivered + count.lost + backlog);
    }
  }
  fmt::print("verified reads: {}\n", reads);
}

TEST(Stress, NothingIsLostWhileTheWriterOverwritesOnlyWhatWasTaken) {
  // Up to `depth` frames are outstanding and the writer never claims a slot whose frame was not
  // taken: whatever the interleaving, every answer is the next frame.
  for (const std::uint32_t depth : {1U, 2U, 3U, 8U}) {
    const TempStream stream;
    Writer writer = Writer::create(stream.path(), Geometry{{4, 4}, 5, 4, depth, 0}.options());
    Reader reader = Reader::open(stream.path());
    const std::uint64_t frames = kDefaultFrames / 60 + 250;
    std::atomic<std::uint64_t> taken{0};
    std::atomic<bool> failed{false};
    std::thread thread([&] {
      for (std::uint64_t k = 1; k <= frames; ++k) {
        while (taken.load() + depth < k && !failed) std::this_thread::yield();
        if (failed) return;
        write_next(writer);
      }
    });
    Bytes into(64);
    for (std::uint64_t k = 1; k <= frames && !failed; ++k) {
      const ReadResult got = reader.next(into, far_deadline(), k % 2 ? Wait::spin : Wait::sleep);
      EXPECT_EQ(got.status, ReadStatus::success) << "depth " << depth << ", frame " << k;
      EXPECT_EQ(got.counter.value, k) << "depth " << depth;
      if (got.status != ReadStatus::success || !holds(into, k)) failed = true;
      taken.store(k);
    }
    thread.join();
    EXPECT_FALSE(failed) << "depth " << depth;
  }
}

}  // namespace
}  // namespace daohil::shm
