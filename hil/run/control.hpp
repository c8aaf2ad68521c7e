#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "hil/trace.hpp"
#include "shm/shared_block.hpp"
#include "shm/time.hpp"

/// The only place with processes, threads of time and signals: plan -> trace.
namespace daohil::hil::run {

enum class ActorState : std::uint32_t { starting, ready, done, failed };
enum class Command : std::uint32_t { hold, go, stop };

/// What the processes of one case tell each other, in memory shared by fork.
struct Control {
  static constexpr std::size_t kMaxActors = 33;  // the source and up to 32 readers

  struct Actor {
    std::atomic<ActorState> state{ActorState::starting};
    std::atomic<Scheduling> scheduling{Scheduling::ordinary};
    std::array<char, 1000> message{};  ///< why it failed; written before the state

    void fail(std::string_view why) {
      std::memcpy(message.data(), why.data(), std::min(why.size(), message.size() - 1));
      state.store(ActorState::failed, std::memory_order_release);
    }
  };

  std::atomic<Command> command{Command::hold};
  /// When frame 1 is due; valid from Command::go on.
  std::atomic<std::int64_t> start_ns{0};
  /// When the last frame was due; 0 while more are to come. A reader makes the calls that its lag
  /// intends up to then, however late it is.
  std::atomic<std::int64_t> end_ns{0};
  std::array<Actor, kMaxActors> actors{};

  /// What one process of the source leaves to the next.
  struct Source {
    /// 1 + index of the crash that is about to kill it; 0: it dies for another reason.
    std::atomic<std::uint32_t> dies_of{0};
    std::atomic<std::uint32_t> epoch{0};  ///< how often the stream has been created anew
    /// The frame whose slot it claimed and did not finish; 0: none.
    std::atomic<std::uint64_t> orphan{0};
    std::atomic<std::int64_t> orphan_claimed_ns{0};
    std::atomic<std::int64_t> last_due_ns{0};
  } source{};

  [[nodiscard]] bool stopping() const {
    return command.load(std::memory_order_acquire) == Command::stop;
  }
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// A Control in memory that children of fork share.
class SharedControl {
 public:
  SharedControl() : block_(sizeof(Control)), control_(new (block_.data()) Control) {}
  Control* operator->() const { return control_; }
  Control& operator*() const { return *control_; }

 private:
  shm::SharedBlock block_;
  Control* control_;
};

}  // namespace daohil::hil::run
