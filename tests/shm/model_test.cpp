// Random schedules of one writer and three readers against a brute-force model of the FIFO: a
// plain queue of the frames that are left, and a tail for each reader.

#include <deque>
#include <random>

#include "tests/shm/support.hpp"

namespace daohil::shm {
namespace {

using namespace test;

constexpr std::size_t kBytes = 64;
constexpr std::size_t kReaders = 3;

class Model {
 public:
  explicit Model(std::uint32_t depth) : depth_(depth) {}

  void begin() {
    // The slot of the oldest frame is claimed: from now on that frame is gone.
    if (!claimed_ && frames_.size() == depth_) frames_.pop_front();
    claimed_ = true;
  }
  void abandon() {}  // the slot stays marked, the next begin claims the same one
  void commit() {
    claimed_ = false;
    frames_.push_back(++newest_);
  }
  struct Answer {
    ReadStatus status;
    std::uint64_t counter = 0;
    std::uint64_t lost = 0;
  };
  Answer next(std::size_t reader) {
    std::uint64_t& tail = tails_.at(reader);
    if (newest_ == tail || frames_.empty()) return {ReadStatus::not_ready};
    const std::uint64_t wanted = tail + 1;
    if (frames_.front() <= wanted) {
      tail = wanted;
      return {ReadStatus::success, wanted, 0};
    }
    tail = newest_;
    return {ReadStatus::overwrite, newest_, newest_ - wanted};
  }
  [[nodiscard]] Answer newest() const {
    if (newest_ == 0) return {ReadStatus::not_ready};
    if (frames_.empty()) return {ReadStatus::torn};  // depth 1, being rewritten
    return {ReadStatus::success, newest_, 0};
  }
  void reset(std::size_t reader) { tails_.at(reader) = newest_; }
  [[nodiscard]] bool intact(std::uint64_t counter) const {
    return !frames_.empty() && frames_.front() <= counter;
  }
  [[nodiscard]] std::uint64_t tail(std::size_t reader) const { return tails_.at(reader); }

 private:
  std::uint32_t depth_;
  std::deque<std::uint64_t> frames_;
  std::uint64_t newest_ = 0;
  bool claimed_ = false;
  std::array<std::uint64_t, kReaders> tails_{};
};

class Schedule {
 public:
  Schedule(std::uint32_t depth, std::uint64_t seed)
      : random_(seed),
        model_(depth),
        depth_(depth),
        seed_(seed),
        writer_(Writer::create(stream_.path(), Geometry{{4, 4}, 5, 4, depth, 0}.options())) {
    for (std::size_t i = 0; i < kReaders; ++i) readers_.push_back(Reader::open(stream_.path()));
  }

  /// A schedule: some operations, from whatever state the one before it left.
  void run(int operations) {
    log_.clear();
    // Writing and reading must take turns in being the faster one.
    const auto bias = pick(3);
    for (int i = 0; i < operations; ++i) {
      step(pick(10) < 3 + 2 * bias);
      if (testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  std::string trace() const {
    return fmt::format("seed {} depth {}, last schedule: {}", seed_, depth_, log_);
  }

  void step(bool write) {
    const auto reader = pick(kReaders);
    if (write) {
      switch (pick(6)) {
        case 0:
          begin();
          break;
        case 1:
          abandon();
          break;
        default:
          begin();
          commit();
      }
      return;
    }
    switch (pick(8)) {
      case 0:
        log_ += fmt::format("reset{} ", reader);
        return reset(reader);
      case 1:
      case 2:
        log_ += fmt::format("newest{} ", reader);
        return newest(reader);
      default:
        log_ += fmt::format("next{} ", reader);
        return next(reader);
    }
  }

  void begin() {
    log_ += "begin ";
    slot_.reset();
    slot_.emplace(writer_.begin());
    model_.begin();
    std::memset(slot_->pixels().data(), 0xEE, kBytes / 2);  // visible to whoever looks too early
    check_held();
  }
  void abandon() {
    log_ += "abandon ";
    slot_.reset();
    model_.abandon();
  }
  void commit() {
    log_ += "commit ";
    const Bytes pixels = pixels_of(kBytes, slot_->counter().value);
    std::memcpy(slot_->pixels().data(), pixels.data(), kBytes);
    slot_->commit(FrameId{1000 + slot_->counter().value});
    slot_.reset();
    model_.commit();
    check_held();
  }
  void reset(std::size_t reader) {
    readers_[reader].reset_tail();
    model_.reset(reader);
    ASSERT_EQ(readers_[reader].tail().counter.value, model_.tail(reader)) << trace();
  }
  void next(std::size_t reader) {
    const bool in_place = pick(2) == 0;
    Reader& real = readers_[reader];
    check(in_place ? real.next_in_place() : real.next(into_), model_.next(reader), in_place);
    ASSERT_EQ(real.tail().counter.value, model_.tail(reader)) << trace();
  }
  void newest(std::size_t reader) {
    const bool in_place = pick(2) == 0;
    Reader& real = readers_[reader];
    check(in_place ? real.newest_in_place() : real.newest(into_), model_.newest(), in_place);
    ASSERT_EQ(real.tail().counter.value, model_.tail(reader)) << trace();
  }
  void check(const ReadResult& got, const Model::Answer& expected, bool in_place) {
    ASSERT_EQ(shm::name_of(got.status), shm::name_of(expected.status)) << trace();
    ASSERT_EQ(got.counter.value, expected.counter) << trace();
    ASSERT_EQ(got.lost, expected.lost) << trace();
    if (!got.has_frame()) return;
    ASSERT_TRUE(holds(got.pixels, expected.counter)) << trace();
    ASSERT_EQ(got.id.value, 1000 + expected.counter) << trace();
    ASSERT_EQ(got.slot, (expected.counter - 1) % depth_) << trace();
    if (in_place) held_ = got;
  }
  void check_held() {
    if (!held_) return;
    const bool intact = readers_[0].intact(*held_);
    ASSERT_EQ(intact, model_.intact(held_->counter.value)) << trace();
    if (intact) {
      ASSERT_TRUE(holds(held_->pixels, held_->counter.value)) << trace();
    }
  }

  std::mt19937_64 random_;
  Model model_;
  std::uint32_t depth_;
  std::uint64_t seed_;
  TempStream stream_;
  Writer writer_;
  std::vector<Reader> readers_;
  std::optional<Slot> slot_;
  std::optional<ReadResult> held_;  // the last frame read in place
  Bytes into_ = Bytes(kBytes);
  std::string log_;
};

class RandomSchedules : public testing::TestWithParam<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Depth, RandomSchedules, testing::Range(1U, 9U));

TEST_P(RandomSchedules, AgreeWithTheModel) {
  // 8 depths x 60 seeds x 50 schedules = 24 000.
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Schedule schedule(GetParam(), seed * 1000 + GetParam());
    for (int i = 0; i < 50; ++i) {
      schedule.run(30);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace daohil::shm
